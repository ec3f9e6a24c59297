"""The grader from end to end, on a small suite of its own: what becomes of submissions that are right, wrong,
unfinished, or that hang, crash and print; and what is left of the results when the grader itself is killed."""

import contextlib
import json
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from autograder import tasks
from autograder.exits import Exit
from autograder.gradescope import rehearsal
from autograder.grading import report
from autograder.grading.results import exit_status
from autograder.repository import ROOT
from tests.kit.archives import write_zip
from tests.kit.courses import PUBLIC, RIGHT, SmallCourse
from tests.kit.hostile import HOSTILE, strings, unseen
from tests.kit.processes import alive, descendants, until

HIDDEN = """
    import pytest
    from autograder.door.diagnose import check

    pytestmark = pytest.mark.task{n}

    def test_secret_input(submission):
        '''secret_input {n}'''
        check(submission.call("task{n}.twice", 31337) == 62674, "twice(x) is wrong for large x.")

    def test_alone(fresh_submission):
        '''alone {n}'''
        check(fresh_submission.call("task{n}.one") == 1, "one() should be 1 in a new process, too.")
"""


@pytest.fixture
def course(tmp_path):
    return SmallCourse(tmp_path, {"public": PUBLIC, "hidden": HIDDEN})


def row(document, id):
    return next(row for row in document["tests"] if row["extra_data"]["id"] == id)


def outputs(document, task, part=""):
    return [r["output"] for r in document["tests"] if r["number"] == task and r["extra_data"]["id"].startswith(part)]


def test_a_right_submission(course):
    document = course.grade(course.submission())
    assert document["score"] == 30
    assert [row["number"] for row in document["tests"]] == ["1.1"] * 4 + ["2.1"] * 4 + ["3.1"] * 4
    assert all(row["status"] == "passed" and row["output"] == "" for row in document["tests"])
    assert document["output"] == "All checks pass."
    # Nothing is left behind in the tests' folder or in the folder that the grader was started in.
    assert {path.name for path in course.tests.iterdir()} == {"conftest.py", "tasks.toml", "public", "hidden"}
    assert not list(course.folder.rglob("__pycache__")) and not list(course.folder.rglob(".hypothesis"))
    assert {path.name for path in course.folder.iterdir()} == {"course", "submission", "results.json"}


def test_each_failure_in_its_own_words(course):
    wrong = """
        def one():
            import warnings
            warnings.warn("about to return")
            return 0

        def twice(x):
            raise type(f"Leak{x}", (Exception,), {})(f"the input is {x}")
    """
    unfinished = """
        def one():
            raise NotImplementedError("Task 2.1: one, see README")

        def twice(x):
            raise NotImplementedError(f"the input is {x}")
    """
    submission = course.submission(task1=wrong, task2=unfinished)
    (submission / "task3.py").unlink()
    document = course.grade(submission)
    assert document["score"] == 0

    one = row(document, "public/test_task1.py::test_one")
    assert one["output"] == (
        "one() should be 1. Did you start from zero?\nfunction: one in task1.py, line 2\n\n"
        'Your code printed:\ntask1.py:4: UserWarning: about to return\n  warnings.warn("about to return")'
    )
    assert one["extra_data"]["kind"] == "wrong" and one["extra_data"]["printed"].startswith("task1.py:4: UserWarning")
    twice = row(document, "public/test_task1.py::test_twice")["output"]
    assert "Leak0: the input is 0 (task1.py, line 8)" in twice
    assert "object at 0x" not in twice
    assert row(document, "hidden/test_task1.py::test_alone")["output"] == (
        "one() should be 1 in a new process, too.\nfunction: task1.one"
    )
    assert row(document, "hidden/test_task1.py::test_secret_input")["output"] == (
        "Your code raised an exception of its own. (Hidden checks do not show more.)\nfunction: task1.twice"
    )
    assert document["output"].startswith(
        "First thing to do: Task 1.1 (Task 1). one() should be 1. Did you start from zero?"
    )
    # What a stub raises, and what else raises the same exception.
    assert set(outputs(document, "2.1", "hidden")) == {
        "Not implemented yet: twice in task2.py (Task 2.1).",
        "Your code raised NotImplementedError. (Hidden checks do not show more.)\nfunction: task2.twice",
    }
    assert set(outputs(document, "3.1")) == {
        "Missing file: task3.py is not in the submission, so this check could not be run."
    }
    assert "31337" not in json.dumps(document)
    kinds = {row["number"]: set() for row in document["tests"]}
    for each in document["tests"]:
        kinds[each["number"]].add(each["extra_data"]["kind"])
        assert "printed" not in each["extra_data"] or each["extra_data"]["id"].startswith("public/")
    assert kinds == {"1.1": {"wrong", "raised"}, "2.1": {"not_implemented", "raised"}, "3.1": {"missing"}}


