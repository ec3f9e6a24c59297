"""The checks' infrastructure as a student meets it: a folder of their own, a stub, a mistake, the table at the end."""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from autograder.door.fixtures import derived_seed, refuse_taken_names
from autograder.repository import DOOR, TESTS
from autograder.stamp import TASKS
from autograder.tasks import load
from autograder.writing import write_files
from tests.kit.courses import TINY
from tests.kit.on_a_terminal import COLUMNS, on_a_terminal

STUB = 'raise NotImplementedError("Task 1.1: predict, see README section 1.1")'
FORMULA = "return slope * x + intercept"
LINE = """import torch

def predict(x, slope, intercept):
    {body}

def mean_squared_error(predicted, wanted):
    return torch.square(predicted - wanted).{reduction}()
"""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
REPORT = """
import sys

def pytest_collection_finish(session):
    conftest = next(p for p in session.config.pluginmanager.get_plugins() if hasattr(p, "check_id"))
    print("ids:", *(conftest.check_id(item) for item in session.items))
    print("torch imported:", "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A student's folder with line.py alone; call it with the body of its first function to run pytest there."""
    folder = tmp_path_factory.mktemp("student")
    (folder / "tests").mkdir()
    for path in (TESTS / "conftest.py", TINY / "tests" / "public" / "test_line.py"):
        shutil.copy(path, folder / "tests")
    course = load(TINY / "courses" / "full.toml")
    release = {"version": "0.1.0", "hash": "0123abcd"}
    write_files(folder, {TASKS: json.dumps({"tasks": course.described(), "release": release})})
    shutil.copytree(TINY / "tests" / "support", folder / "tests" / "support")
    shutil.copytree(DOOR, folder / "tests" / "autograder" / "door")
    (folder / "report.py").write_text(REPORT)

    def run(
        body: str,
        *options: str,
        reduction: str = "mean",
        before: str = "",
        terminal: dict[str, str] | None = None,
        **files: str,
    ) -> subprocess.CompletedProcess:
        (folder / "line.py").write_text(LINE.format(body=body, reduction=reduction))
        for name, source in files.items():
            (folder / f"{name}.py").write_text(source)
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)  # of the line.py before
        path = {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}"}
        command = [sys.executable, "-c", f"{before}\nimport pytest, sys; sys.exit(pytest.main())"]
        command += ["-p", "no:cacheprovider", "--import-mode=importlib", *options]
        if terminal is not None:
            return subprocess.CompletedProcess(command, *on_a_terminal(command, folder, **path, **terminal))
        environment = {**os.environ, **path, "COLUMNS": "80"}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def right(student):
    """A run of right code, which also shows what pytest's capture would hide."""
    return student(FORMULA, "-s", "-p", "report")


@pytest.fixture(scope="module")
def unfinished(student):
    """A run in which one function is still to be written and the other sums where a mean is wanted."""
    return student(STUB, reduction="sum")


def test_right_code_passes(right):
    assert right.returncode == 0, right.stdout
    assert re.search(r"^ 1.1  Heights of a line +\[#{10}\]  1 of 1 ", right.stdout, re.MULTILINE)
    assert "Every public check passes." in right.stdout
    assert "Hidden checks run when you hand in" in right.stdout


def test_ids_do_not_depend_on_the_folder_and_collecting_needs_no_torch(right):
    assert "public/test_line.py::test_predict_by_hand" in right.stdout
    assert "torch imported: False" in right.stdout


def test_one_thread_unless_the_student_asks_for_more(student, monkeypatch):
    """What PyTorch makes of the number is its own affair: of two it makes one where there is one processor."""
    asked = "print('threads:', __import__('os').environ['OMP_NUM_THREADS']) or slope * x + intercept"
    for number in ("", "2"):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if number:
            monkeypatch.setenv("OMP_NUM_THREADS", number)
        assert f"threads: {number or 1}" in student(f"return {asked}", "-s").stdout


def test_one_screen_with_one_thing_to_do(unfinished):
    assert unfinished.returncode == 1
    screen = unfinished.stdout.splitlines()
    assert len(screen) < 24 and max(map(len, screen)) < COLUMNS
    assert "Release 0.1.0 (0123abcd)" in unfinished.stdout
    assert "Next: Task 1.1: predict, see README section 1.1\n      predict in line.py, line 3\n" in unfinished.stdout
    assert "More: pytest -m predict" in unfinished.stdout
    assert re.search(r"^ 1.1  Heights of a line +\[\.{10}\]  0 of 1 ", unfinished.stdout, re.MULTILINE)
    assert "1.2  " in unfinished.stdout and "The sum is returned" not in unfinished.stdout


