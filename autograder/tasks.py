"""The tasks of the assignment and a course's choice of them: the one reader of tests/tasks.toml, of courses/*.toml and
of the checks' titles.

tests/tasks.toml says what there is to choose from:

    [assignment]   folder = "discs", data = [...]   see `Assignment`
    [assignment.dataset]   name = "Coins", folder = "data/coins", things = "coins"   see `Course.dataset`
    [[task]]       name = "area", title = "Area of a disc", file = "disc.py", functions = ["area"]
    [task.public]  test_by_hand = 0.5
    [task.hidden]  "test_large[float64]" = { weight = 1.5, case = "float64", visibility = "after_due_date" }
    [[task]]       name = "model", title = "The model", file = "model.safetensors", judge = "support.model:judge"
    [[program]]    file = "main.py", serves = ["tasks"]   see `Program`

A check of tests/hidden/test_disc.py has the id "hidden/test_disc.py::test_by_hand"; its title is the first line of its
docstring, with the case in brackets. A task's points are shared out among its checks in proportion to their weights.

A course says which tasks and written questions are asked for, in which order, and what each is worth; `total` is the
sum of all. Zero points are legal: asked for, not graded. A library that a task `forbids` costs no points: the handout
says so, and a row of the task has a remark where the code uses it.

    title = "Discs", total = 7, timezone = "Europe/Berlin", due = 2026-10-17T23:59:00, per_day = 10
    late = { days = 2, percent_a_day = 10, grace_minutes = 10 }
    grading = "points"                   # or "self", "written": see `Course`
    [options]                            # whatever the assignment's own programs read
    [dataset]                            name = "Plates", folder = "data/plates", things = "plates"
    [[section]]                          name = "discs", title = "Discs and circles", number = "2.1"
    [[section.task]]                     name = "area", points = 4, forbids = ["numpy.linalg"]
    [[section.question]]                 name = "why_pi", points = 3

Numbers follow from the order: sections are 1, 2, ..., the first task of the fourth is "4.1", and questions are numbered
by their kind, "W1", "W2", ... Where a handout has numbers of its own, `number` gives them.

A question is a file, solution/questions/NAME.md; release/questions.py describes it.
"""

from __future__ import annotations

import argparse
import ast
import functools
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from autograder.repository import COURSES, DEFAULT_COURSE, ROOT
from autograder.toml_source import TomlSource, meant, shown

QUESTIONS = Path("solution", "questions")
METRICS = "results/metrics.json"  # the numbers of a student's run, which some numeric checks judge
GRADINGS = ("points", "self", "written")
# A number of a section, a task or a question: "4", "2.1", "B", "W3".
NUMBER = re.compile(r"[A-Z0-9]+(\.[A-Za-z0-9]+)*")
LIBRARY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
FOLDER = re.compile(r"data(/\w[\w.-]*)+", re.ASCII)  # of a dataset
KIND = re.compile(r'^kind = "([A-Z])"', re.MULTILINE)  # in the head of a question's file
# The settings of a course: the type of each, and how it is written.
SETTINGS: dict[str, tuple[Any, str]] = {
    "title": (str, 'title = "Problem set 1"'),
    "total": ((int, float), "total = 100"),
    "timezone": (str, 'timezone = "Europe/Berlin"'),
    "due": (datetime, "due = 2027-10-15T23:59:00"),
    "late": (dict, "late = { days = 2, percent_a_day = 10 }"),
    "per_day": (int, "per_day = 10"),
    "grading": (str, 'grading = "points"'),
    "options": (dict, "[options]"),
    "dataset": (dict, "[dataset]"),
}
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
        dataset: what `Course.dataset` is in a course that chooses none; empty if there is no data. The table in
            data/README.md has the names of the files, and the MD5s of those of this one.
        examples: files other than code (trained models) as a perfect student hands them in, below the root.
        leftovers: what working on the assignment leaves in a student's folder.
    """

    folder: str = "assignment"
    data: tuple[str, ...] = ()
    dataset: Mapping[str, str] = field(default_factory=dict)
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

    @property
    def takes(self) -> bool:
        """Whether it takes anything off."""
        return bool(self.percent_a_day) or self.days is not None

    def percent(self, days: float) -> float:
        """What is taken off work that is so many days late, 0 for in time: percent of the points earned."""
        too_late = self.days is not None and days > self.days
        return 100.0 if too_late else min(100.0, math.ceil(days) * self.percent_a_day)


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
        forbids: libraries, or names in them, that its code should not use.
    """

    name: str
    number: str
    title: str
    file: str
    functions: tuple[str, ...] = ()
    judge: str = ""
    section: str = ""
    points: float = 0.0
    forbids: tuple[str, ...] = ()

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

    @property
    def heading(self) -> str:
        """ "4. Circles and spheres", "2.1 Spheres"."""
        return f"{self.number}{'' if '.' in self.number else '.'} {self.title}"


