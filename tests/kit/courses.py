"""Small courses for the kit's tests, written as an instructor would write them."""

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.repository import ROOT, TESTS
from autograder.tasks import Check, Course, Section, Task
from autograder.writing import write_files

TINY = TESTS / "kit" / "tiny"
# A submission to each task of a SmallCourse, and public checks of a task.
RIGHT = """
    def one():
        return 1

    def twice(x):
        return 2 * x
"""
PUBLIC = """
    import pytest
    from autograder.door.diagnose import check
    from hypothesis import given, strategies as st

    pytestmark = pytest.mark.task{n}

    def test_one(submission):
        '''one {n}'''
        check(submission.call("task{n}.one") == 1, "one() should be 1. Did you start from zero?")

    @given(x=st.integers(0, 9))
    def test_twice(submission, x):
        '''twice {n}'''
        check(submission.call("task{n}.twice", x) == 2 * x, "twice(x) should be 2 x.")
"""
DRIVER = """
    import json, sys
    sys.path.insert(0, {root!r})
    from pathlib import Path
    from autograder.grading import grade
    from autograder.grading.session import Grading
    grade.prepare_process()
    {patch}
    results = grade.grade(Grading.from_json(json.loads(sys.argv[1])))
    untrusted = [name for name in sys.modules if name.split(".")[0] in ("torch", "executor", "task1", "task2", "task3")]
    print(json.dumps(untrusted))
"""


def write_tiny(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the tiny assignment, with these files beside its own or in their place, into an empty folder."""
    shutil.copytree(TINY, folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("LICENSE", "tests/conftest.py"):
        shutil.copy(ROOT / name, folder / name)
    write_files(folder, files)
    return folder


def copy_sources(folder: Path) -> Path:
    """Copy what the repository's courses are made from into an empty folder, but for the data themselves."""
    left_out = shutil.ignore_patterns("results", "data", "__pycache__", ".hypothesis", "kit", "assignment", "corpus")
    for name in ("courses", "solution", "tests", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    (folder / "data").mkdir()
    for name in ("data/README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


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


def start_grading(
    submission: Path, out: Path, course: Path, patch: str = "", cwd: Path | None = None, **settings: Any
) -> "subprocess.Popen[str]":
    """Begin to grade a submission, in a process of its own.

    Args:
        patch: what to run in that process before.
        settings: of Session and Grading, where they differ from the usual ones.
    """
    places = {"submission": str(submission), "out": str(out), "course": str(course), "provided": None}
    document = {**places, "secret": "not much of a secret", **settings}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DRIVER).format(root=str(ROOT), patch=patch), json.dumps(document)],
        cwd=cwd or out.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_grading(process: "subprocess.Popen[str]", out: Path) -> dict[str, Any]:
    """What is in results.json in the end."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert json.loads(output) == [], "the grader has imported what only a worker may"
    return json.loads(out.read_text())


class SmallCourse:
    """A course of three tasks, ten points each, and a way to grade submissions to it.

    Args:
        folder: an empty folder.
        checks: see write_course.
    """

    def __init__(self, folder: Path, checks: Mapping[str, str]) -> None:
        self.folder = folder
        self.tests = folder / "course" / "tests"
        self.file = write_course(folder / "course", checks, n=3, worth=10)
        self.out = folder / "results.json"

    def submission(self, **files: str) -> Path:
        """A folder with task1.py, task2.py and task3.py, RIGHT unless given."""
        folder = self.folder / "submission"
        folder.mkdir(exist_ok=True)
        for name, source in ({"task1": RIGHT, "task2": RIGHT, "task3": RIGHT} | files).items():
            (folder / f"{name}.py").write_text(textwrap.dedent(source))
        return folder

    def start(self, submission: Path, **settings: Any) -> "subprocess.Popen[str]":
        """See start_grading."""
        return start_grading(submission, self.out, self.file, **settings)

    def grade(self, submission: Path, **settings: Any) -> dict[str, Any]:
        """See start_grading and finish_grading."""
        return finish_grading(self.start(submission, **settings), self.out)