@pytest.mark.slow
def test_packages_settings_and_files_cost_no_other_task_anything(course):
    """Whatever is installed here, code gets the packages that Gradescope has; settings at the top of a file go."""
    foreign = """
        def one():
            return 1

        def twice(x):
            import importlib
            for name in ("yaml", "dill", "psutil", "panel"):
                try:
                    importlib.import_module(name)
                except ModuleNotFoundError:
                    continue
                raise ValueError(name)
            import yaml
    """
    settled = """
        from torchvision.utils import make_grid
        import matplotlib.pyplot as plt, numpy as np, torch, warnings
        torch.set_default_dtype(torch.float64)
        torch.set_num_interop_threads(4)
        plt.switch_backend("TkAgg")
        warnings.simplefilter("error")
        np.seterr(all="raise")

        def one():
            assert torch.ones(1).dtype is torch.float32 and np.exp(-1e4) == 0
            warnings.warn("fine")
            plt.figure()
            return 1

        def twice(x):
            return int(2 * make_grid(torch.full((1, 3, 2, 2), float(x)))[0, 0, 0])
    """
    submission = course.submission(task1=foreign, task2=settled)
    (submission / "task3_old.py").write_text("#" * (1 << 20) + "#")
    (submission / "task3 (1).py").write_text("")
    document = course.grade(submission)
    assert outputs(document, "2.1") == [""] * 4 and outputs(document, "3.1") == [""] * 4
    shown = row(document, "public/test_task1.py::test_twice")["output"]
    assert "ModuleNotFoundError: No module named 'yaml': neither a file that is handed in nor a" in shown
    notes = document["output"]
    assert "weights 32 MiB: task3_old.py." in notes and "Is it your task3.py? If so, rename it" in notes
    assert set(document["extra_data"]["submission"]["left_out"]) == {"task3_old.py", "task3 (1).py"}


@pytest.mark.slow
def test_other_words_change_no_kind(course):
    """Every sentence of the grader's about a failure, and every reason for a worker's death, replaced by nonsense."""
    nonsense = """
        from autograder.grading import messages
        from autograder.sandbox import backend
        for table in (messages.SENTENCES, messages.DEATHS):
            table.update(dict.fromkeys(table, "Xyzzy."))
        class Died(backend.WorkerDied):
            def __init__(self, kind, reason, calls=()):
                super().__init__(kind, "Xyzzy.", calls)
        backend.WorkerDied = Died
    """
    hangs = textwrap.dedent(RIGHT).replace("return 1", "import time; time.sleep(1000)")
    unfinished = textwrap.dedent(RIGHT).replace("return 2 * x", "raise NotImplementedError('Task 2.1: twice')")
    dies = textwrap.dedent(RIGHT).replace("return 2 * x", "import os; os._exit(3)")
    submission = course.submission(task1=hangs, task2=unfinished, task3=dies)
    kinds = []
    for patch in ("", nonsense):
        document = course.grade(submission, call_seconds=2.0, patch=textwrap.dedent(patch))
        kinds.append({row["extra_data"]["id"]: row["extra_data"]["kind"] for row in document["tests"]})
    assert kinds[0] == kinds[1]
    assert {"timeout", "not_implemented", "crash", "passed"} <= set(kinds[0].values())
    assert {row["output"] for row in document["tests"]} == {"", "Xyzzy."}


@pytest.mark.slow
def test_time_is_up(course):
    document = course.grade(course.submission(), seconds=0)
    assert document["score"] == 0
    assert all(row["output"].startswith("Not run: time is up") for row in document["tests"])
    assert {row["extra_data"]["kind"] for row in document["tests"]} == {"timeout"}


