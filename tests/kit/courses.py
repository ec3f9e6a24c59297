"""Small courses for the kit's tests, written as an instructor would write them."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autograder.repository import TESTS
from autograder.tasks import Check, Course, Section, Task


def write_course(root: Path, checks: Mapping[str, str], n: int, worth: float) -> Path:
    """Write a course of n tasks: task1 in task1.py, function `twice`, and so on; returns the course's file.

    Args:
        checks: "public" and "hidden" -> source of a file of checks, with {n} where the number goes; every function
            test_... in it has a docstring, and all of them weigh the same.
        worth: points of a task.
    """
    tasks, sections = ["[assignment]"], ['title = "A small course"', f"total = {n * worth}"]
    for number in range(1, n + 1):
        name = f"task{number}"
        tasks += ["", "[[task]]", f'name = "{name}"', f'title = "Task {number}"', f'file = "{name}.py"']
        tasks.append('functions = ["twice"]')
        for suite, source in checks.items():
            text = textwrap.dedent(source.format(n=number))
            path = root / "tests" / suite / f"test_{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            functions = [line.split("(")[0].removeprefix("def ") for line in text.splitlines() if "def test_" in line]
            tasks += [f"[task.{suite}]", *(f"{function.strip()} = 1" for function in functions)]
        sections += ["", "[[section]]", f'name = "section{number}"', f'title = "Group {number}"']
        sections.append(f'task = [{{ name = "{name}", points = {worth} }}]')
    shutil.copy(TESTS / "conftest.py", root / "tests")
    (root / "tests" / "tasks.toml").write_text("\n".join(tasks) + "\n")
    course = root / "courses" / "full.toml"
    course.parent.mkdir()
    course.write_text("\n".join(sections) + "\n")
    return course


def course_of(tasks: Sequence[Task], checks: Sequence[Check], sections: Sequence[str] = ("First",)) -> Course:
    """A course that no file describes: tasks are in the sections that their numbers say."""
    titles = tuple(Section(f"section{number}", str(number), title) for number, title in enumerate(sections, start=1))
    points = {task.name: sum(check.points for check in checks if check.task == task.name) for task in tasks}
    placed = [replace(task, section=f"section{task.number.split('.')[0]}", points=points[task.name]) for task in tasks]
    return Course(Path("courses/x.toml"), "X", sum(points.values()), titles, tuple(placed), tuple(checks))
