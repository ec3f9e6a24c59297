"""The courses that come with the project hold together, and say what the homework says that they cover."""

import re
from functools import cache
from typing import Any

import pytest

from autograder.release.contents import generate
from autograder.repository import ROOT, read_toml
from autograder.tasks import chosen

HANDOUT = ROOT / "solution" / "handout"
COURSES = sorted(path.stem for path in (ROOT / "courses").glob("*.toml"))
# Points of each section of the homework that states them: 20 for section 1, 80 for section 2.
POINTS_002 = {"1.1": 5, "1.2": 10, "1.3": 5, "2.1": 20, "2.2": 25, "2.3": 5, "2.4": 20, "2.5": 5, "2.6": 5}

each_course = pytest.mark.parametrize("course", COURSES)


@cache
def read(name: str) -> dict[str, Any]:
    return read_toml(ROOT / "courses" / f"{name}.toml")


@cache
def all_tasks() -> dict[str, dict[str, Any]]:
    return {task["name"]: task for task in read_toml(ROOT / "tests" / "tasks.toml")["task"]}


def sections(course: str) -> dict[str, dict[str, Any]]:
    """Each section by its number."""
    return {table.get("number", str(i)): table for i, table in enumerate(read(course)["section"], start=1)}


def names(course: str, kind: str) -> list[str]:
    """All its tasks, or all its questions."""
    return [item["name"] for section in read(course)["section"] for item in section.get(kind, [])]


def worth(section: dict[str, Any]) -> float:
    return sum(item["points"] for kind in ("task", "question") for item in section.get(kind, []))


@cache
def handout(course: str) -> str:
    """What students read."""
    return generate(course=chosen(course)).files["README.md"].decode()


@each_course
def test_it_holds_together(course: str) -> None:
    """Points, numbers, names, and every reference of its texts: else it is refused. Links within lead to headings."""
    text = handout(course)
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_homework_with_points_of_its_own() -> None:
    found = {number: worth(section) for number, section in sections("002").items()}
    assert found == POINTS_002


def test_modes() -> None:
    modes = {course: read(course).get("grading", "points") for course in COURSES if course.isdigit()}
    assert modes == {"000": "self", "001": "points", "002": "points", "003": "written", "004": "points"}
    assert names("003", "task") == []


def test_the_component_that_is_given_is_the_one_that_is_used() -> None:
    text = (HANDOUT / "sections" / "mixture_sampling.md").read_text(encoding="utf-8")
    options = read("002")["options"]
    assert len({str(mean) for mean in options["means"]}) == len(options["means"]) == len(options["covs"]) == 3
    matrices = re.findall(r"\\begin\{pmatrix\} (.*?) \\end\{pmatrix\}", text)
    mean, cov = [[[float(x) for x in row.split("&")] for row in matrix.split(r"\\")] for matrix in matrices]
    assert [x for row in mean for x in row] == options["means"][1]
    assert cov == options["covs"][1]


@each_course
def test_no_text_names_what_is_left_out(course: str) -> None:
    asked, there, gone = names(course, "task"), set[str](), set[str]()
    for name, task in all_tasks().items():
        (there if name in asked else gone).update(task.get("functions", []), [task.get("file", "")])
    # Encoder and Decoder are words, too; code stands between backticks.
    code = " ".join(re.findall(r"`[^`\n]*`", handout(course)))
    assert [word for word in gone - there - {""} if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", code)] == []


def test_every_text_belongs_to_something() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in HANDOUT.rglob("*.md"))
    # What pages include: what holds for every dataset, and for the one that the courses here have.
    shared = {path.stem for place in ("common", "mnist") for path in (HANDOUT / place).glob("*.md")}
    assert shared == set(re.findall(r"\{\{include:(\w+)\}\}", everything))
    assert {path.stem for path in HANDOUT.glob("*.md")} == {*all_tasks(), *COURSES}