@dataclass(frozen=True)
class Course:
    """A course's choice, in its order.

    Attributes:
        path: its file.
        total: what a perfect student earns, for code and written answers together.
        programs: the files, below solution/, that its students start.
        root: the repository that it is a course of.
        known: every task that there is to choose from, by name.
        grading: "points"; "self" (students grade themselves against the model answers; machines give no points);
            "written" (no code is graded).
        options: what the assignment's own programs read.
        dataset: what the texts say of the data ({{dataset:things}}): its name, the folder below data/ that has its
            files, and whatever else the assignment's own dataset has.
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
    known: Mapping[str, TaskRecord] = field(default_factory=dict)
    grading: str = "points"
    options: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, str] = field(default_factory=dict)
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
    def usual_data(self) -> bool:
        """Whether the dataset, if there is one, is the assignment's own."""
        return self.dataset == self.assignment.dataset

    @property
    def names(self) -> frozenset[str]:
        """Names of everything that is asked for."""
        return frozenset(item.name for item in self.items)

    @property
    def items(self) -> tuple[Task | Question, ...]:
        """Everything that is asked for."""
        return (*self.tasks, *self.questions)

    @property
    def others(self) -> list[str]:
        """Names of the tasks that are not asked for."""
        return sorted(self.known.keys() - self.names)

    @property
    def possible_checks(self) -> set[str]:
        """Ids of the checks of every task, asked for or not."""
        return {id for record in self.known.values() for id in record.check_ids}

    @property
    def imports(self) -> tuple[str, ...]:
        """Large libraries that submissions import."""
        records = (self.known[task.name] for task in self.tasks if task.name in self.known)
        return tuple(sorted({name for record in records for name in record.imports}))

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
        return round(math.fsum(check.points for check in self.checks), 6)  # as a score is: without dust of sums

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
                "public": {check.id.split("::")[1]: round(check.points, 6) for check in self.public_of(task)},
                **({"forbids": list(task.forbids)} if task.forbids else {}),
            }
            for task in self.tasks
        ]

    def public_of(self, task: Task) -> list[Check]:
        """The checks of a task that its students have."""
        return [check for check in self.checks if check.task == task.name and check.id.startswith("public/")]

    def asked_in(self, section: Section) -> tuple[list[Task], list[Question]]:
        """What a section asks for, each in its order."""
        tasks = [task for task in self.tasks if task.section == section.name]
        return tasks, [question for question in self.questions if question.section == section.name]

    def of_section(self, name: str) -> float:
        """Points that a section's tasks and questions are worth."""
        return sum(item.points for item in self.items if item.section == name)


