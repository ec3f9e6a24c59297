"""The tasks of the assignment and a course's choice of them: the one reader of tests/tasks.toml, of courses/*.toml and
of the checks' titles.

tests/tasks.toml says what there is to choose from:

    [assignment]   folder = "discs", data = [...]   see `Assignment`
    [[task]]       name = "area", title = "Area of a disc", file = "disc.py", functions = ["area"]
    [task.public]  test_by_hand = 0.5
    [task.hidden]  "test_large[float64]" = { weight = 1.5, case = "float64", visibility = "after_due_date" }
    [[task]]       name = "model", title = "The model", file = "model.safetensors", judge = "support.model:judge"

A check of tests/hidden/test_disc.py has the id "hidden/test_disc.py::test_by_hand"; its title is the first line of its
docstring, with the case in brackets. A task's points are shared out among its checks in proportion to their weights.

A course says which tasks are asked for, in which order, and what each is worth:

    title = "Discs", total = 7, timezone = "Europe/Berlin", due = 2026-10-17T23:59:00, per_day = 10
    late = { days = 2, percent_a_day = 10, grace_minutes = 10 }
    [[section]]        name = "discs", title = "Discs and circles"
    [[section.task]]   name = "area", points = 4

Numbers follow from the order: the first task of the fourth section is "4.1".
"""

from __future__ import annotations

import ast
import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.repository import COURSES, read_toml

COURSE_FILE = COURSES / "full.toml"
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")  # Gradescope's words
SUITES = ("public", "hidden")
# The highest sensible values of a course's numbers.
HIGHEST = {"per_day": 1000, "days": 1000, "percent_a_day": 100, "grace_minutes": 10_080}


class CourseError(ValueError):
    """A course or the table of tasks does not hold together; the message lists every problem with file and line."""


@dataclass(frozen=True)
class Assignment:
    """What the kit must be told about an assignment.

    Attributes:
        folder: the folder that students unpack.
        data: files that the grader's judges need, below the root.
        archives: a folder of data archives that students get, below the root; "" if there is none. The table in
            data/README.md has their names and MD5s.
        examples: files other than code (trained models) as a perfect student hands them in, below the root.
        leftovers: what working on the assignment leaves in a student's folder.
    """

    folder: str = "assignment"
    data: tuple[str, ...] = ()
    archives: str = ""
    examples: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Late:
    """What happens to late work.

    Attributes:
        days: how many days late work may be; later work earns nothing. None for no limit.
        percent_a_day: taken off for every day, or part of one: percent of the points earned.
        grace_minutes: minutes after the due date that still count as on time.
    """

    days: float | None = None
    percent_a_day: float = 0.0
    grace_minutes: float = 0.0


@dataclass(frozen=True)
class Task:
    """Something that a student implements.

    Attributes:
        name: the same in every course: the function's, if the task is one.
        number: in this course: "4.1" is the first task of the fourth section.
        title: what people call it.
        file: the submitted file that it is in; "" for a task that is judged over all files.
        functions: what to write there.
        judge: "module:function" that judges a file that is not code; "" for code.
    """

    name: str
    number: str
    title: str
    file: str
    functions: tuple[str, ...] = ()
    judge: str = ""

    @property
    def section(self) -> int:
        return int(self.number.split(".")[0])

    @property
    def label(self) -> str:
        """ "Task 4.1 (Area of a disc)"."""
        return f"Task {self.number} ({self.title})"


@dataclass(frozen=True)
class Check:
    """One row of the results.

    Attributes:
        id: "public/..." or "hidden/..." as pytest names it below tests/; the task's name for a judge.
        task: name of the task that it belongs to.
        number: the number of that task in this course.
        points: what it is worth; 0 for provided code.
        title: what people read.
        visibility: one of VISIBILITIES.
    """

    id: str
    task: str
    number: str
    points: float
    title: str
    visibility: str = "visible"

    @property
    def section(self) -> int:
        return int(self.number.split(".")[0])

    @property
    def by_pytest(self) -> bool:
        """Whether it is a collected test rather than a judge."""
        return "::" in self.id

    @property
    def hidden_inputs(self) -> bool:
        """Whether students must not learn what the check feeds their code."""
        return not self.id.startswith("public/")


@dataclass(frozen=True)
class Section:
    """A section of the handout, such as 4 "Circles and spheres"."""

    name: str
    number: int
    title: str