def test_nothing_around_the_submission_reaches_the_grader(course, monkeypatch):
    """Neither pytest's variables, nor a conftest.py, a pytest.ini or modules in the submission, where it is started."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only -k nothing")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    submission = course.submission()
    trap = "import pathlib, os\npathlib.Path(__file__).with_suffix('.sprung').touch()\nos._exit(0)\n"
    for name in ("conftest", "numpy", "pytest", "hypothesis", "diagnose", "submission"):
        (submission / f"{name}.py").write_text(trap)
    (submission / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    process = course.start(submission, cwd=submission)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert not list(submission.glob("*.sprung"))
    document = json.loads(course.out.read_text())
    assert document["score"] == 30
    left_out = document["extra_data"]["submission"]["left_out"]
    assert left_out == ["conftest.py", "hypothesis.py", "numpy.py", "pytest.py"]


def test_the_command_imports_nothing_from_the_folder_that_it_is_started_in(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "argparse.py").write_text("raise SystemExit('imported from the working folder')")
    run = subprocess.run(
        [sys.executable, "-m", "autograder", "grade", "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "results.json" in run.stdout


def test_a_grading_may_stop_at_the_first_failure(course):
    patch = "import functools; grade.grade_in = functools.partial(grade.grade_in, stop_at_first_failure=True)"
    submission = course.submission(task2="def one():\n    return 2\n")
    kinds = [row["extra_data"]["kind"] for row in course.grade(submission, patch=patch)["tests"]]
    # Public checks first: two of the first task, one of the second.
    assert kinds == ["passed"] * 2 + ["not_run"] * 2 + ["wrong"] + ["not_run"] * 7


TWICE_FROM_ONE_ZYGOTE = """
from autograder.repository import EXECUTOR
from autograder.sandbox.zygote import Zygote, ZygoteSettings
grade_once = grade.grade

def grade_twice(grading):
    with Zygote(ZygoteSettings(executor=EXECUTOR)) as trunk:
        grade_once(grading, trunk)
        return grade_once(grading, trunk)

grade.grade = grade_twice
"""


@pytest.mark.slow
def test_results_are_the_same_every_time_and_whoever_was_graded_before_from_the_same_zygote(course):
    crashes = """
        import os, torch

        def one():
            return torch.rand(1).item() < 2 and 1

        def twice(x):
            os._exit(x % 7) if x > 9 else print(x)
            return 2 * x
    """
    wrong = """
        import random, torch

        def one():
            return object()

        def twice(x):
            print(random.random(), torch.rand(()).item(), hash("text"), {"a", "b", "c"})
            raise ValueError(f"{object()} {torch.rand(())} {random.random()}")
    """
    submission = course.submission(task1=crashes, task2="def twice(x):\n    return hash(str(x))\n", task3=wrong)
    documents = [course.grade(submission), course.grade(submission, patch=TWICE_FROM_ONE_ZYGOTE)]
    for document in documents:
        assert document.pop("execution_time") > 0
        # A zygote of its own has also tried to read this grading's files.
        assert document["extra_data"]["sandbox"].pop("refused_probes")
    assert documents[0] == documents[1]
    assert "crash" in {row["extra_data"]["kind"] for row in documents[0]["tests"]}


@pytest.mark.slow
def test_a_killed_grader_leaves_what_was_graded_until_then(course):
    """SIGKILL in the second task: valid results, the first task's public points, and no process that goes on."""
    marker = "import time\ntime.sleep(1000)  # keeps the grader busy\n"
    process = course.start(course.submission(task2=marker), call_seconds=60)
    try:
        first = until(lambda: course.out.exists() and json.loads(course.out.read_text()), 30)
        assert first["score"] == 0
        assert {row["output"] for row in first["tests"]} == {"Not graded: grading did not finish."}
        assert "did not finish" in first["output"]
        until(lambda: json.loads(course.out.read_text())["score"] == 5, 60)
        children = descendants(process.pid)
        assert children
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    document = json.loads(course.out.read_text())
    assert document["score"] == 5
    assert set(outputs(document, "1.1", "public")) == {""}
    unfinished = outputs(document, "1.1", "hidden") + outputs(document, "2.1") + outputs(document, "3.1")
    assert set(unfinished) == {"Not graded: grading did not finish."}
    assert course.out.stat().st_mode & 0o777 == 0o600
    until(lambda: not any(alive(pid) for pid in children), 20)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_graded_until_then(course):
    process = course.start(course.submission(task2="import time\ntime.sleep(1000)\n"), call_seconds=60)
    until(lambda: course.out.exists() and json.loads(course.out.read_text())["score"] == 5, 60)
    # What a signal raises in a callback of the garbage collector is lost, and hypothesis has one: people press again.
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=15)
            break
    document = json.loads(course.out.read_text())
    assert document["score"] == 5
    assert document["output"].startswith("Grading was interrupted")


@pytest.mark.slow
def test_results_are_final_only_when_no_process_is_left(course):
    """What a submission leaves running in the background is gone when the results are there."""
    thread = (
        textwrap.dedent(RIGHT) + "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
    )
    process = course.start(course.submission(task1=thread))
    seen = set()
    while process.poll() is None:
        seen |= set(descendants(process.pid))
        time.sleep(0.05)
    process.communicate()
    assert seen and not any(alive(pid) for pid in seen)
    assert json.loads(course.out.read_text())["score"] == 30


