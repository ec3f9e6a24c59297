"""Generates what Otter reads: one test file per task, the driver notebook, its configuration.

A test file's cases are the checks of points.toml with their points and hidden flags; each asks the bridge for the
trusted grader's verdict. Otter grades one notebook and we have none, so an empty one is generated for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from autograder.gradescope.settings import Settings
from autograder.tasks import Check, Points, Task

HEAD = """\
# Task {number}, generated from points.toml by `python -m autograder zip`: edit that file, not this one.
import importlib.util
import pathlib
import sys

from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
points = None

# One bridge for all test files, so that the grader runs once.
if "autograder_bridge" not in sys.modules:
    place = pathlib.Path.cwd().parent / "source" / "files" / "grader" / "autograder" / "gradescope" / "bridge.py"
    spec = importlib.util.spec_from_file_location("autograder_bridge", place)
    sys.modules["autograder_bridge"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["autograder_bridge"])
bridge = sys.modules["autograder_bridge"]
"""
CASE = """

@test_case(name={title!r}, points={points}, hidden={hidden})
def case_{place}():
    bridge.require({id!r})
"""
# Otter's cases pass or fail. A check with partial credit becomes two: what it earned, and what it missed.
PARTIAL_CASES = """

@test_case(name={earned_title!r}, points=bridge.earned({id!r}), hidden={hidden})
def case_{place}_earned():
    bridge.require_some({id!r})


@test_case(name={missed_title!r}, points=bridge.missed({id!r}), hidden={hidden})
def case_{place}_missed():
    bridge.require({id!r})
"""


def test_files(points: Points, settings: Settings) -> dict[str, str]:
    """File name to text, one file for every task that has checks; names sort in the order of the tasks."""
    factor = settings.points.total / round(sum(check.points for check in points.checks), 6)
    files = {}
    for task in points.tasks:
        group, place = task.number.split(".")
        checks = [check for check in points.checks if check.task == task.number]
        files[f"task_{int(group):02}_{int(place):02}.py"] = _test_file(task, checks, factor)
    return files


def task_names(points: Points) -> Mapping[str, str]:
    """Task number to the name of its test file's question."""
    return {task.number: task_name(task) for task in points.tasks}


def task_name(task: Task) -> str:
    return f"{task.number} {task.name}"


def _test_file(task: Task, checks: list[Check], factor: float) -> str:
    parts = [HEAD.format(number=task.number, name=task_name(task))]
    for place, check in enumerate(checks, start=1):
        if check.kind == "pytest":
            worth = check.points * factor
            case = CASE.format(title=check.title, points=worth, hidden=check.hidden_inputs, place=place, id=check.id)
        else:
            case = PARTIAL_CASES.format(
                earned_title=check.title,
                missed_title=f"{check.title} (points missed)",
                hidden=False,
                place=place,
                id=check.id,
            )
        parts.append(case)
    return "".join(parts)


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
