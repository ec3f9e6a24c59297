"""The courses that come with the project hold together: points, numbers, names, and every reference of their texts.

These tests read the files themselves, not with the kit's reader: they would notice a mistake in that, too.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from autograder.repository import read_toml

ROOT = Path(__file__).resolve().parents[2]
HANDOUT = ROOT / "solution" / "handout"
# What pages include: what holds for every dataset, and for the one that the courses here have.
SHARED = {
    path.stem: f"handout/{place}/{path.name}"
    for place in ("common", "mnist")
    for path in (HANDOUT / place).glob("*.md")
}
COURSES = sorted(path.stem for path in (ROOT / "courses").glob("*.toml"))
PLACEHOLDER = re.compile(r"\{\{(\w+)(?::([\w.]+))?\}\}")
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


def items(course: str, kind: str) -> list[dict[str, Any]]:
    """All tasks, or all questions, with the number where the course gives or implies one."""
    return [
        {"number": f"{number}.{place}" if kind == "task" else "", **item}
        for number, section in sections(course).items()
        for place, item in enumerate(section.get(kind, []), start=1)
    ]


def names(course: str, kind: str) -> list[str]:
    return [item["name"] for item in items(course, kind)]


def worth(section: dict[str, Any]) -> float:
    return sum(item["points"] for kind in ("task", "question") for item in section.get(kind, []))


def included(text: str) -> list[str]:
    return [name for kind, name in PLACEHOLDER.findall(text) if kind == "include"]


def texts(course: str) -> dict[str, str]:
    """Path below solution/ to text, of all that a course's handout is made of."""
    paths = [f"handout/{course}.md"]
    paths += [f"handout/sections/{section['name']}.md" for section in read(course)["section"]]
    paths += [f"handout/{name}.md" for name in names(course, "task")]
    found = {path: (ROOT / "solution" / path).read_text(encoding="utf-8") for path in paths}
    for text in list(found.values()):
        for name in included(text):
            found[SHARED[name]] = (ROOT / "solution" / SHARED[name]).read_text(encoding="utf-8")
    for name in names(course, "question"):
        # What stands under the first second-level heading is not part of the handout.
        path = f"questions/{name}.md"
        found[path] = (ROOT / "solution" / path).read_text(encoding="utf-8").split("\n## ")[0]
    return found


@each_course
def test_points_add_up(course: str) -> None:
    assert sum(map(worth, sections(course).values())) == pytest.approx(read(course)["total"])


@each_course
def test_names_are_known_and_occur_once(course: str) -> None:
    asked, questions = names(course, "task"), names(course, "question")
    assert set(asked) <= set(all_tasks())
    assert set(questions) <= {path.stem for path in (ROOT / "solution" / "questions").glob("*.md")}
    counts = Counter([*asked, *questions, *(section["name"] for section in read(course)["section"])])
    assert [name for name, count in counts.items() if count > 1] == []


@each_course
def test_numbers_occur_once(course: str) -> None:
    numbers = [*sections(course), *(item["number"] for kind in ("task", "question") for item in items(course, kind))]
    given = [number for number in numbers if number]
    assert [number for number in given if not re.fullmatch(r"[A-Z0-9]+(\.[A-Za-z0-9]+)*", number)] == []
    assert [number for number, count in Counter(given).items() if count > 1] == []


def test_homework_with_points_of_its_own() -> None:
    found = {number: worth(section) for number, section in sections("002").items()}
    assert found == POINTS_002
    assert sum(points for number, points in found.items() if number.startswith("1.")) == 20
    assert sum(points for number, points in found.items() if number.startswith("2.")) == 80


def test_modes() -> None:
    modes = {course: read(course).get("grading", "points") for course in COURSES if course.isdigit()}
    assert modes == {"000": "self", "001": "points", "002": "points", "003": "written", "004": "points"}
    assert names("003", "task") == []


def test_the_component_that_is_given_is_the_one_that_is_used() -> None:
    text = texts("002")["handout/sections/mixture_sampling.md"]
    options = read("002")["options"]
    assert len({str(mean) for mean in options["means"]}) == len(options["means"]) == len(options["covs"]) == 3
    matrices = re.findall(r"\\begin\{pmatrix\} (.*?) \\end\{pmatrix\}", text)
    mean, cov = [[[float(x) for x in row.split("&")] for row in matrix.split(r"\\")] for matrix in matrices]
    assert [x for row in mean for x in row] == options["means"][1]
    assert cov == options["covs"][1]


@each_course
def test_every_reference_is_to_something_in_the_course(course: str) -> None:
    tasks, questions = set(names(course, "task")), set(names(course, "question"))
    named = {section["name"] for section in read(course)["section"]}
    groups = {number.split(".")[0] for number in sections(course)}
    known = {
        "task": tasks,
        "question": questions,
        "section": named,
        "link": named,
        "points": tasks | questions | named | groups | {"total", "code", "written"},
        "include": SHARED.keys(),
        "dataset": read_toml(ROOT / "tests" / "tasks.toml")["assignment"]["dataset"].keys(),
        "course": {"due", "late", "attempts"},
        "files": {""},
        "sections": {""},
    }
    wrong = [
        f"{path}: {match.group(0)}"
        for path, text in texts(course).items()
        for match in PLACEHOLDER.finditer(text)
        if (match.group(2) or "") not in known.get(match.group(1), set())
    ]
    assert wrong == []


@each_course
def test_no_text_names_what_is_left_out(course: str) -> None:
    asked, there, gone = names(course, "task"), set[str](), set[str]()
    for name, task in all_tasks().items():
        (there if name in asked else gone).update(task.get("functions", []), [task.get("file", "")])
    wrong = [
        f"{path}: {word}"
        for path, text in texts(course).items()
        for word in gone - there - {""}
        # Encoder and Decoder are words, too; code stands between backticks.
        if re.search(rf"`[^`\n]*(?<!\w){re.escape(word)}(?![\w])[^`\n]*`", text)
    ]
    assert wrong == []


@each_course
def test_page(course: str) -> None:
    page = texts(course)[f"handout/{course}.md"]
    assert page.count("{{sections}}") == 1
    assert names(course, "task") or "{{files}}" not in page
    # Links within the page lead to a heading of the page itself; those to sections are placeholders.
    headings = {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in heading_lines(page)}
    everything = "\n".join(texts(course).values())
    assert set(re.findall(r"\]\(#([\w-]+)\)", everything)) <= headings


def heading_lines(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def test_every_text_belongs_to_something() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in HANDOUT.rglob("*.md"))
    assert SHARED.keys() == set(included(everything))
    assert {path.stem for path in HANDOUT.glob("*.md")} == {*all_tasks(), *COURSES}
