"""Where the checks' fixtures and the tasks' markers come from: the kit's door, and the course."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

NEEDED = ("hypothesis", "numpy", "scipy", "torch")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if sys.version_info < (3, 10) or missing:  # what follows would fail in stranger words
    found = f"Python {sys.version.split()[0]}{', without ' * bool(missing)}{', '.join(missing)}"
    print(f"The checks need Python 3.10 or newer and lab/requirements.txt; this is {found}.", file=sys.stderr)
    raise SystemExit(2)

TESTS = Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))  # for `support` and, in a student's folder, `autograder.door`

pytest_plugins = ["autograder.door.terminal", "autograder.door.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    config.tests_folder = TESTS  # type: ignore[attr-defined]
    if not hasattr(config, "course_tasks"):
        config.course_tasks, config.other_tasks = course_tasks()  # type: ignore[attr-defined]
    if "release" in listed():  # a student's folder
        config.release_line = "Release {version} ({hash})".format_map(listed()["release"])  # type: ignore[attr-defined]


def listed() -> dict[str, Any]:
    """What lab/tasks.json says in a student's folder; nothing elsewhere."""
    file = TESTS.parent / "lab" / "tasks.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def course_tasks() -> tuple[list[dict[str, Any]], list[str]]:
    """The tasks, in a student's folder as lab/tasks.json says, elsewhere the default course's; names of the others."""
    if "tasks" in listed():
        return listed()["tasks"], []
    from autograder.tasks import load

    course = load()
    return course.described(), course.others