@dataclass
class TaskRecord:
    """A [[task]] of tests/tasks.toml.

    Attributes:
        solved: "needed" if students may get its solution where their course does not ask for it but something else
            needs it; "never" if not.
        imports: large libraries that its code imports: the grader loads them once, not for each of its workers.
        dataset: name of the one that it is judged on, if no other will do.
        public, hidden: weights of its checks, or tables with more.
    """

    name: str
    title: str
    file: str = ""
    functions: list[str] = field(default_factory=list)
    judge: str = ""
    solved: str = "needed"
    imports: list[str] = field(default_factory=list)
    dataset: str = ""
    public: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)

    def test_file(self, suite: str) -> str:
        stem = Path(self.file).stem.lower() if self.file else self.name
        return f"{suite}/test_{stem}.py"

    @property
    def check_ids(self) -> list[str]:
        """Ids of its checks."""
        return [f"{self.test_file(suite)}::{name}" for suite in SUITES for name in getattr(self, suite)]

    @property
    def definitions(self) -> set[str]:
        """Names of its functions and classes, without the classes around methods."""
        return {function.split(".")[-1] for function in self.functions}


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
    parser.add_argument("--course", type=_existing, default="", metavar="NAME", help=text)


def _existing(name: str) -> str:
    """The name of a course that there is; else a bad argument."""
    try:
        course_file(name)
    except CourseError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


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
    registry = _read(root / "tests" / "tasks.toml")
    records = _records(registry)
    table, line = _tuples(registry.document.get("assignment", {})), registry.line_of_key("assignment")
    assignment = registry.record(Assignment, table, "[assignment]", line)
    programs = [
        registry.record(Program, _tuples(table), "[[program]]", registry.line_of(table.get("file")))
        for table in registry.tables(registry.document.get("program", []), "program")
    ]
    if assignment and assignment.dataset and not _is_dataset(assignment.dataset):
        text = "[assignment.dataset] has a name and a folder, and nothing but text"
        registry.complain(text, registry.line_of_key("assignment.dataset"))
    _refuse(registry)
    course = _read(path)
    choice = _choice(course, registry, records, root)
    choice.settings["dataset"] = dataset = _dataset(course, assignment.dataset)
    for record in (records[task.name] for task in choice.tasks):
        if record.dataset not in ("", dataset.get("name")):
            text = f"{record.name} is judged on {record.dataset}, but the course's dataset is {dataset.get('name')}"
            course.complain(text, course.line_of(record.name))
    if not course.problems:
        points = sum(task.points for task in choice.tasks) + sum(question.points for question in choice.questions)
        total = choice.settings["total"]
        if not math.isclose(points, total, abs_tol=1e-6):
            text = f"the points add up to {points:g}, not to {total:g}: change them, or write total = {points:g}"
            course.complain(text, course.line_of_key("total"))
    _refuse(course)
    return Course(
        path,
        sections=tuple(choice.sections),
        tasks=tuple(choice.tasks),
        checks=tuple(choice.checks),
        questions=tuple(choice.questions),
        assignment=assignment,
        programs=_programs(programs, choice),
        root=root,
        known=records,
        **choice.settings,
    )


def _read(path: Path) -> TomlSource:
    try:
        return TomlSource(path)
    except ValueError as error:
        raise CourseError(str(error)) from None


def _refuse(source: TomlSource) -> None:
    """Raise CourseError if something is wrong with a file."""
    if source.problems:
        raise CourseError("\n".join(source.problems))


def _programs(programs: Iterable[Program], choice: _Choice) -> tuple[str, ...]:
    """The programs that serve something that a course asks for."""
    groups = {
        "tasks": bool(choice.tasks),
        "graded": bool(choice.tasks) and choice.settings.get("grading", "points") == "points",
        "questions": bool(choice.questions),
        "results": bool(choice.tasks and choice.questions),
    }
    asked = {name for name, there in groups.items() if there}
    asked |= {task.name for task in choice.tasks} | {question.name for question in choice.questions}
    return tuple(program.file for program in programs if not asked.isdisjoint(program.serves))


