"""Points, titles and visibility of every check, read from `points.toml`: the one place where they are written down.

    [[group]]  number = 5, title = "..."                         a handout section
    [[task]]   number = "5.1", name = "...", file = "utils.py", function = "log_normal_mixture"
    [[check]]  id = "hidden/test_utils.py::test_x", task = "5.1", points = 2, visibility = "visible",
               title = "...",
               kind = "pytest" (the default: `id` is a collected test) or "weights" (the trained model)

`load` refuses a file that is not consistent in itself; `compare` says where it disagrees with the collected tests.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.repository import COURSES, read_toml

POINTS_FILE = COURSES / "full.toml"
TOTAL_POINTS = 100.0
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")  # Gradescope's words
KINDS = ("pytest", "weights")


class PointsError(ValueError):
    """points.toml is inconsistent; the message lists every problem."""


@dataclass(frozen=True)
class Group:
    """A section of the handout, such as 5 "Gaussian-mixture VAE"."""

    number: int
    title: str


@dataclass(frozen=True)
class Task:
    """Something that a student implements.

    Attributes:
        number: "5.1": group and place in it.
        name: what people call it.
        file: the submitted file that it is in; "" for what is judged over all files.
        function: what to write there ("" for the trained model).
    """

    number: str
    name: str
    file: str
    function: str = ""

    @property
    def group(self) -> int:
        return int(self.number.split(".")[0])


@dataclass(frozen=True)
class Check:
    """One row of the results.

    Attributes:
        id: "public/..." or "hidden/..." as pytest names it below tests/; any unique word for other kinds.
        task: number of the task that it belongs to.
        points: what it is worth; 0 for provided code.
        visibility: one of VISIBILITIES.
        title: what people read.
        kind: one of KINDS.
    """

    id: str
    task: str
    points: float
    visibility: str
    title: str
    kind: str = "pytest"

    @property
    def hidden_inputs(self) -> bool:
        """Whether students must not learn what the check feeds their code."""
        return not self.id.startswith("public/")


@dataclass(frozen=True)
class Points:
    """The whole file, in its order."""

    groups: tuple[Group, ...]
    tasks: tuple[Task, ...]
    checks: tuple[Check, ...]

    @property
    def files(self) -> frozenset[str]:
        """Names of the files that are handed in."""
        return frozenset(task.file for task in self.tasks if task.file)

    def task(self, number: str) -> Task:
        return next(task for task in self.tasks if task.number == number)

    def of_task(self, number: str) -> float:
        """Points that a task is worth."""
        return sum(check.points for check in self.checks if check.task == number)

    def of_group(self, number: int) -> float:
        """Points that a group is worth."""
        return sum(self.of_task(task.number) for task in self.tasks if task.group == number)


def load(path: Path = POINTS_FILE, total: float | None = TOTAL_POINTS) -> Points:
    """Read and check a points file.

    Args:
        total: what the points must add up to; None for anything.

    Raises:
        PointsError: naming every problem of the file.
    """
    try:
        document = read_toml(path)
    except ValueError as error:
        raise PointsError(str(error)) from None
    problems: list[str] = []
    unknown = set(document) - {"group", "task", "check"}
    if unknown:
        problems.append(f"unknown tables: {', '.join(sorted(unknown))}")
    groups = _read(Group, document.get("group", []), problems)
    tasks = _read(Task, document.get("task", []), problems)
    checks = _read(Check, document.get("check", []), problems)
    if not problems:
        problems += _inconsistencies(groups, tasks, checks)
        points = sum(check.points for check in checks) if not problems else 0.0
        if not problems and total is not None and not math.isclose(points, total, abs_tol=1e-9):
            problems.append(f"the points add up to {points:g}, not {total:g}")
    if problems:
        raise PointsError(f"{path}:\n  " + "\n  ".join(problems))
    return Points(tuple(groups), tuple(tasks), tuple(sorted(checks, key=_by_task(tasks))))


def compare(points: Points, collected: Iterable[str]) -> list[str]:
    """Where the file and the collected pytest checks disagree, one sentence each; empty if they agree."""
    ids = set(collected)
    known = {check.id for check in points.checks if check.kind == "pytest"}
    return [f"{id} has no entry in points.toml" for id in sorted(ids - known)] + [
        f"{id} is in points.toml, but no such check was collected" for id in sorted(known - ids)
    ]


def _by_task(tasks: list[Task]) -> Any:
    """Sort key: the order of the tasks, and within a task the order of the file (sorting is stable)."""
    order = {task.number: place for place, task in enumerate(tasks)}
    return lambda check: order[check.task]


def _read(kind: type, entries: Any, problems: list[str]) -> list[Any]:
    """Entries of one table as dataclasses; what does not fit is reported and left out."""
    table = kind.__name__.lower()
    if not isinstance(entries, list):
        problems.append(f"write [[{table}]], not [{table}]")
        return []
    found = []
    for place, entry in enumerate(entries, start=1):
        try:
            found.append(kind(**entry))
        except TypeError as error:
            # "Check.__init__() got an unexpected keyword argument 'point'" and its like
            problems.append(f"[[{table}]] number {place}: {str(error).split('() ')[-1]}")
    return found


def _inconsistencies(groups: list[Group], tasks: list[Task], checks: list[Check]) -> list[str]:
    problems = []
    for what, names in (
        ("group number", [group.number for group in groups]),
        ("task number", [task.number for task in tasks]),
        ("check id", [check.id for check in checks]),
    ):
        problems += [f"{what} {name} appears {count} times" for name, count in Counter(names).items() if count > 1]
    problems += [
        f"group {group.number!r}: the number must be an integer" for group in groups if type(group.number) is not int
    ]
    group_numbers = {str(group.number) for group in groups}
    for task in tasks:
        group, dot, place = str(task.number).partition(".")
        if not (isinstance(task.number, str) and dot and group.isdigit() and place.isdigit()):
            problems.append(f'task {task.number!r}: a number is written like "5.1", in quotes')
        elif group not in group_numbers:
            problems.append(f"task {task.number}: there is no group {group}")
    task_numbers = {task.number for task in tasks}
    for check in checks:
        problems += [f"check {check.id}: {problem}" for problem in _check_problems(check, task_numbers)]
    unused = task_numbers - {check.task for check in checks}
    problems += [f"task {number} has no check" for number in sorted(map(str, unused))]
    return problems


def _check_problems(check: Check, task_numbers: set[str]) -> list[str]:
    problems = []
    if check.task not in task_numbers:
        problems.append(f"there is no task {check.task!r}")
    number = isinstance(check.points, (int, float)) and not isinstance(check.points, bool)
    if not (number and math.isfinite(check.points) and check.points >= 0):
        problems.append(f"points must be a finite number of at least 0, not {check.points!r}")
    if check.visibility not in VISIBILITIES:
        problems.append(f"visibility must be one of {', '.join(VISIBILITIES)}, not {check.visibility!r}")
    if check.kind not in KINDS:
        problems.append(f"kind must be one of {', '.join(KINDS)}, not {check.kind!r}")
    elif check.kind == "pytest" and not check.id.startswith(("public/", "hidden/")):
        problems.append("the id of a pytest check begins with public/ or hidden/")
    if not check.title:
        problems.append("it has no title")
    return problems
