"""The pages for people say only what is so: files, settings and links that they name exist; test_documents.py has the
commands."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from autograder.classroom.next_term import BY_HAND
from autograder.gradescope.settings import TABLES, Settings
from autograder.grading import grade
from autograder.repository import ROOT
from tests.kit.documented import page

PAGES = ["README.md", *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md")))]
PAGES += ["autograder/README.md", "autograder/evidence/audit/README.md", "tests/corpus/README.md"]
PAGES += ["solution/written/README.md", "data/README.md"]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
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


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in headings}


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


# What next-term prints


def test_the_commands_of_a_new_term_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"make ([a-z-]+)", " ".join(BY_HAND))
    assert named and set(named) <= set(targets)
