"""The tasks of the assignment and a course's choice of them: the one reader of tests/tasks.toml, of courses/*.toml and
of the checks' titles.

tests/tasks.toml says what there is to choose from:

    [assignment]   folder = "discs", data = [...]   see `Assignment`
    [[task]]       name = "area", title = "Area of a disc", file = "disc.py", functions = ["area"]
    [task.public]  test_by_hand = 0.5
    [task.hidden]  "test_large[float64]" = { weight = 1.5, case = "float64", visibility = "after_due_date" }
    [[task]]       name = "model", title = "The model", file = "model.safetensors", judge = "support.model:judge"
    [[program]]    file = "main.py", serves = ["tasks"]   see `Program`

A check of tests/hidden/test_disc.py has the id "hidden/test_disc.py::test_by_hand"; its title is the first line of its
docstring, with the case in brackets. A task's points are shared out among its checks in proportion to their weights.

A course says which tasks and written questions are asked for, in which order, and what each is worth; `total` is the
sum of all. Zero points are legal: asked for, not graded.

    title = "Discs", total = 7, timezone = "Europe/Berlin", due = 2026-10-17T23:59:00, per_day = 10
    late = { days = 2, percent_a_day = 10, grace_minutes = 10 }
    grading = "points"                   # or "self", "written": see `Course`
    [options]                            # whatever the assignment's own programs read
    [[section]]                          name = "discs", title = "Discs and circles", number = "2.1"
    [[section.task]]                     name = "area", points = 4
    [[section.question]]                 name = "why_pi", points = 3

Numbers follow from the order: sections are 1, 2, ..., the first task of the fourth is "4.1", and questions are numbered
by their kind, "W1", "W2", ... Where a handout has numbers of its own, `number` gives them.

A question is a file, solution/questions/NAME.md; release/questions.py describes it.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import functools
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.repository import COURSES, DEFAULT_COURSE, ROOT, read_toml

QUESTIONS = Path("solution", "questions")
GRADINGS = ("points", "self", "written")
# A number of a section, a task or a question: "4", "2.1", "B", "W3".
NUMBER = re.compile(r"[A-Z0-9]+(\.[A-Za-z0-9]+)*")
KIND = re.compile(r'^kind = "([A-Z])"', re.MULTILINE)  # in the head of a question's file
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
class Program:
    """A file of solution/ that people start, or that the report's notebook imports.

    Attributes:
        file: below solution/.
        serves: names of the tasks and questions for which students get it; "tasks" stands for any task, "graded" for
            any task of a course whose code a machine gives points to, "questions" for any question, "results" for
            questions beside tasks.
    """

    file: str
    serves: tuple[str, ...] = ("tasks",)


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
        section: name of its section.
        points: what it is worth.
    """

    name: str
    number: str
    title: str
    file: str
    functions: tuple[str, ...] = ()
    judge: str = ""
    section: str = ""
    points: float = 0.0

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
        section: name of the task's section.
    """

    id: str
    task: str
    number: str
    points: float
    title: str
    visibility: str = "visible"
    section: str = ""

    @property
    def by_pytest(self) -> bool:
        """Whether it is a collected test rather than a judge."""
        return "::" in self.id

    @property
    def hidden_inputs(self) -> bool:
        """Whether students must not learn what the check feeds their code."""
        return not self.id.startswith("public/")


@dataclass(frozen=True)
class Question:
    """Something that a student answers in words, or with a number in the notebook.

    Attributes:
        name: of its file in solution/questions.
        kind: a letter, of which there are as many as the assignment likes.
        label: its number in this course: "W4".
        points: what it is worth.
        section: name of its section.
    """

    name: str
    kind: str
    label: str
    points: float
    section: str


@dataclass(frozen=True)
class Section:
    """A section of the handout, such as 4 "Circles and spheres"."""

    name: str
    number: str
    title: str


@dataclass(frozen=True)
class Course:
    """A course's choice, in its order.

    Attributes:
        path: its file.
        total: what a perfect student earns, for code and written answers together.
        programs: the files, below solution/, that its students start.
        root: the repository that it is a course of.
        grading: "points"; "self" (students grade themselves against the model answers; machines give no points);
            "written" (no code is graded).
        options: what the assignment's own programs read.
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
    programs: tuple[str, ...] = ()
    root: Path = ROOT
    grading: str = "points"
    options: Mapping[str, Any] = field(default_factory=dict)
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
        return self.root / "tests"

    @property
    def names(self) -> frozenset[str]:
        """Names of everything that is asked for."""
        return frozenset(item.name for item in self.items)

    @property
    def items(self) -> tuple[Task | Question, ...]:
        """Everything that is asked for."""
        return (*self.tasks, *self.questions)

    @property
    def ungraded(self) -> str:
        """Why no machine grades anything here, a sentence; "" if one does."""
        if self.grading == "points" and self.tasks:
            return ""
        why = f'grading = "{self.grading}"' if self.grading != "points" else "it has no tasks"
        return f"{self.path.name}: no code is graded in this course ({why})"

    @property
    def graded(self) -> float:
        """Points that a machine gives: those of the code."""
        return sum(check.points for check in self.checks)

    @property
    def written(self) -> float:
        """Points of the questions."""
        return sum(question.points for question in self.questions)

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
        titles = {section.name: section.title for section in self.sections}
        return [
            {
                "number": task.number,
                "name": task.name,
                "title": task.title,
                "section": titles[task.section],
                "file": task.file,
                "functions": list(task.functions),
                "points": round(task.points, 6),
            }
            for task in self.tasks
        ]

    def of_section(self, name: str) -> float:
        """Points that a section's tasks and questions are worth."""
        return sum(item.points for item in self.items if item.section == name)