def compare(course: Course, collected: Iterable[str]) -> list[str]:
    """Where the table of tasks and the collected checks disagree, one sentence each; empty if they agree.

    Checks of tasks that the course does not ask for are ignored.
    """
    ids = set(collected)
    known = {check.id for check in course.checks if check.by_pytest}
    return [f"{id} is in no task of tests/tasks.toml" for id in sorted(ids - known - course.possible_checks)] + [
        f"{id} is in tests/tasks.toml, but no such check was collected" for id in sorted(known - ids)
    ]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _records(source: TomlSource) -> dict[str, TaskRecord]:
    """The tasks of tests/tasks.toml by their names."""
    known = ("assignment", "task", "program")
    for name in source.document.keys() - set(known):
        source.complain(f"[{name}] is not a table of this file{meant(name, known)}", source.line_of_key(name))
    found: dict[str, TaskRecord] = {}
    for table in source.tables(source.document.get("task", []), "task"):
        line = source.line_of(table.get("name"))
        record = source.record(TaskRecord, table, f"task {table.get('name')}", line)
        if record is None:
            continue
        for problem in _record_problems(record):
            source.complain(f"task {record.name}: {problem}", line)
        if record.name in found:
            again = source.line_of(record.name, line + 1)
            source.complain(f"task {record.name} stands in line {line}, too: change the name of one", again)
        found[record.name] = record
    return found


def _record_problems(record: TaskRecord) -> list[str]:
    problems = []
    entries = [(name, value) for suite in SUITES for name, value in getattr(record, suite).items()]
    if not (isinstance(record.name, str) and record.name.isidentifier()):
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
    """What a course file says, as far as it holds together.

    Attributes:
        taken: ("name", "area") and the like to the line in which it stands: nothing occurs twice.
    """

    settings: dict[str, Any]
    sections: list[Section] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    taken: dict[tuple[str, str], int] = field(default_factory=dict)


def _choice(source: TomlSource, registry: TomlSource, records: Mapping[str, TaskRecord], root: Path) -> _Choice:
    """The settings of a course, and what it asks for; problems are noted in `source`."""
    choice = _Choice(_settings(source))
    tables = source.tables(source.document.get("section", []), "section")
    if not tables:
        source.complain("the course asks for nothing: write a [[section]] with tasks or questions")
    lines = source.lines_of_tables("section")
    if len(lines) != len(tables):  # they are written in one line
        lines = [source.line_of_key("section")] * len(tables)
    files = {path.stem: path for path in (root / QUESTIONS).glob("*.md")}
    for position, (table, line) in enumerate(zip(tables, lines, strict=True), start=1):
        reader = _SectionReader(source, choice, line, lines[position] if position < len(lines) else None)
        section = reader.section(table, position)
        tasks = source.tables(table.get("task", []), "section.task")
        questions = source.tables(table.get("question", []), "section.question")
        if section is None:
            continue
        for place, entry in enumerate(tasks, start=1):
            if reader.is_sound(entry, "task", records, files):
                _add_task(choice, registry, records[entry["name"]], entry, section, f"{section.number}.{place}", root)
                reader.take_item(choice.tasks[-1].number, entry)
                if choice.tasks[-1].forbids and not choice.tasks[-1].functions:
                    text = f"task {entry['name']}: forbids is for tasks with functions, and this one has none"
                    source.complain(text, reader.line_of(entry["name"]))
        for entry in questions:
            # A grader's zip has no questions, and numbers none.
            if reader.is_sound(entry, "question", files or {str(entry.get("name")): None}, records):
                _add_question(choice, files.get(entry["name"]), entry, section)
                reader.take_item(choice.questions[-1].label, entry)
    return choice


