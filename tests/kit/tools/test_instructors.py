"""docs/instructors.md says only what is so: commands, files, settings and links that it names exist."""

import re
import shlex
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from autograder.classroom import command as class_command
from autograder.evidence.audit import command as audit
from autograder.gradescope import rehearsal
from autograder.gradescope.settings import TABLES, Settings
from autograder.release import selfgrade

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL))
COMMANDS = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()] + INLINE
# Made by commands of the project, or named as an example.
MADE = ("dist/", "student/", "autograder/secret.txt", "/autograder/", "courses/spring", "solution/handout/spring")
MADE += ("solution/handout/mine", "solution/handout/fashion-mnist/")


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set()
    for command in COMMANDS:
        words = shlex.split(command) if command.startswith("make ") else []
        named |= {word for word in words[1:] if "=" not in word}
    assert {"student", "release", "autograder", "gradescope", "reference-submission", "grade", "test"} <= named
    assert named <= targets


def test_every_file_exists() -> None:
    paths = {word for word in INLINE if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?|[A-Z]+\.md", word)}
    missing = [path for path in sorted(paths) if not path.startswith(MADE) and not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("table", sorted(set(re.findall(r"\[(\w+)\] (\w+)", " ".join(INLINE)))))
def test_every_setting_exists(table: tuple[str, str]) -> None:
    name, key = table
    assert key in {field.name for field in fields(TABLES[name])}


def test_every_table_of_the_settings_is_explained() -> None:
    assert all(is_dataclass(getattr(Settings(), field.name)) for field in fields(Settings))
    words = TEXT.lower()
    assert [name for name in TABLES if name.rstrip("s") not in words] == []


def test_every_link_has_a_heading() -> None:
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= headings


def test_options_that_are_passed_on_exist() -> None:
    options = set(re.findall(r'ARGS="(--[a-z]+)', TEXT))
    known = [option for one in (rehearsal, audit, class_command) for option in one._parser()._option_string_actions]
    assert options and options <= set(known)


def test_self_grades_are_explained_as_they_are() -> None:
    """The page on classes has the section that this one names, and the options in it exist."""
    page = (ROOT / "docs" / "class.md").read_text(encoding="utf-8")
    section = page.partition("\n## Self-grades\n")[2].partition("\n## ")[0]
    assert "class.md#self-grades" in TEXT
    options = set(re.findall(r"--[a-z]+", section))
    assert {"--selfgrades", "--roster"} <= options <= set(class_command._parser()._option_string_actions)
    assert f"`{selfgrade.FILE}`" in section and "SELFGRADES=" in (ROOT / "Makefile").read_text()


def test_the_sandbox_says_what_the_table_of_problems_quotes() -> None:
    """Quoted messages are those of the programs."""
    from autograder.grading import grade
    from autograder.sandbox import layers

    setup = (ROOT / "autograder" / "gradescope" / "setup.sh").read_text()
    assert "setup.sh FAILED" in setup
    assert "taking the ordinary build" in setup
    assert "setup.sh: ready" in TEXT
    assert 'say "ready:' in setup
    assert "Grader set-up problem" in grade.SETUP_PROBLEM
    assert issubclass(layers.Unprotected, Exception)
    assert "Grading did not finish" in Path(grade.__file__).read_text()