@pytest.mark.slow
def test_suites_and_points_must_agree(course):
    source = course.tests / "public" / "test_task1.py"
    source.write_text(source.read_text() + '\n\ndef test_new(submission):\n    """New"""\n')
    document = course.grade(course.submission())
    assert document["score"] == 0
    assert document["output"].startswith("Grader set-up problem")
    assert "test_new is in no task of tests/tasks.toml" in document["extra_data"]["problem"]
    assert "test_new" not in document["output"] + str([row["output"] for row in document["tests"]])


@pytest.mark.slow
def test_checks_must_not_import_torch(course):
    source = course.tests / "hidden" / "test_task1.py"
    source.write_text(source.read_text() + "\nimport torch\n")
    process = course.start(course.submission())
    process.communicate(timeout=120)
    document = json.loads(course.out.read_text())
    assert document["score"] == 0
    assert "imported torch" in document["extra_data"]["problem"]


def test_a_course_that_cannot_be_read_still_gives_results(course):
    course.file.write_text("[[section")
    document = course.grade(course.submission())
    assert document["score"] == 0 and document["tests"] == []
    assert document["output"].startswith("Grader set-up problem")


@pytest.mark.slow
def test_gradescope_refuses_without_the_sandbox(course):
    document = course.grade(course.submission(), patch="grade.REQUIRED_LAYERS = ('force field',)", gradescope=True)
    assert document["score"] == 0
    assert {row["output"] for row in document["tests"]} == {
        "Not graded: grader set-up problem. Please tell your instructor."
    }
    assert "force field" in document["extra_data"]["problem"]


@pytest.mark.slow
def test_a_laptop_grades_with_a_warning(course):
    process = course.start(course.submission(), zygote={"layers": ["session", "rlimits"]})
    _, errors = process.communicate(timeout=120)
    document = json.loads(course.out.read_text())
    assert document["score"] == 30
    assert "warning" in errors
    assert document["extra_data"]["sandbox"]["layers"] == ["session", "rlimits"]
    assert "seccomp" in document["extra_data"]["sandbox"]["missing"]


def test_what_strangers_write_reaches_nobody_with_characters_that_cannot_be_seen(course, tmp_path):
    """Names of files, an exception's text, and what code prints: in results.json, report, page and log."""
    says = f"""
        def one():
            print({HOSTILE!r})
            raise ValueError({HOSTILE!r})

        def twice(x):
            return 2 * x
    """
    odd = ("{}.txt", "{}.py", "numpy{}/x.py", "data/{}/task1.py", "{}.rar")
    files = {"task1.py": says, "task2.py": RIGHT, "task3.py": RIGHT} | {name.format(HOSTILE): "x" for name in odd}
    archive = write_zip(tmp_path / "work.zip", {name: textwrap.dedent(text) for name, text in files.items()})
    process = course.start(archive)
    output, errors = process.communicate(timeout=120)
    document = json.loads(course.out.read_text())
    about = tasks.load(course.file)
    assert process.returncode == 0 and document["score"] == 25 and "visible" in document["output"]
    texts = [output, errors, report.terminal(document, about, 80), report.page(document, about), *strings(document)]
    assert [text for text in texts if unseen(text)] == []


def test_nothing_to_grade_is_one_row_and_names_what_came(course, tmp_path):
    folder = tmp_path / "handed in"
    (folder / "data").mkdir(parents=True)
    for name in ("data/task1.py", "report.pdf"):
        (folder / name).write_text("x")
    document = course.grade(folder)
    (row,) = document["tests"]
    assert (row["score"], row["max_score"], row["name"]) == (0, 30, "Nothing of this submission could be graded")
    assert (
        document["output"].split("\n\n")
        == row["output"].split("\n")
        == [
            "There is nothing to grade: none of the files to hand in is there (task1.py, task2.py, task3.py).",
            "Not graded, because folders of these names hold no work: data/task1.py. Move what should be graded out of "
            "them.",
            "Not graded, because they are not files to hand in: report.pdf.",
        ]
    )
    # Nothing ran: no worker was started.
    assert "sandbox" not in document["extra_data"] and rehearsal.validate(document) == []
    assert exit_status(document) == Exit.NOTHING
    assert row["visibility"] == "visible" and row["tags"] == []  # no setting about hidden checks hides it
    about = tasks.load(course.file)
    assert len(report.terminal(document, about, 80).splitlines()) == 9
    page = report.page(document, about)
    assert page.index("There is nothing to grade") < page.index("data/task1.py") and "<details" not in page
