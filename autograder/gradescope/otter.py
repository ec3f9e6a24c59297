"""What `otter run` reads of the zip, and the bridge from there to the trusted grader.

Otter reads one test file for each task, the driver notebook, its configuration: `test_files`, `driver_notebook` and
`configuration` make them. A test file's cases are the course's checks with their points and hidden flags; each
asks the bridge for the trusted grader's verdict.

The bridge is this file again: Otter executes the test files in a notebook kernel whose folder is `.../submission`;
the grader lies in `.../source/files/grader` beside it. They load the bridge alone, from its path. It runs the
grader once, as a process of its own; every case then asks for its row. So nothing of the autograder package is imported
here when this file is loaded: it may not be importable where Otter runs.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.gradescope.settings import Settings
    from autograder.tasks import Course, Task

Row = dict[str, Any]

# The interpreter that has torch and the grader's other dependencies, if it is not the one that runs Otter.
PYTHON_VARIABLE = "AUTOGRADER_PYTHON"

NOTHING = "submission"  # id of the only row where nothing could be graded, as in grading/results.py


class GraderFailed(Exception):
    """The trusted grader could not do its work: nothing is known about the submission."""


def test_files(course: Course) -> dict[str, str]:
    """File name to text, one file for every task that has checks; names sort in the order of the tasks."""
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, keep_trailing_newline=True
    )
    templates.filters["repr"] = repr
    template = templates.get_template("otter_test.py.j2")
    files = {}
    for place, task in enumerate(course.tasks, start=1):
        checks = [check for check in course.checks if check.task == task.name]
        text = template.render(number=task.number, name=task_name(task), checks=checks)
        files[f"task_{place:02}.py"] = text
    return files


def task_name(task: Task) -> str:
    """What Otter calls a task."""
    return f"{task.number} {task.title}"


def driver_notebook() -> str:
    """The one notebook that Otter executes: it runs nothing of the submission."""
    text = "Generated. Otter executes one notebook; the submission itself is graded by the grader's own processes."
    notebook = {
        "cells": [{"cell_type": "markdown", "id": "driver", "metadata": {}, "source": [text]}],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def configuration(settings: Settings) -> str:
    """otter_config.json."""
    config = {
        "lang": "python",
        "show_stdout": False,
        "show_hidden": settings.visibility.hidden_checks != "hidden",
        "logo": False,
    }
    return json.dumps(config, indent=2) + "\n"


@functools.cache
def graded(folder: Path) -> dict[str, Row]:
    """Grade FOLDER/submission, once for all test files: check id -> row of results.json.

    Raises:
        GraderFailed: with what the grader said.
    """
    grader = folder / "source" / "files" / "grader"
    python = os.environ.get(PYTHON_VARIABLE, sys.executable)
    done = subprocess.run(
        [python, "-I", str(grader), "otter", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        said = done.stdout[-1000:] + done.stderr[-3000:]
        raise GraderFailed(f"the grader ended with status {done.returncode}:\n{said}")
    document = json.loads((folder / "results" / "graded.json").read_text(encoding="utf-8"))
    return {row["extra_data"]["id"]: row for row in document["tests"]}


def here() -> Path:
    """The folder that Otter grades in: test files run with its `submission` as their working directory."""
    return Path.cwd().resolve().parent


def require(check_id: str) -> None:
    """Fail, with the grader's explanation, unless the check passed."""
    row = _row(check_id)
    assert row["status"] == "passed", row["output"]


def require_some(check_id: str) -> None:
    """Fail, with the grader's explanation, unless the check earned some of its points."""
    row = _row(check_id)
    assert row["score"] > 0, row["output"]


def earned(check_id: str) -> float:
    """Points that a check with partial credit earned."""
    return _row(check_id)["score"]


def missed(check_id: str, points: float) -> float:
    """Points that a check with partial credit, worth so many, did not earn."""
    return points - earned(check_id)


def _row(check_id: str) -> Row:
    """A check's row; the only one there is, without points, where nothing could be graded."""
    rows = graded(here())
    return rows.get(check_id) or rows[NOTHING]