class _SectionReader:
    """Reads a [[section]], which stands in the lines from `first` to before `end`."""

    def __init__(self, source: TomlSource, choice: _Choice, first: int, end: int | None) -> None:
        self.source, self.choice, self.first, self.end = source, choice, first, end

    def line_of(self, value: Any) -> int:
        return self.source.line_of(value, self.first, self.end)

    def section(self, table: Mapping[str, Any], position: int) -> Section | None:
        """The section without what it asks for; None, with complaints, if it does not fit."""
        known = ("name", "number", "title", "task", "question")
        problems = []
        for key in table.keys() - set(known):
            if key in SETTINGS:
                text = f"{key} is a setting of the course: write it above the first table"
            else:
                text = f"a section has no {key!r}{meant(key, known) or ', but ' + ', '.join(known)}"
            problems.append((text, self.source.line_of_key(key, self.first, self.end)))
        fields = {"number": str(position), **table}
        for key, example in (("name", "loops"), ("title", "Loops")):
            if key not in table:
                problems.append((f'section {position} has no {key}: write one such as {key} = "{example}"', self.first))
        for key in ("name", "title", "number"):
            if key in fields and not (isinstance(fields[key], str) and fields[key].strip()):
                line = self.source.line_of_key(key, self.first, self.end)
                problems.append((f"{key} = {fields[key]!r}: write it between quotes", line))
        for text, line in problems:
            self.source.complain(text, line)
        if problems:
            return None
        section = Section(fields["name"], fields["number"], fields["title"])
        if not section.name.isidentifier():
            text = f"the name {section.name!r} must consist of letters, digits and underscores"
            self.source.complain(text, self.line_of(section.name))
        for key in ("name", "title", "number"):
            line = self.line_of(fields[key]) if key in table else self.first
            self._take(key, fields[key], line)
        self.choice.sections.append(section)
        return section

    def take_item(self, number: str, entry: Mapping[str, Any]) -> None:
        """Note name and number of a task or question."""
        line = self.line_of(entry["name"])
        earlier = self.choice.taken.get(("name", entry["name"]), 0)
        if earlier >= line:  # in this section, too
            line = self.source.line_of(entry["name"], earlier + 1, self.end)
        self._take("name", entry["name"], line)
        self._take("number", number, line)

    def _take(self, what: str, text: str, line: int) -> None:
        """Note a name, a title or a number, of which there must be no other."""
        if what == "number" and not NUMBER.fullmatch(text):
            self.source.complain(f"{text!r} is no number: write one such as 4, 2.1, B or W3", line)
        elif (what, text) in self.choice.taken:
            earlier = self.choice.taken[what, text]
            self.source.complain(f"{what} {text!r} is taken by line {earlier}: change or delete one", line)
        else:
            self.choice.taken[what, text] = line

    def is_sound(self, entry: Mapping[str, Any], kind: str, known: Collection[str], others: Collection[str]) -> bool:
        """Whether an entry names something and says what it is worth; else it is complained of.

        Args:
            kind: "task" or "question".
            known, others: names of all of this kind, and of all of the other.
        """
        name, points = entry.get("name"), entry.get("points")
        line = self.line_of(name)
        keys = ("name", "points", "number", *(["forbids"] if kind == "task" else []))
        unknown = sorted(entry.keys() - set(keys))
        place = {"task": "tests/tasks.toml", "question": QUESTIONS.as_posix()}[kind]
        if not isinstance(name, str):
            text = f'a {kind} has a name: write {{ name = "...", points = 1 }}'
        elif name not in known and name in others:
            other = "question" if kind == "task" else "task"
            text = f"{name} is a {other}: write it below {other} = ["
        elif name not in known:
            text = f"{place} has no {kind} {name!r}{meant(name, known) or ': write it, or take another'}"
        elif unknown:
            text = f"{kind} {name}: there is no {unknown[0]!r}{meant(unknown[0], keys)}"
        elif "points" not in entry:
            text = f"{kind} {name}: say what it is worth, such as points = 1"
        elif not _is_worth(points):
            text = f"{kind} {name}: points must be a finite number of at least 0, not {points!r}"
        elif not isinstance(entry.get("number", ""), str):
            text = f'{kind} {name}: write its number between quotes, number = "{entry["number"]}"'
        elif not _are_libraries(entry.get("forbids", [])):
            text = f'task {name}: forbids = {entry["forbids"]!r}: write names such as forbids = ["numpy.linalg"]'
        else:
            return True
        self.source.complain(text, line)
        return False