@dataclass(frozen=True)
class Question:
    """A question that a person judges, or a number that the report's notebook checks.

    Attributes:
        name: the same in every course.
        kind: "R" for an item of the report, "W" for a written question, "N" for a numeric check.
        label: its number in this course, such as "W4".
        points: what it is worth.
        section: the name of the section that asks it.
    """

    name: str
    kind: str
    label: str
    points: float
    section: str


@dataclass(frozen=True)
class Course:
    """A course's choice, in its order.

    Attributes:
        path: its file.
        total: what a perfect submission earns.
        due: None if only the platform knows; a date that the platform knows takes precedence.
        per_day: how many submissions of one student (or group) are graded within 24 hours; 0 for any number.
    """

    path: Path
    title: str
    total: float
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    checks: tuple[Check, ...]
    questions: tuple[Question, ...] = ()
    assignment: Assignment = Assignment()
    timezone: str = "UTC"
    due: datetime | None = None
    late: Late = Late()
    per_day: int = 0

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def tests(self) -> Path:
        """The folder of the checks."""
        return self.path.parents[1] / "tests"

    @property
    def files(self) -> frozenset[str]:
        """Names of the files to hand in."""
        return frozenset(task.file for task in self.tasks if task.file)

    def task(self, name: str) -> Task:
        """The task of this name.

        Raises:
            KeyError: this course does not ask for it.
        """
        return self._by_name[name]

    @functools.cached_property
    def _by_name(self) -> dict[str, Task]:
        return {task.name: task for task in self.tasks}

    def described(self) -> list[dict[str, Any]]:
        """Each task as plain data, with the title of its section: for pytest's markers and for students' programs."""
        titles = {section.number: section.title for section in self.sections}
        return [
            {
                "number": task.number,
                "name": task.name,
                "title": task.title,
                "section": titles[task.section],
                "file": task.file,
                "functions": list(task.functions),
            }
            for task in self.tasks
        ]

    def of_task(self, name: str) -> float:
        """Points that a task is worth."""
        return sum(check.points for check in self.checks if check.task == name)

    def of_section(self, number: int) -> float:
        """Points that a section is worth."""
        return sum(self.of_task(task.name) for task in self.tasks if task.section == number)


@dataclass
class _Record:
    """A [[task]] of tests/tasks.toml."""

    name: str
    title: str
    file: str = ""
    functions: list[str] = field(default_factory=list)
    judge: str = ""
    public: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)

    def test_file(self, suite: str) -> str:
        stem = Path(self.file).stem.lower() if self.file else self.name
        return f"{suite}/test_{stem}.py"