@dataclass
class Record:
    """A [[task]] of tests/tasks.toml.

    Attributes:
        solved: "needed" if students may get its solution where their course does not ask for it but something else
            needs it; "never" if not.
        public, hidden: weights of its checks, or tables with more.
    """

    name: str
    title: str
    file: str = ""
    functions: list[str] = field(default_factory=list)
    judge: str = ""
    solved: str = "needed"
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
            # such as "Record.__init__() got an unexpected keyword argument 'point'"
            self.complain(f"{what}: {str(error).split('() ')[-1]}", place)
            return None


def course_file(wanted: str = "") -> Path:
    """The file of a course: "004" is courses/004.toml; a path is taken as it is; "" is the default course.

    Raises:
        CourseError: there is no such file; the message lists those of courses/.
    """
    known = {path.stem: path for path in sorted(COURSES.glob("*.toml"))}
    if not wanted:
        # A grader's zip holds one course, whatever it is called.
        return known.get(DEFAULT_COURSE) or next(iter(known.values()), COURSES / f"{DEFAULT_COURSE}.toml")
    path = known.get(wanted) or Path(wanted).absolute()
    if not path.is_file():
        raise CourseError(f"there is no course {wanted!r}: courses/ has {', '.join(known)}, or give a path to a .toml")
    return path


