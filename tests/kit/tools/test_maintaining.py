"""docs/maintaining.md says only what is so: its commands, files and links exist, and they do what it says."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from autograder import __main__ as commands
from autograder.classroom.next_term import BY_HAND

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "maintaining.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:sh|text)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL))
COMMANDS = [line.strip() for block in BLOCKS for line in block.splitlines()] + INLINE
COMMANDS += re.findall(r"make [a-z-]+(?: [A-Z]+=[^ ,]+)*", " ".join(BY_HAND))
MADE = ("dist/", "autograder/secret")


def make_commands() -> list[list[str]]:
    return [shlex.split(line) for line in COMMANDS if line.startswith("make ")]


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    named = {words[1] for words in make_commands()}
    assert {"next-term", "lock", "release", "autograder", "test", "courses"} <= named <= targets


def test_every_variable_is_one_of_the_makefile() -> None:
    given = {word.partition("=")[0] for words in make_commands() for word in words[2:]}
    assert given == {"COURSE", "SUBMISSION", "SLOW", "UPGRADE"}
    assert [name for name in given if f"$({name})" not in MAKEFILE and f"if $({name})" not in MAKEFILE] == []


def test_make_would_run_them() -> None:
    """make itself reads every command, without running any."""
    for words in make_commands():
        run = subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0, f"{words}: {run.stderr}"
        for command in re.findall(r"-m autograder ([a-z-]+)", run.stdout):
            assert command in commands.COMMANDS


def test_every_file_exists() -> None:
    paths = {word for word in INLINE if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?|[A-Z]+\.md|\w+\.toml", word)}
    missing = [path for path in sorted(paths) if not path.startswith(MADE) and not (ROOT / path).exists()]
    assert len(paths) > 5 and missing == []


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, wanted = target.partition("#")
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        anchors = {
            re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert wanted in {"", *anchors}


@pytest.mark.parametrize("line", [line for line in COMMANDS if "fresh_machine" in line])
def test_the_script_for_bare_machines_knows_its_options(line: str) -> None:
    words = shlex.split(line.removeprefix("sudo "))
    usage = (ROOT / words[0]).read_text(encoding="utf-8").partition("\nset -")[0]
    assert words[-1] in usage and all(word in usage for word in words[1:])


def test_what_the_page_says_of_stamps() -> None:
    example = re.search(r"`(\d[\d.]* \([0-9a-f]{8}\))`", TEXT)
    assert example is not None
    assert "extra_data.release" in TEXT and "patch.zip" in TEXT
