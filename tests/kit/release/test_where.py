"""`make where TASK=...`: every place where a task lives, by its name or by its functions."""

import shutil
import subprocess

import pytest

from autograder import __main__ as commands
from autograder.exits import Exit
from autograder.release.where import places
from autograder.repository import ROOT
from autograder.tasks import load
from tests.kit.courses import TINY


def test_every_place_of_a_task_is_listed_with_its_lines():
    """Of the tiny assignment: code, checks, mutants, the handout's section, the course, the table of tasks."""
    found = dict(places(load(TINY / "courses" / "full.toml").task("mean_squared_error"), TINY))
    assert list(found) == sorted(found)
    wanted = {"courses/full.toml", "tests/tasks.toml", "solution/line.py", "solution/handout/mean_squared_error.md"}
    wanted |= {"tests/public/test_line.py", "tests/hidden/test_line.py", "tests/corpus/mutants/line.toml"}
    assert wanted <= set(found)
    lines = (TINY / "solution" / "line.py").read_text(encoding="utf-8").splitlines()
    named = [number for number, line in enumerate(lines, start=1) if "mean_squared_error" in line]
    assert found["solution/line.py"] == named
    assert "solution/points.py" not in found


@pytest.mark.parametrize("task", load().tasks, ids=lambda task: task.name)
def test_every_task_of_the_real_course_has_its_places(task):
    found = dict(places(task))
    assert {"courses/full.toml", "tests/tasks.toml", f"solution/handout/{task.name}.md"} <= set(found)


def test_the_command(capsys):
    task = load().tasks[0]
    assert commands.main(["where", task.name]) == Exit.DONE
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{task.name}: task {task.number}, ") and first.endswith(f"in {task.file}")
    assert any(line.startswith("  courses/full.toml:") for line in others)
    assert commands.main(["where", "no_such_task"]) == Exit.NOTHING
    said = capsys.readouterr().err
    assert "asks for no task 'no_such_task'" in said and task.name in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_asks_for_a_task():
    done = subprocess.run(["make", "-n", "where"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "say which task: make where TASK=" in done.stderr
    done = subprocess.run(["make", "-n", "where", "TASK=area"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and 'python -m autograder where "area"' in done.stdout