def course_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told which course it is for; see `course_file`."""
    text = f"a course of courses/, or the path of its file (default: {DEFAULT_COURSE})"
    parser.add_argument("--course", default="", metavar="NAME", help=text)


def the_course(command: str, description: str, arguments: Sequence[str], root: Path = ROOT) -> Course:
    """The course that a command with no other arguments is for.

    Raises:
        CourseError: there is no such course, or it does not hold together.
    """
    parser = argparse.ArgumentParser(prog=f"python -m autograder {command}", description=description)
    course_option(parser)
    return chosen(parser.parse_args(arguments).course, root)


def chosen(name: str, root: Path = ROOT) -> Course:
    """The course of a name or path; "" is the default course of a repository."""
    return load(course_file(name) if name else root / "courses" / f"{DEFAULT_COURSE}.toml")


def root_of(path: Path) -> Path:
    """The repository that a course belongs to: the one around its folder, if that has tasks, else this one."""
    around = path.parents[1]
    return around if (around / "tests" / "tasks.toml").is_file() else ROOT


def load(path: Path | None = None) -> Course:
    """Read a course (the default one), with what tests/tasks.toml and the checks' sources say about its tasks.

    Raises:
        CourseError: naming every problem, with file and line.
    """
    path = path or course_file()
    root = root_of(path)
    course = _Source(path)
    registry = _Source(root / "tests" / "tasks.toml")
    records = _records(registry)
    assignment = registry.record(Assignment, _tuples(registry.document.get("assignment", {})), "[assignment]")
    for table in _list(registry, registry.document.get("program", []), "[[program]]"):
        registry.record(Program, _tuples(table), "[[program]]", str(table.get("file")))
    if registry.problems:
        raise CourseError("\n".join(registry.problems))
    choice = _choice(course, records, root)
    if not course.problems:
        points = sum(task.points for task in choice.tasks) + sum(question.points for question in choice.questions)
        if not math.isclose(points, choice.settings["total"], abs_tol=1e-6):
            total = choice.settings["total"]
            course.complain(f"the points add up to {points:g}, but the total is {total:g}", "total")
    if course.problems:
        raise CourseError("\n".join(course.problems))
    return Course(
        path,
        sections=tuple(choice.sections),
        tasks=tuple(choice.tasks),
        checks=tuple(choice.checks),
        questions=tuple(choice.questions),
        assignment=assignment,
        programs=_programs(registry, choice),
        root=root,
        **choice.settings,
    )


def records(root: Path = ROOT) -> dict[str, Record]:
    """Every task that courses can choose from, by name.

    Raises:
        CourseError: naming every problem of tests/tasks.toml.
    """
    source = _Source(root / "tests" / "tasks.toml")
    found = _records(source)
    if source.problems:
        raise CourseError("\n".join(source.problems))
    return found


def _programs(registry: _Source, choice: _Choice) -> tuple[str, ...]:
    """The programs that serve something that a course asks for."""
    groups = {
        "tasks": bool(choice.tasks),
        "graded": bool(choice.tasks) and choice.settings.get("grading", "points") == "points",
        "questions": bool(choice.questions),
        "results": bool(choice.tasks and choice.questions),
    }
    asked = {name for name, there in groups.items() if there} | set(_names(choice))
    tables = [Program(**_tuples(table)) for table in registry.document.get("program", [])]
    return tuple(program.file for program in tables if not asked.isdisjoint(program.serves))


def known_checks(root: Path) -> set[str]:
    """Ids of the checks of every task, asked for or not."""
    return {id for record in records(root).values() for id in _ids(record)}


def compare(course: Course, collected: Iterable[str]) -> list[str]:
    """Where the table of tasks and the collected checks disagree, one sentence each; empty if they agree.

    Checks of tasks that the course does not ask for are ignored.
    """
    ids = set(collected)
    known = {check.id for check in course.checks if check.by_pytest}
    others = known_checks(course.root)
    return [f"{id} is in no task of tests/tasks.toml" for id in sorted(ids - known - others)] + [
        f"{id} is in tests/tasks.toml, but no such check was collected" for id in sorted(known - ids)
    ]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _ids(record: Record) -> list[str]:
    """Ids of the checks of a task."""
    return [f"{record.test_file(suite)}::{name}" for suite in SUITES for name in getattr(record, suite)]


def _records(source: _Source) -> dict[str, Record]:
    """The tasks of tests/tasks.toml by their names."""
    for name in set(source.document) - {"assignment", "task", "program"}:
        source.complain(f"[{name}] is not a table of this file", name)
    found: dict[str, Record] = {}
    for table in _list(source, source.document.get("task", []), "[[task]]"):
        place = f'"{table.get("name", "")}"'
        record = source.record(Record, table, f"[[task]] {place}", place)
        if record is None:
            continue
        for problem in _record_problems(record):
            source.complain(f"task {record.name}: {problem}", place)
        if record.name in found:
            source.complain(f"two tasks are called {record.name}", place)
        found[record.name] = record
    return found


def _record_problems(record: Record) -> list[str]:
    problems = []
    entries = [(name, value) for suite in SUITES for name, value in getattr(record, suite).items()]
    if not record.name.isidentifier():
        problems.append("a name consists of letters, digits and underscores")
    if not record.title:
        problems.append("it has no title")
    if record.solved not in ("needed", "never"):
        problems.append(f'solved = {record.solved!r}: write "needed" or "never"')
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


@dataclass
class _Choice:
    """What a course file says, as far as it holds together."""

    settings: dict[str, Any]
    sections: list[Section] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def _choice(source: _Source, records: Mapping[str, Record], root: Path) -> _Choice:
    """The settings of a course, and what it asks for; problems are noted in `source`."""
    document = dict(source.document)
    choice = _Choice(_settings(source, document))
    for position, table in enumerate(_list(source, document.get("section", []), "[[section]]"), start=1):
        tasks = _list(source, table.pop("task", []), "[[section.task]]")
        questions = _list(source, table.pop("question", []), "[[section.question]]")
        fields = {"number": str(position), **table}
        section = source.record(Section, fields, f"[[section]] {position}", str(table.get("title")))
        if section is None:
            continue
        choice.sections.append(section)
        for place, entry in enumerate(tasks, start=1):
            if _entry_is_sound(source, entry, "task", "tests/tasks.toml", records):
                _add_task(source, choice, records[entry["name"]], entry, section, f"{section.number}.{place}", root)
        known = {path.stem: path for path in (root / QUESTIONS).glob("*.md")}
        for entry in questions:
            # A grader's zip has no questions, and numbers none.
            if _entry_is_sound(
                source, entry, "question", QUESTIONS.as_posix(), known or {str(entry.get("name")): None}
            ):
                _add_question(choice, known.get(entry["name"]), entry, section)
    for what, items in (("number", _numbers(choice)), ("name", _names(choice)), ("title", _titles_of(choice))):
        for text, count in Counter(items).items():
            if count > 1:
                source.complain(f"the {what} {text!r} occurs {count} times", f'"{text}"')
    for number in _numbers(choice):
        if not NUMBER.fullmatch(number):
            source.complain(f"{number!r} is no number: write one such as 4, 2.1, B or W3", f'"{number}"')
    return choice


def _numbers(choice: _Choice) -> list[str]:
    sections = [section.number for section in choice.sections]
    return [*sections, *(task.number for task in choice.tasks), *(question.label for question in choice.questions)]


def _names(choice: _Choice) -> list[str]:
    tasks, questions = choice.tasks, choice.questions
    return [*(s.name for s in choice.sections), *(t.name for t in tasks), *(q.name for q in questions)]


def _titles_of(choice: _Choice) -> list[str]:
    return [section.title for section in choice.sections]


def _entry_is_sound(source: _Source, entry: Mapping[str, Any], kind: str, place: str, known: Collection[str]) -> bool:
    """Whether an entry of a section names something and says what it is worth; else it is complained of."""
    name = entry.get("name")
    where = f'"{name or ""}"'
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        source.complain(f"{place} has no {kind} {name!r}{meant}", where)
    elif set(entry) - {"number"} != {"name", "points"}:
        source.complain(f"{kind} {name}: write name and points, not {', '.join(entry)}", where)
    elif not _is_worth(entry["points"]):
        source.complain(f"{kind} {name}: points must be a finite number of at least 0", where)
    elif not isinstance(entry.get("number", ""), str):
        source.complain(f"{kind} {name}: put its number between quotes", where)
    else:
        return True
    return False


def _add_task(
    source: _Source, choice: _Choice, record: Record, entry: dict[str, Any], section: Section, number: str, root: Path
) -> None:
    """Add a task of a section, and its checks: where nobody gives points, the public ones alone."""
    number, points = entry.get("number", number), float(entry["points"])
    functions = tuple(record.functions)
    task = Task(record.name, number, record.title, record.file, functions, record.judge, section.name, points)
    choice.tasks.append(task)
    graded = choice.settings.get("grading", "points") == "points"
    try:
        choice.checks += _checks(task, record, root / "tests", graded)
    except CourseError as error:
        source.problems.append(str(error))


def _add_question(choice: _Choice, file: Path | None, entry: dict[str, Any], section: Section) -> None:
    """Add a question of a section, numbered among those of its kind."""
    found = KIND.search(file.read_text(encoding="utf-8")) if file else None
    kind = found.group(1) if found else "Q"
    place = 1 + sum(question.kind == kind for question in choice.questions)
    label = entry.get("number", f"{kind}{place}")
    choice.questions.append(Question(entry["name"], kind, label, float(entry["points"]), section.name))


def _settings(source: _Source, document: dict[str, Any]) -> dict[str, Any]:
    """The settings above the sections."""
    known: dict[str, Any] = {"title": str, "total": (int, float), "timezone": str, "due": datetime}
    known |= {"late": dict, "per_day": int, "grading": str, "options": dict}
    settings: dict[str, Any] = {}
    for name in set(document) - set(known) - {"section"}:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        source.complain(f"{name} is not a setting of a course{meant}; the settings are {', '.join(known)}", name)
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
    if settings.get("grading", "points") not in GRADINGS:
        source.complain(f"grading = {settings['grading']!r}: write one of {', '.join(GRADINGS)}", "grading")
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


def _checks(task: Task, record: Record, tests: Path, graded: bool) -> list[Check]:
    """The checks of a task, its points shared out in proportion to their weights.

    Args:
        graded: whether a machine gives points; else only public checks remain, and give none.

    Raises:
        CourseError: a check's source cannot be read or has no title, or there are points and no weights.
    """
    suites = SUITES if graded else SUITES[:1]
    entries = {suite: {name: _entry(value) for name, value in getattr(record, suite).items()} for suite in suites}
    whole = sum(entry["weight"] for suite in suites for entry in entries[suite].values())
    points = task.points if graded else 0.0
    if points and not whole and not record.judge:
        raise CourseError(f"{tests / 'tasks.toml'}:1: task {record.name}: no check has a weight, so none earns points")
    found = []
    if record.judge and graded:
        found.append(Check(task.name, task.name, task.number, points, task.title, section=task.section))
    for suite in suites:
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
            visibility = entry.get("visibility", "visible")
            found.append(Check(id, task.name, task.number, share, title, visibility, task.section))
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