def _add_task(
    choice: _Choice,
    registry: TomlSource,
    record: TaskRecord,
    entry: dict[str, Any],
    section: Section,
    number: str,
    root: Path,
) -> None:
    """Add a task of a section, and its checks: where nobody gives points, the public ones alone.

    Raises:
        CourseError: its checks do not fit it.
    """
    number, points, forbids = entry.get("number", number), float(entry["points"]), tuple(entry.get("forbids", ()))
    functions = tuple(record.functions)
    task = Task(record.name, number, record.title, record.file, functions, record.judge, section.name, points, forbids)
    choice.tasks.append(task)
    choice.checks += _checks(task, record, registry, root / "tests", choice.settings.get("grading", "points"))


def _add_question(choice: _Choice, file: Path | None, entry: dict[str, Any], section: Section) -> None:
    """Add a question of a section, numbered among those of its kind."""
    found = KIND.search(file.read_text(encoding="utf-8")) if file else None
    kind = found.group(1) if found else "Q"
    place = 1 + sum(question.kind == kind for question in choice.questions)
    label = entry.get("number", f"{kind}{place}")
    choice.questions.append(Question(entry["name"], kind, label, float(entry["points"]), section.name))


def _settings(source: TomlSource) -> dict[str, Any]:
    """The settings above the sections."""
    document, settings = source.document, dict[str, Any]()
    for name in document.keys() - SETTINGS.keys() - {"section"}:
        known = ", ".join(SETTINGS)
        hint = meant(name, [*SETTINGS, "section"]) or f", but {known}"
        source.complain(f"a course has no {name!r}{hint}", source.line_of_key(name))
    for name in ("title", "total"):
        if name not in document:
            table = "[options]" if name in document.get("options", {}) else "the first table"
            source.complain(f"{name} is missing: write {SETTINGS[name][1]} above {table}")
    for name, (kind, example) in SETTINGS.items():
        if name not in document:
            continue
        value = document[name]
        if not isinstance(value, kind) or isinstance(value, bool) or (kind is str and not value.strip()):
            written = value if isinstance(value, date) else repr(value)
            text = f"{name} = {written}: write one such as {example}"
            source.complain(text, source.line_of_key(name))
        else:
            settings[name] = value
    if settings.get("grading", "points") not in GRADINGS:
        wrong, line = settings["grading"], source.line_of_key("grading")
        source.complain(f"grading = {wrong!r}: write one of {', '.join(GRADINGS)}", line)
    if "total" in settings and not _is_worth(settings["total"]):
        source.complain(f"total = {settings['total']!r}: write a number of at least 0", source.line_of_key("total"))
    if "late" in settings:
        settings["late"] = _late(source, settings["late"])
    if "per_day" in settings:
        _limit(source, "per_day", settings["per_day"])
    try:
        zone = ZoneInfo(settings.get("timezone", "UTC"))
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; "Europe" is a folder
        name = settings["timezone"]
        hint = meant(name, available_timezones()) or ': write one such as "Europe/Berlin"'
        source.complain(f"there is no time zone {name!r}{hint}", source.line_of_key("timezone"))
    else:
        if "due" in settings and settings["due"].tzinfo is None:
            settings["due"] = settings["due"].replace(tzinfo=zone)
    return settings


def _is_dataset(table: Any) -> bool:
    return isinstance(table, dict) and {"name", "folder"} <= table.keys() and all(map(_is_text, table.values()))


