"""What one hang, crash or flood costs: the checks that call the same function, and nothing else. On real workers."""

import textwrap

import pytest

from autograder.release.reference import hand_in
from autograder.repository import SOLUTION
from autograder.tasks import load
from tests.kit.courses import PUBLIC, RIGHT, SmallCourse, finish_grading, start_grading

HIDDEN = """
    import pytest
    from autograder.door.diagnose import check
    from autograder.door.submission import Lost, SubmissionError

    pytestmark = pytest.mark.task{n}

    def test_alone(fresh_submission):
        '''alone {n}'''
        check(fresh_submission.call("task{n}.one") == 1, "one() should be 1 in a new process, too.")

    def test_either(fresh_submission):
        '''either {n}'''
        working = 0
        for name, value in (("one", []), ("twice", [0])):
            try:
                fresh_submission.call(f"task{n}.{{name}}", *value)
            except (Lost, SubmissionError):
                continue
            working += 1
        check(working, "One of the functions should work.")
"""
HANGS = "import time; time.sleep(1000)"
EXITS = "import os; os._exit(3)"
FLOODS = "while True: print('x' * 100_000)"
AGAIN = "It is not called again: checks that need it fail."


@pytest.fixture
def course(tmp_path):
    return SmallCourse(tmp_path, {"public": PUBLIC, "hidden": HIDDEN})


def with_first_line(function, line):
    """The right module, but this function does something else first."""
    return textwrap.dedent(RIGHT).replace(f"def {function}:\n", f"def {function}:\n    {line}\n")


def kinds(document, number):
    """Check's name -> kind, of the checks of one task."""
    rows = [row["extra_data"] for row in document["tests"] if row["number"] == number]
    return {row["id"].rpartition("_")[2]: row["kind"] for row in rows}


def texts(document, kind):
    return {row["output"].partition("\n")[0] for row in document["tests"] if row["extra_data"]["kind"] == kind}


def test_only_what_calls_the_same_function_is_lost(course):
    """A hang in a test with hypothesis, a crash in a task's first check, a flood at import."""
    submission = course.submission(
        task1=with_first_line("twice(x)", HANGS),
        task2=with_first_line("one()", EXITS),
        task3=textwrap.dedent(RIGHT) + FLOODS,
    )
    document = course.grade(submission, call_seconds=4.0)
    assert kinds(document, "1.1") == {"one": "passed", "twice": "timeout", "alone": "passed", "either": "passed"}
    assert kinds(document, "2.1") == {"one": "crash", "twice": "passed", "alone": "crash", "either": "passed"}
    assert set(kinds(document, "3.1").values()) == {"flood", "wrong"}  # test_either judges for itself
    assert document["score"] == 7.5 + 5
    assert texts(document, "timeout") == {f"task1.twice was stopped: no answer within 4 seconds. {AGAIN}"}
    assert texts(document, "flood") == {
        f"The import of task3.py was stopped{place}: more than 16 MiB were printed. "
        "It is not imported again: checks that need it fail."
        for place in (" in line 7", "")
    }
    for text in texts(document, "crash"):
        assert text.startswith("task2.one was stopped: the process ended") and text.endswith(AGAIN)


def test_a_module_that_hangs_at_import_costs_whatever_imports_it(course):
    """The second task imports the first when it is imported, the third in one of its functions; the first, a file."""
    submission = course.submission(
        helper=f"def endless():\n    {HANGS}\n\nendless()",
        task1="import helper\n" + textwrap.dedent(RIGHT),
        task2="import task1\n" + textwrap.dedent(RIGHT),
        task3=with_first_line("one()", "import task1"),
    )
    document = course.grade(submission, call_seconds=4.0)
    assert set(kinds(document, "1.1").values()) == set(kinds(document, "2.1").values()) == {"timeout", "wrong"}
    assert kinds(document, "3.1") == {"one": "timeout", "twice": "passed", "alone": "timeout", "either": "passed"}
    assert document["score"] == 5
    for text, place in zip(sorted(texts(document, "timeout")), (" in line 4", ""), strict=True):
        assert text.startswith(f"The import of helper.py was stopped{place}: no answer within 4 seconds.")