def test_colour_where_the_terminal_has_it(student, unfinished):
    """Of a bar by how full it is; and nowhere else, nor against anybody's wish."""
    coloured = student(STUB, terminal={})
    assert coloured.returncode == 1
    assert f"\x1b[31m[{10 * '.'}]\x1b[0m" in coloured.stdout and f"\x1b[32m[{10 * '#'}]\x1b[0m" in coloured.stdout
    assert "\x1b[1mNext: Task 1.1" in coloured.stdout
    assert max(len(line) for line in ESCAPE.sub("", coloured.stdout).splitlines()) < COLUMNS
    for plain in (student(STUB, terminal={"NO_COLOR": "1"}), unfinished):
        assert plain.returncode == 1 and "Next: Task 1.1" in plain.stdout and "\x1b" not in plain.stdout


def test_what_is_printed_fits_the_output_and_the_screen(student, monkeypatch):
    """Letters that it has not, as on Windows, and words that are longer than a line."""
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    run = student("print('μ → π'); raise ValueError(40 * 'word ' + 'μ')", "--all")
    assert run.returncode == 1 and "INTERNALERROR" not in run.stdout + run.stderr
    assert r"\u03bc \u2192 \u03c0" in run.stdout and run.stdout.count("word") >= 40
    assert max(map(len, run.stdout.replace(r"\u03bc", "μ").splitlines())) <= COLUMNS


def test_failures_of_what_is_asked_for_are_shown_in_full(student):
    some, every = (student(STUB, *options, reduction="sum") for options in (("-m", "task1_2"), ("--all",)))
    for run in (some, every):
        assert "The sum is returned, not the mean." in " ".join(run.stdout.split())
        for source in ("Traceback", "def test_", "assert "):
            assert source not in run.stdout
    assert "Task 1.1" not in some.stdout and "Task 1.1: predict" in every.stdout


def test_some_checks_are_not_all(student):
    run = student(FORMULA, "-m", "task1_2")
    assert "Every public check passes" not in run.stdout
    assert "These checks pass. `pytest` alone runs them all." in run.stdout


def test_a_call_that_hangs_fails_and_the_other_checks_run(student):
    soon = "import torch; import autograder.door.fixtures as fixtures; fixtures.LOCAL_SECONDS = 2"
    run = student("while True: pass", before=soon)
    assert run.returncode == 1
    assert "no answer within 2 seconds. Does a loop never end?" in " ".join(run.stdout.split())
    assert re.search(r"^ 1.2 .* 1 of 1 ", run.stdout, re.MULTILINE)


def test_an_import_that_hangs_is_told_of_the_file_itself_and_tried_once(student):
    soon = "import torch; import autograder.door.fixtures as fixtures; fixtures.LOCAL_SECONDS = 2"
    helper = "import sys\nprint('begun', file=sys.__stderr__)\nwhile True:\n    sys.path\n"
    needs_it = 'mean() if __import__("helper") else torch.mean'
    run = student("import helper", "-s", "--all", reduction=needs_it, before=soon, helper=helper)
    assert run.stdout.count("helper.py, line 3: stopped while it was imported, because") == 3  # and at the end
    assert run.stderr.count("begun") == 1


def test_where_a_call_cannot_be_ended_the_run_ends_with_its_place(student):
    soon = "import autograder.door.executor, autograder.door.terminal as terminal; terminal.CHECK_SECONDS = 2"
    run = student("import time; time.sleep(1000)", before=soon)
    assert run.returncode == 1
    assert "still running after 2 s in line.py, line 4." in run.stdout
    assert "The run has ended here." in run.stdout


@pytest.mark.slow
def test_missing_file_fails_every_check_without_an_error(student):
    finished = student("return 1 +", "--all")  # a syntax error
    assert "2 failed" in finished.stdout and finished.stdout.count("SyntaxError") == 2  # the second as what is next
    assert "line.py could not be imported: SyntaxError: invalid syntax" in finished.stdout
    assert "(line.py, line 4)" in finished.stdout and "line.py could not be imported: see above." in finished.stdout


def test_only_what_hidden_checks_look_at_depends_on_the_secret():
    one, other = (SimpleNamespace(assignment_secret=secret) for secret in ("one", "other"))
    name = "test_line.py::test_predict"
    assert derived_seed(one, f"hidden/{name}") != derived_seed(other, f"hidden/{name}")
    assert (
        derived_seed(one, f"public/{name}")
        == derived_seed(other, f"public/{name}")
        == derived_seed(object(), f"public/{name}")
    )


@pytest.mark.parametrize("name", ["random", "queue", "torch", "numpy", "line", "helper"])
def test_a_file_that_takes_the_place_of_a_library_is_refused(tmp_path, name):
    config = SimpleNamespace(tests_folder=tmp_path / "tests", getoption=lambda name: str(tmp_path))
    (tmp_path / f"{name}.py").write_text("")
    if name in ("line", "helper"):
        refuse_taken_names(config)
        return
    with pytest.raises(pytest.UsageError, match=rf"{name}\.py takes the place of a module .* rename it"):
        refuse_taken_names(config)


def test_unknown_folder_is_a_usage_error(student):
    finished = student(FORMULA, "--impl", "nowhere")
    assert finished.returncode != 0
    assert "there is no folder" in finished.stdout + finished.stderr
