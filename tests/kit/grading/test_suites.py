"""The suites against course and table of tasks: points, titles and markers agree, and every task has a public check."""

import importlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from autograder import tasks
from autograder.grading.intake import Intake
from autograder.grading.results import Results
from autograder.grading.session import Session
from autograder.grading.suites import SHOWN_PRINT, Grader, cut, same_examples_everywhere
from autograder.repository import ROOT

COLLECT = """
def pytest_collection_finish(session):
    import json, pathlib
    config, items = session.config, session.items
    conftest = next(p for p in config.pluginmanager.get_plugins() if hasattr(p, "check_id"))
    names = [name for task in config.course_tasks for name in (task["name"], *conftest.number_markers(task))]
    marked = lambda item: [name for name in dict.fromkeys(names) if item.get_closest_marker(name)]
    found = [(conftest.check_id(item), conftest.title_of(item), marked(item)) for item in items]
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


def test_the_table_of_tasks_fits_the_suites(collected):
    assert tasks.compare(tasks.load(), [id for id, *_ in collected]) == []


def test_titles_are_those_of_the_checks(collected):
    """A title is the first line of the docstring; a parametrised check adds which of its cases it is."""
    titles = {check.id: check.title for check in tasks.load().checks}
    for id, title, markers in collected:
        if markers:  # else it is of a task that the default course does not ask for
            named, _, case = titles[id].partition(title)
            assert not named and bool(case) == ("[" in id), id


def test_every_check_has_the_markers_of_its_task(collected):
    course = tasks.load()
    marked = {id: markers for id, _, markers in collected}
    for check in (check for check in course.checks if check.by_pytest):
        markers, (section, place) = marked[check.id], check.number.split(".")
        assert sorted(markers) == sorted([check.task, f"task{section}_{place}", f"task{section}"]), check.id


def test_a_task_that_is_one_function_has_its_name():
    for task in tasks.load().tasks:
        names = [name.split(".")[-1] for name in task.functions]
        assert len(names) != 1 or names == [task.name] or task.name == "negative_elbo"


def test_every_task_has_a_public_check_and_hidden_checks_carry_most_points():
    course = tasks.load()
    judged = [check for check in course.checks if check.by_pytest]
    for task in (task for task in course.tasks if task.file):
        assert any(check.task == task.name and not check.hidden_inputs for check in judged), task.name
    assert sum(check.points for check in judged if check.hidden_inputs) > sum(check.points for check in judged) / 2


def test_of_a_long_print_whole_lines_are_shown_from_its_end():
    lines = "".join(f"epoch {number}\n" for number in range(1000)).strip()
    shown = cut(lines)
    assert shown.startswith("…\nepoch ") and lines.endswith(shown[1:]) and len(shown) <= SHOWN_PRINT + 2
    assert cut("x" * 1000) == "…" + "x" * SHOWN_PRINT


def test_all_public_files_come_before_hidden_ones_each_in_the_order_of_its_first_task():
    loaded = tasks.load()
    grader = Grader(
        loaded,
        Session("no secret"),
        Intake(ROOT),
        Results.of(loaded),
        start_worker=lambda: pytest.fail("no worker is needed"),
        makes_files=True,
        deadline=0.0,
        save=lambda: None,
    )
    found = [path for folder in ("hidden", "public") for path in (ROOT / "tests" / folder).glob("test_*.py")]
    order = [f"{path.parent.name}/{path.stem}" for path in sorted(found, key=grader.place)]
    suites = [file.partition("/")[0] for file in order]
    assert suites == sorted(suites, reverse=True)
    assert order[:2] == ["public/test_kl", "public/test_gmm"]
    assert order.index("public/test_vae") < order.index("public/test_elbo") < order.index("public/test_utils")
    hidden = order[suites.index("hidden") :]
    assert hidden[:2] == ["hidden/test_kl", "hidden/test_gmm"] and hidden[-1] == "hidden/test_manners"


def test_examples_do_not_hang_on_which_modules_are_loaded(tmp_path, monkeypatch):
    """Else the same submission would be asked other questions in a class than by itself."""
    monkeypatch.setattr(providers, "is_local_module_file", providers.is_local_module_file)  # and taken back

    def examples():
        found = []

        @seed(5)
        @settings(database=None, max_examples=60, deadline=None)
        @given(st.floats(-100, 100), st.integers(2, 200))
        def note(x, n):
            found.append((x, n))

        note()
        return found

    same_examples_everywhere()
    before = examples()
    (tmp_path / "odd_numbers.py").write_text(f"NUMBERS = {[n + 0.25 for n in range(-90, 90)]}, {list(range(3, 190))}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("odd_numbers")
    assert examples() == before
    del sys.modules["odd_numbers"]