def test_a_module_that_ends_the_process_at_import_is_named(course):
    """By `os._exit`, which Python tells nobody of; from a file that is imported by the one that is graded."""
    submission = course.submission(helper=f"one = 1\n{EXITS}", task1="import helper\n" + textwrap.dedent(RIGHT))
    document = course.grade(submission)
    assert set(kinds(document, "1.1").values()) == {"crash", "wrong"}
    for text, place in zip(sorted(texts(document, "crash")), (" in line 2", ""), strict=True):
        assert text.startswith(f"The import of helper.py was stopped{place}: the process ended during the call")


NOTED = """
    from pathlib import Path
    import pytest
    from autograder.door.diagnose import check

    pytestmark = pytest.mark.task{n}

    def test_noted(submission):
        '''noted {n}'''
        suite = Path(__file__).parent.name
        with (Path(__file__).parents[1] / "order.txt").open("a") as file:
            print(suite, {n}, file=file)
        check(submission.call("task{n}.one") == 1, "one() should be 1.")
"""


def test_no_public_check_runs_after_a_hidden_one(tmp_path):
    """Not even one that was put off and runs again."""
    course = SmallCourse(tmp_path, {"public": NOTED, "hidden": NOTED})
    submission = course.submission(task1=with_first_line("one()", "import time; time.sleep(1.5)"))
    document = course.grade(submission, task_seconds=1.0)
    order = (course.tests / "order.txt").read_text().splitlines()
    # The first task's hidden check has no time left in its first turn.
    assert order == [*(f"public {n}" for n in (1, 2, 3, 1)), *(f"hidden {n}" for n in (2, 3, 1))]
    assert {row["extra_data"]["kind"] for row in document["tests"]} == {"passed"}


@pytest.mark.slow
def test_a_grading_in_which_all_hangs_is_complete_and_in_time(course):
    hangs = dict.fromkeys(("task1", "task2", "task3"), RIGHT.replace("return", f"{HANGS}; return"))
    document = course.grade(course.submission(**hangs), seconds=12.0)
    assert document["score"] == 0
    assert {row["extra_data"]["kind"] for row in document["tests"]} <= {"timeout", "wrong"}
    assert "did not finish" not in document["output"]
    assert document["execution_time"] < 60


EVALUATES = """
        losses.append(loss.item())
        with torch.no_grad():
            seen = [(model(images) - images).square().mean().item() for _ in range(5)]
"""


@pytest.mark.slow
def test_a_hang_in_one_task_of_the_assignment_and_a_flood_in_another(tmp_path):
    """They cost these two tasks; the rows that go over all functions pass. So does training that evaluates much."""
    names = ("train_autoencoder", "latent_traversal", "sample_from_prior", "tsne_latents", "plot_learning_curve")
    chosen = ", ".join(f'{{ name = "{name}", points = 10 }}' for name in (*names, "manners"))
    small = tmp_path / "courses" / "small.toml"
    small.parent.mkdir()
    small.write_text(f'title = "Small"\ntotal = 60\n[[section]]\nname = "all"\ntitle = "All"\ntask = [{chosen}]\n')
    submission = tmp_path / "submission"
    submission.mkdir()
    for name, content in hand_in(load()).items():
        (submission / name).write_bytes(content)
    (submission / "tsne.py").write_text(f"def tsne_latents(*args, **kwargs):\n    {HANGS}\n")
    with (submission / "learning_curve.py").open("a") as file:
        file.write(FLOODS)
    training = (submission / "train.py").read_text()
    (submission / "train.py").write_text(training.replace("\n        losses.append(loss.item())\n", EVALUATES, 1))
    assert EVALUATES in (submission / "train.py").read_text()
    out = tmp_path / "results.json"
    document = finish_grading(start_grading(submission, out, small, provided=str(SOLUTION), call_seconds=8.0), out)
    missed = [row for row in document["tests"] if row["status"] != "passed"]
    assert {(row["extra_data"]["task"], row["extra_data"]["kind"]) for row in missed} == {
        ("tsne_latents", "timeout"),
        ("plot_learning_curve", "flood"),
    }
    assert document["score"] == 40
