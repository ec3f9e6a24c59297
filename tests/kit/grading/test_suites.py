"""The suites against points.toml: budgets, titles and markers agree, and every task has a public check."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import tasks

ROOT = Path(__file__).resolve().parents[3]
COLLECT = """
def pytest_collection_modifyitems(session, config, items):
    import json, pathlib
    conftest = next(p for p in config.pluginmanager.get_plugins() if hasattr(p, "check_id"))
    found = [
        (
            conftest.check_id(item),
            conftest.title_of(item),
            [marker for marker in conftest.task_markers(config) if item.get_closest_marker(marker)],
        )
        for item in items
    ]
    pathlib.Path(r"{out}").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """[id, title, markers] of every public and hidden check."""
    folder = tmp_path_factory.mktemp("collect")
    (folder / "collect_checks.py").write_text(COLLECT.replace("{out}", str(folder / "checks.json")))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "tests/public", "tests/hidden", "--collect-only", "-q"]
    finished = subprocess.run(
        [*command, "-p", "collect_checks", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    return json.loads((folder / "checks.json").read_text())


def test_points_add_up():
    loaded = tasks.load()
    assert [loaded.of_group(number) for number in (1, 2, 3, 4, 5, 6)] == [12, 16, 13.5, 34.5, 22, 2]


def test_titles_are_those_of_the_checks(collected):
    """A title is the first line of the docstring; a parametrised check adds which of its cases it is."""
    titles = {check.id: check.title for check in tasks.load().checks}
    for id, title, _ in collected:
        named, _, case = titles[id].partition(title)
        assert not named and bool(case) == ("[" in id), id


def test_every_check_has_the_marker_of_its_task(collected):
    """Markers and tasks are one to one; where a task is one function, the marker has its name."""
    loaded = tasks.load()
    numbers = {check.id: check.task for check in loaded.checks}
    named: dict[str, set[str]] = {}
    for id, _, markers in collected:
        assert len(markers) == 1, id
        named.setdefault(numbers[id], set()).update(markers)
    assert all(len(markers) == 1 for markers in named.values()), named
    assert len({marker for markers in named.values() for marker in markers}) == len(named) == len(loaded.tasks)
    for task in loaded.tasks:
        if task.function.isidentifier() and task.function.islower():
            assert named[task.number] == {task.function}


def test_every_task_has_a_public_check_and_hidden_checks_carry_most_points():
    loaded = tasks.load()
    judged = [check for check in loaded.checks if check.kind == "pytest"]
    for task in (task for task in loaded.tasks if task.file):
        assert any(check.task == task.number and not check.hidden_inputs for check in judged), task.number
    assert sum(check.points for check in judged if check.hidden_inputs) > sum(check.points for check in judged) / 2