class _Source:
    """A TOML file and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path, self.problems = path, list[str]()
        try:
            self.document = read_toml(path)
        except ValueError as error:
            raise CourseError(str(error)) from None
        self._lines = path.read_text(encoding="utf-8").splitlines()

    def complain(self, text: str, place: str = "") -> None:
        """Note a problem; its line is the first that has `place` in it."""
        line = next((number for number, line in enumerate(self._lines, start=1) if place and place in line), 1)
        self.problems.append(f"{self.path}:{line}: {text}")

    def record(self, kind: type, table: Any, what: str, place: str = "") -> Any:
        """A table as a dataclass; None, with a complaint, if it does not fit."""
        try:
            return kind(**table)
        except TypeError as error:
            # such as "_Record.__init__() got an unexpected keyword argument 'point'"
            self.complain(f"{what}: {str(error).split('() ')[-1]}", place)
            return None


def load(path: Path = COURSE_FILE) -> Course:
    """Read a course, with what tests/tasks.toml beside its folder and the checks' sources say about its tasks.

    Raises:
        CourseError: naming every problem, with file and line.
    """
    course = _Source(path)
    registry = _Source(path.parents[1] / "tests" / "tasks.toml")
    records = _records(registry)
    assignment = registry.record(Assignment, _tuples(registry.document.get("assignment", {})), "[assignment]")
    if registry.problems:
        raise CourseError("\n".join(registry.problems))
    settings, sections, tasks, checks = _choice(course, records, path.parents[1] / "tests")
    if not course.problems:
        points = sum(check.points for check in checks)
        if not math.isclose(points, settings["total"], abs_tol=1e-6):
            course.complain(f"the points add up to {points:g}, but the total is {settings['total']:g}", "total")
    if course.problems:
        raise CourseError("\n".join(course.problems))
    return Course(
        path, sections=tuple(sections), tasks=tuple(tasks), checks=tuple(checks), assignment=assignment, **settings
    )


def compare(course: Course, collected: Iterable[str]) -> list[str]:
    """Where the table of tasks and the collected checks disagree, one sentence each; empty if they agree.

    Checks of tasks that the course does not ask for are ignored.
    """
    ids = set(collected)
    known = {check.id for check in course.checks if check.by_pytest}
    others = {id for record in _records(_Source(course.tests / "tasks.toml")).values() for id in _ids(record)}
    return [f"{id} is in no task of tests/tasks.toml" for id in sorted(ids - known - others)] + [
        f"{id} is in tests/tasks.toml, but no such check was collected" for id in sorted(known - ids)
    ]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _ids(record: _Record) -> list[str]:
    """Ids of the checks of a task."""
    return [f"{record.test_file(suite)}::{name}" for suite in SUITES for name in getattr(record, suite)]


def _records(source: _Source) -> dict[str, _Record]:
    """The tasks of tests/tasks.toml by their names."""
    for name in set(source.document) - {"assignment", "task"}:
        source.complain(f"[{name}] is not a table of this file", name)
    found: dict[str, _Record] = {}
    for table in _list(source, source.document.get("task", []), "[[task]]"):
        place = f'"{table.get("name", "")}"'
        record = source.record(_Record, table, f"[[task]] {place}", place)
        if record is None:
            continue
        for problem in _record_problems(record):
            source.complain(f"task {record.name}: {problem}", place)
        if record.name in found:
            source.complain(f"two tasks are called {record.name}", place)
        found[record.name] = record
    return found


def _record_problems(record: _Record) -> list[str]:
    problems = []
    entries = [(name, value) for suite in SUITES for name, value in getattr(record, suite).items()]
    if not record.name.isidentifier():
        problems.append("a name consists of letters, digits and underscores")
    if not record.title:
        problems.append("it has no title")
    if not record.judge and not entries:
        problems.append("give it checks (public, hidden) or a judge")
    if record.judge and any(_entry(value).get("weight") for _, value in entries):
        problems.append("its judge gives all of its points, so its checks must have weight 0")
    if record.judge and (not record.file or record.judge.count(":") != 1):
        problems.append('a judge is written "module:function", and its task has a file')
    for name, value in entries:
        entry = _entry(value)
        if not _is_worth(entry.get("weight")):
            problems.append(f"the weight of {name} must be a finite number of at least 0, not {entry.get('weight')!r}")
        if entry.get("visibility", "visible") not in VISIBILITIES:
            problems.append(f"the visibility of {name} must be one of {', '.join(VISIBILITIES)}")
        if ("[" in name) != ("case" in entry):
            problems.append(f"{name}: give a case to each part of a parametrised check, and to no other")
        problems += [f"{name}: there is no {key!r}" for key in set(entry) - {"weight", "case", "visibility"}]
    return problems


def _choice(
    source: _Source, records: Mapping[str, _Record], tests: Path
) -> tuple[dict[str, Any], list[Section], list[Task], list[Check]]:
    """The settings of a course, and what it asks for; problems are noted in `source`."""
    document = dict(source.document)
    settings = _settings(source, document)
    sections: list[Section] = []
    tasks: list[Task] = []
    checks: list[Check] = []
    for number, table in enumerate(_list(source, document.get("section", []), "[[section]]"), start=1):
        chosen = _list(source, table.pop("task", []), "[[section.task]]")
        section = source.record(Section, {"number": number, **table}, f"[[section]] {number}", str(table.get("title")))
        if section is None:
            continue
        sections.append(section)
        for place, entry in enumerate(chosen, start=1):
            record = records.get(str(entry.get("name")))
            where = f'"{entry.get("name", "")}"'
            if record is None:
                source.complain(f"tests/tasks.toml has no task {entry.get('name')!r}", where)
            elif set(entry) != {"name", "points"}:
                source.complain(f"task {record.name}: write name and points, not {', '.join(entry)}", where)
            elif not _is_worth(entry["points"]):
                source.complain(f"task {record.name}: points must be a finite number of at least 0", where)
            else:
                tasks.append(_task(record, f"{number}.{place}"))
                try:
                    checks += _checks(tasks[-1], record, float(entry["points"]), tests)
                except CourseError as error:
                    source.problems.append(str(error))
    for name, count in Counter(task.name for task in tasks).items():
        if count > 1:
            source.complain(f"task {name} is asked for {count} times", f'"{name}"')
    return settings, sections, tasks, checks


def _settings(source: _Source, document: dict[str, Any]) -> dict[str, Any]:
    """The settings above the sections."""
    known: dict[str, Any] = {"title": str, "total": (int, float), "timezone": str, "due": datetime}
    known |= {"late": dict, "per_day": int}
    settings: dict[str, Any] = {}
    for name in set(document) - set(known) - {"section"}:
        source.complain(f"{name} is not a setting of a course; the settings are {', '.join(known)}", name)
    for name in ("title", "total"):
        if name not in document:
            source.complain(f"{name} is missing")
    for name, kind in known.items():
        if name not in document:
            continue
        if not isinstance(document[name], kind) or isinstance(document[name], bool):
            source.complain(f"{name} = {document[name]!r} is not a possible value", name)
        else:
            settings[name] = document[name]
    numbers = settings | settings.get("late", {})
    for name, highest in HIGHEST.items():
        if name in numbers and not (_is_worth(numbers[name]) and numbers[name] <= highest):
            source.complain(f"{name} = {numbers[name]!r}: write a number from 0 to {highest}", f"{name} =")
    if "late" in settings:
        settings["late"] = source.record(Late, settings["late"], "late", "late")
    try:
        zone = ZoneInfo(settings.get("timezone", "UTC"))
    except (KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        source.complain(f"there is no time zone {settings['timezone']!r}", "timezone")
    else:
        if "due" in settings and settings["due"].tzinfo is None:
            settings["due"] = settings["due"].replace(tzinfo=zone)
    return settings


def _list(source: _Source, tables: Any, name: str) -> list[dict[str, Any]]:
    """The tables of a list; none, with a complaint, if it is not a list of tables."""
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tables
    source.complain(f"write {name}, not {name[1:-1]}", name[1:-1])
    return []


def _entry(value: Any) -> dict[str, Any]:
    """What is written for a check: its weight alone, or a table that has the weight in it."""
    return value if isinstance(value, dict) else {"weight": value}


def _is_worth(points: Any) -> bool:
    number = isinstance(points, (int, float)) and not isinstance(points, bool)
    return number and math.isfinite(points) and points >= 0


def _task(record: _Record, number: str) -> Task:
    return Task(record.name, number, record.title, record.file, tuple(record.functions), record.judge)


def _checks(task: Task, record: _Record, points: float, tests: Path) -> list[Check]:
    """The checks of a task, its points shared out in proportion to their weights.

    Raises:
        CourseError: a check's source cannot be read or has no title, or there are points and no weights.
    """
    entries = {suite: {name: _entry(value) for name, value in getattr(record, suite).items()} for suite in SUITES}
    whole = sum(entry["weight"] for suite in SUITES for entry in entries[suite].values())
    if points and not whole and not record.judge:
        raise CourseError(f"{tests / 'tasks.toml'}:1: task {record.name}: no check has a weight, so none earns points")
    found = [Check(task.name, task.name, task.number, points, task.title)] if record.judge else []
    for suite in SUITES:
        path = tests / record.test_file(suite)
        for name, entry in entries[suite].items():
            function = name.split("[")[0]
            title = _titles(path).get(function)
            if not title:
                raise CourseError(f"{path}:1: there is no {function}, or it has no docstring for a title")
            if "case" in entry:
                title += f" ({entry['case']})"
            share = points * entry["weight"] / whole if whole else 0.0
            id = f"{record.test_file(suite)}::{name}"
            found.append(Check(id, task.name, task.number, share, title, entry.get("visibility", "visible")))
    return found


def _titles(path: Path) -> dict[str, str]:
    """Name of each test function of a file to the first line of its docstring."""
    try:
        return _titles_at(path, path.stat().st_mtime_ns)
    except OSError:
        return {}
    except SyntaxError as error:
        raise CourseError(f"{path}:{error.lineno}: this is not valid Python: {error.msg}") from None


@functools.lru_cache(maxsize=256)
def _titles_at(path: Path, time: int) -> dict[str, str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: (ast.get_docstring(node) or "").strip().split("\n")[0] for node in functions}