def _is_text(value: Any) -> bool:
    """Whether it is text in one line."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _dataset(source: TomlSource, usual: Mapping[str, str]) -> Mapping[str, str]:
    """The course's dataset, which has the keys of the usual one; problems are noted in `source`."""
    chosen = source.document.get("dataset", usual)
    if not isinstance(chosen, dict):  # which is complained of with the other settings
        return usual
    line = source.line_of_key("dataset")
    for key in chosen.keys() - usual.keys():
        hint = meant(key, usual) or (f", but {', '.join(usual)}" if usual else ": this assignment has no data")
        source.complain(f"[dataset] has no {key!r}{hint}", source.line_of_key(key, line))
    for key, example in usual.items():
        if key not in chosen:
            source.complain(f'{key} is missing: write one such as {key} = "{example}"', line)
        elif not _is_text(chosen[key]) or (key == "folder" and not FOLDER.fullmatch(chosen[key])):
            text = f'{key} = {chosen[key]!r}: write one such as {key} = "{example}"'
            source.complain(text, source.line_of_key(key, line))
    return chosen


def _late(source: TomlSource, table: dict[str, Any]) -> Late | None:
    """The late rule; None, with complaints, if it does not fit."""
    for name in table.keys() & HIGHEST.keys():
        _limit(source, name, table[name])
    return source.record(Late, table, "late", source.line_of_key("late"))


def _limit(source: TomlSource, name: str, value: Any) -> None:
    """Complain of a number that is out of bounds."""
    if not (_is_worth(value) and value <= HIGHEST[name]):
        text = f"{name} = {value!r}: write a number from 0 to {HIGHEST[name]}"
        source.complain(text, source.line_of_key(name))


def _entry(value: Any) -> dict[str, Any]:
    """What is written for a check: its weight alone, or a table that has the weight in it."""
    return value if isinstance(value, dict) else {"weight": value}


def _are_libraries(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) and LIBRARY.fullmatch(name) for name in names)


def _is_worth(points: Any) -> bool:
    number = isinstance(points, (int, float)) and not isinstance(points, bool)
    return number and math.isfinite(points) and points >= 0


def _checks(task: Task, record: TaskRecord, registry: TomlSource, tests: Path, grading: str) -> list[Check]:
    """The checks of a task, its points shared out in proportion to their weights.

    Args:
        grading: where it is not "points", only public checks remain, and they give none.

    Raises:
        CourseError: a check's source cannot be read or has no title, or there are points and no weights.
    """
    graded = grading == "points"
    suites = SUITES if graded else SUITES[:1]
    entries = {suite: {name: _entry(value) for name, value in getattr(record, suite).items()} for suite in suites}
    whole = sum(entry["weight"] for suite in suites for entry in entries[suite].values())
    points = task.points if graded else 0.0
    if points and not whole and not record.judge:
        text = f"task {record.name} is worth points, but no check has a weight: give one to a check"
        registry.complain(text, registry.line_of(record.name))
        _refuse(registry)
    found = []
    if record.judge and graded:
        found.append(Check(task.name, task.name, task.number, points, task.title))
    for suite in suites:
        path = tests / record.test_file(suite)
        for name, entry in entries[suite].items():
            function = name.split("[")[0]
            title = _titles(path).get(function)
            if not title:
                text = f"there is no {function} with a title, the first line of its docstring"
                raise CourseError(f"{shown(path)}:1: {text}")
            if "case" in entry:
                title += f" ({entry['case']})"
            share = points * entry["weight"] / whole if whole else 0.0
            id = f"{record.test_file(suite)}::{name}"
            visibility = entry.get("visibility", "visible")
            found.append(Check(id, task.name, task.number, share, title, visibility))
    return found


def _titles(path: Path) -> dict[str, str]:
    """Name of each test function of a file to the first line of its docstring."""
    try:
        return _titles_at(path, path.stat().st_mtime_ns)
    except OSError:
        return {}
    except SyntaxError as error:
        raise CourseError(f"{shown(path)}:{error.lineno}: this is not valid Python: {error.msg}") from None


@functools.lru_cache(maxsize=256)
def _titles_at(path: Path, time: int) -> dict[str, str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: (ast.get_docstring(node) or "").strip().split("\n")[0] for node in functions}
