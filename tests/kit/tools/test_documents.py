"""The pages for people say only what is so: commands, options, files, settings and links that they name exist."""

import re
import shlex
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from autograder import __main__ as commands
from autograder.classroom import command as class_command
from autograder.classroom.next_term import BY_HAND
from autograder.evidence.audit import command as audit
from autograder.gradescope import rehearsal
from autograder.gradescope.settings import TABLES, Settings
from autograder.grading import grade
from autograder.repository import ROOT
from tests.kit.documented import page

PAGES = ["README.md", *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md")))]
PAGES += ["autograder/README.md", "autograder/evidence/audit/README.md", "tests/corpus/README.md"]
PAGES += ["solution/written/README.md", "data/README.md"]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Where paths that pages name begin, beside the page's own folder.
PLACES = (ROOT, ROOT / "solution", ROOT / "tests", ROOT / "tests" / "corpus", ROOT / "tests" / "kit" / "tiny")
# Made by commands of the project, or named as an example.
MADE = ("dist/", "grades/", "results/", "solution/results", "autograder/secret", "tests/autograder/", "figures/")
MADE += ("courses/spring", "solution/handout/spring", "solution/handout/mine", "solution/handout/fashion-mnist/")
EXAMPLE = re.compile(r"\b(?:NAME|USER|TASK|N)\b")

each_page = pytest.mark.parametrize("name", PAGES)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def inline(name: str) -> list[str]:
    """What stands between backticks in the text of a page."""
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text(name)))


def commands_of(name: str) -> list[str]:
    blocks = re.findall(r"^```(?:sh|text)\n(.*?)^```", text(name), re.MULTILINE | re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    by_hand = re.findall(r"make [a-z-]+(?: [A-Z]+=[^ ,]+)*", " ".join(BY_HAND)) if name == "docs/maintaining.md" else []
    return [*lines, *inline(name), *by_hand]


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in headings}


@each_page
def test_every_command_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for command in commands_of(name):
        words = shlex.split(command) if command.startswith("make ") else []
        given = [word.partition("=")[0] for word in words if "=" in word]
        assert {word for word in words[1:] if "=" not in word} <= targets, command
        assert all(f"$({variable})" in MAKEFILE for variable in given), command
        for called in re.findall(r"^python -m autograder ([a-z-]+)", command):
            assert called in commands.COMMANDS, command


def test_every_command_of_the_makefile_exists() -> None:
    assert set(re.findall(r"-m autograder ([a-z-]+)", MAKEFILE)) <= commands.COMMANDS.keys()


@each_page
def test_every_option_that_make_passes_on_exists(name: str) -> None:
    options = set(re.findall(r'ARGS="(--[a-z]+)', text(name)))
    parsers = [one._parser() for one in (rehearsal, audit, class_command)]
    assert options <= {option for parser in parsers for option in parser._option_string_actions}


@each_page
def test_every_file_exists(name: str) -> None:
    paths = {word for word in inline(name) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?|[A-Z]+\.md|\w+\.toml", word)}
    wanted = [path for path in sorted(paths) if not path.startswith(MADE) and not EXAMPLE.search(path)]
    places = (*PLACES, (ROOT / name).parent)
    assert [path for path in wanted if not any((place / path).exists() for place in places)] == []


@each_page
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", FENCED.sub("", text(name))):
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists() and (not anchor or anchor in anchors(path.read_text(encoding="utf-8"))), target


# docs/instructors.md

INSTRUCTORS = page("instructors.md")


@pytest.mark.parametrize("table", sorted(set(re.findall(r"\[(\w+)\] (\w+)", " ".join(inline("docs/instructors.md"))))))
def test_every_setting_exists(table: tuple[str, str]) -> None:
    name, key = table
    assert key in {field.name for field in fields(TABLES[name])}


def test_every_table_of_the_settings_is_explained() -> None:
    assert all(is_dataclass(getattr(Settings(), field.name)) for field in fields(Settings))
    words = INSTRUCTORS.lower()
    assert [name for name in TABLES if name.rstrip("s") not in words] == []


def test_the_programs_say_what_the_table_of_problems_quotes() -> None:
    setup = (ROOT / "autograder" / "gradescope" / "setup.sh").read_text()
    for said in ("setup.sh FAILED", "taking the ordinary build", 'say "ready:'):
        assert said in setup
    assert "setup.sh: ready" in INSTRUCTORS
    assert "Grader set-up problem" in grade.SETUP_PROBLEM
    assert "Grading did not finish" in Path(grade.__file__).read_text()


# docs/maintaining.md


@pytest.mark.parametrize("line", [line for line in commands_of("docs/maintaining.md") if "fresh_machine" in line])
def test_the_script_for_bare_machines_knows_its_options(line: str) -> None:
    words = shlex.split(line.removeprefix("sudo "))
    usage = (ROOT / words[0]).read_text(encoding="utf-8").partition("\nset -")[0]
    assert words[-1] in usage and all(word in usage for word in words[1:])
