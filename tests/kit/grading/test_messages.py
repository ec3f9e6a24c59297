"""What students read about a failed check: everything for public checks, nothing that could carry a hidden input for
hidden ones."""

import numpy as np
import pytest

from autograder.door.calls import noted
from autograder.door.diagnose import CLOSE, OPEN, CheckFailed, case, check_close, quoted, unmarked
from autograder.door.imports import Import
from autograder.door.submission import Lost, NotImplementedYet, SubmissionError
from autograder.gradescope import bundle
from autograder.grading.messages import DEATHS, LIMITS, SENTENCES, Explainer, NotRun
from autograder.repository import ROOT, check_sources
from autograder.sandbox.backend import MOST_HELD
from autograder.sandbox.frames import FrameLimits
from autograder.sandbox.zygote import workspace
from autograder.tasks import Check, Task, load
from tests.kit.courses import course_of

PUBLIC = Check("public/test_x.py::test_a", "one", "1.1", 1, "A")
HIDDEN = Check("hidden/test_x.py::test_b", "one", "1.1", 1, "B")
OTHER = Check("public/test_x.py::test_c", "two", "1.2", 1, "C")
COURSE = course_of(
    [
        Task("one", "1.1", "One", "one.py", ("one",)),
        Task("two", "1.2", "Two", "two.py", ("two",)),
        Task("model", "1.3", "Model", "m.safetensors", judge="a:b"),
    ],
    [PUBLIC, HIDDEN, OTHER],
)
SECRET = "0.4711 and more"


@pytest.fixture
def explainer(tmp_path):
    (tmp_path / "test_x.py").write_text(
        '"""one mean(x): the shape is not a list; the values are wrong, 12345 draws of np.abs"""'
    )
    return Explainer(COURSE, tmp_path)


def test_an_exception_of_the_submission(explainer):
    error = SubmissionError("ValueError", SECRET, "one.py, line 3")
    assert (
        explainer.explain(error, PUBLIC).text == f"Your code raised an exception: ValueError: {SECRET} (one.py, line 3)"
    )
    assert explainer.explain(error, HIDDEN).text == "Your code raised ValueError. (Hidden checks do not show more.)"


def test_a_hidden_exception_tells_the_kind_of_case(explainer):
    call = noted("one.one", [np.ones((1, 3))], {}, gradients=True, grad=True)
    error = SubmissionError("RuntimeError", SECRET)
    found = explainer.explain(error, HIDDEN, calls=[call])
    assert found.case == {"function": "one.one", "kind": "float64, a dimension of size 1, its gradients"}
    assert found.text == "Your code raised RuntimeError. (Hidden checks do not show more.)"
    with pytest.raises(SubmissionError) as caught, case("the values are wrong"):
        raise SubmissionError("RuntimeError", SECRET)
    assert explainer.explain(caught.value, HIDDEN, calls=[call]).case["kind"] == "the values are wrong"


def test_an_import_that_fails(explainer):
    call = noted("one.one", [np.ones((1, 3))], {}, gradients=False, grad=True)

    def told(where, check):
        found = explainer.explain(SubmissionError("SyntaxError", SECRET, where, "import"), check, calls=[call])
        assert not found.case  # nothing was called
        return found.text

    why = f"SyntaxError: {SECRET}"
    assert told("one.py, line 3", PUBLIC) == f"one.py could not be imported: {why} (one.py, line 3)"
    assert told("one.py, line 3", HIDDEN) == "one.py could not be imported."
    # The rows of the other file say why.
    assert told("two.py, line 3", PUBLIC) == "two.py could not be imported."
    assert told("two.py, line 3", HIDDEN) == "two.py could not be imported."
    # A helper has no rows of its own; its name is the submission's.
    assert told(f"{SECRET}.py, line 3", PUBLIC).startswith(f"{SECRET}.py could not be imported: {why}")
    assert told(f"{SECRET}.py, line 3", HIDDEN) == "Your code could not be imported."


@pytest.mark.parametrize("name", [f"Error_{SECRET}", "__class__", "", "x" * 5000])
def test_the_name_of_an_exception_can_be_made_up(explainer, name):
    text = explainer.explain(SubmissionError(name, SECRET), HIDDEN).text
    assert text == "Your code raised an exception of its own. (Hidden checks do not show more.)"


@pytest.mark.parametrize(
    ("message", "what", "stub"),
    [
        ("Task 1.2: two, see README section 1.2", "two in two.py (Task 1.2)", "two"),
        ("Task 1.3: train", "Model (Task 1.3)", "model"),
        ("Task 9.9: there is none", "one in one.py (Task 1.1)", "one"),
        (SECRET, "one in one.py (Task 1.1)", "one"),
    ],
)
@pytest.mark.parametrize("check", [PUBLIC, HIDDEN])
def test_a_stub_names_its_task_in_our_words(explainer, message, what, stub, check):
    found = explainer.explain(NotImplementedYet("NotImplementedError", message), check)
    assert (found.kind, found.text, found.stub) == ("not_implemented", f"Not implemented yet: {what}.", stub)


def test_a_diagnosis(explainer):
    found = explainer.explain(CheckFailed("mean(x): 3 of 10 values are wrong."), PUBLIC)
    assert (found.kind, found.text, found.cause) == ("wrong", "mean(x): 3 of 10 values are wrong.", "")
    said = f"mean(x): the shape is {quoted((471, 1))}, not a {quoted('list')}{SECRET}; 3 values are wrong, 12345 draws."
    error = CheckFailed(said)
    assert explainer.explain(error, PUBLIC).text == unmarked(said)
    text = explainer.explain(error, HIDDEN).text
    assert text == "mean(x): the shape is … and more; 3 values are wrong, 12345 draws."


@pytest.mark.parametrize("name", ["A_911_94_912_67", "a 911 94 12", "wrong", f"{OPEN}{CLOSE}wrong{OPEN}"])
def test_what_a_submission_returned_is_no_part_of_a_hidden_row(explainer, name):
    """The class of an object, for example, may be called what one likes, in the checks' own words too."""

    class Handle:
        type = name

    with pytest.raises(CheckFailed) as caught:
        check_close(Handle(), np.zeros(3), what="mean(x)")
    assert name.replace(OPEN, "").replace(CLOSE, "") in explainer.explain(caught.value, PUBLIC).text
    assert explainer.explain(caught.value, HIDDEN).text == "mean(x): a tensor of float32 or float64 was expected."
    with pytest.raises(CheckFailed) as caught:
        check_close([1.0] * 471, np.zeros(3), what="mean(x)")
    text = "mean(x): a tensor of float32 or float64 was expected, not a list."
    assert explainer.explain(caught.value, HIDDEN).text == text


def test_a_public_row_shows_its_case(explainer):
    x = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    call = noted("one.one", [x, 2], {"seed": 3}, gradients=False, grad=True)
    call.remember(came := np.array([4.0, 6.0]), [])
    later = noted("one.other", [], {}, gradients=False, grad=True)
    error = CheckFailed("wrong", "the values are wrong", (came, np.array([3.0, 7.0])))
    error.__notes__ = [
        "Falsifying example: test_a(\n    submission=<submission.Submission object at 0x7f3a12345678>,\n    x=3,\n)",
        "You can reproduce this example by adding @reproduce_failure(...)",
    ]
    source = {"one.py": b"import math\n\n\ndef one(x, n, *, seed):\n    return x\n"}
    found = explainer.explain(error, PUBLIC, calls=[call, later], source=source.get)
    assert found.text == "wrong The values are wrong."
    assert found.case == {
        "function": "one in one.py, line 4",
        "x": "[[1., 2.],\n [3., 4.]]",
        "n": "2",
        "seed": "3",
        "returned": "[4., 6.]",
        "expected": "[3., 7.]",
        "example": "Falsifying example: test_a(\n    x=3,\n)",
    }
    assert explainer.explain(error, HIDDEN, calls=[call, later], source=source.get).case == {"function": "one.one"}


@pytest.mark.parametrize("came", [35.40122604370117, "text", None])
def test_a_plain_value_is_told_of_the_call_that_gave_it(explainer, came):
    """Not of one that came later, such as for what was expected."""
    call, later = (noted(f"one.{name}", [], {}, gradients=False, grad=True) for name in ("one", "other"))
    call.remember(came, [])
    later.remember(np.array(1.0), [])
    error = CheckFailed("wrong", "", (came, np.array(3.0)))
    for check, function in ((PUBLIC, "one in one.py"), (HIDDEN, "one.one")):
        assert explainer.explain(error, check, calls=[call, later]).case["function"] == function


def test_failures_that_hypothesis_cannot_reproduce(explainer):
    class Group(Exception):
        exceptions = (ValueError("first"), CheckFailed("wrong values"))

    assert explainer.explain(Group("flaky"), PUBLIC).text == "wrong values"


def test_a_check_that_trips_over_what_was_returned(explainer):
    error = TypeError(f"unsupported operand: {SECRET}")
    assert explainer.explain(error, PUBLIC, "test_x.py, line 9").text.endswith(f"operand: {SECRET} (test_x.py, line 9)")
    assert explainer.explain(error, HIDDEN).text == "The check could not use what your code returned: TypeError."


@pytest.mark.parametrize("makes_files", [True, False])
def test_where_code_may_write_is_said_as_it_is_on_this_machine(makes_files):
    error = SubmissionError("OSError", "[Errno 38] Function not implemented: 'results'")
    text = Explainer(COURSE, ROOT / "tests", makes_files=makes_files).explain(error, PUBLIC).text
    assert ("into the folder that it runs in" in text) is makes_files
    assert ("only files that a check names, such as outpath, and make no others" in text) is not makes_files


def test_a_place_beside_the_code_is_told_from_one_in_the_folder_that_it_runs_in(explainer):
    with workspace() as place:
        for folder, shown in (("submission", "submission/log.txt"), ("scratch-a1b2", "log.txt")):
            error = SubmissionError("PermissionError", f"[Errno 13] Permission denied: '{place}/{folder}/log.txt'")
            assert f"denied: '{shown}'" in explainer.explain(error, PUBLIC).text


def test_what_lies_elsewhere_on_a_students_computer_is_not_there(explainer):
    error = SubmissionError("FileNotFoundError", "[Errno 2] No such file or directory: 'data/x.npy'", "a.py, line 1")
    text = explainer.explain(error, PUBLIC).text
    assert text.endswith(
        "(a.py, line 1) While code is graded, no other files are there than those that are handed in, "
        "code and small data."
    )


def test_what_is_not_called_again(explainer):
    in_public = Lost("crash", "kl.f", "it exited with status 47", in_public=True)
    in_hidden = Lost("crash", "kl.f", "it exited with status 47", in_public=False)
    for check in (PUBLIC, HIDDEN):
        assert explainer.explain(in_public, check).text.startswith("kl.f was stopped: it exited with status 47.")
        assert explainer.explain(in_hidden, check).text.startswith("kl.f was stopped: its process ended during a call.")
    for check, line, place in ((PUBLIC, 0, ""), (PUBLIC, 7, " in line 7"), (HIDDEN, 7, "")):
        lost = Lost("flood", "kl", "more than 16 MiB were printed", True, Import("kl.py", line))
        text = f"The import of kl.py was stopped{place}: more than 16 MiB were printed."
        assert explainer.explain(lost, check).text.startswith(text)
    found = explainer.explain(NotRun("timeout", "Not run: time is up."), HIDDEN)
    assert (found.kind, found.text) == ("timeout", "Not run: time is up.")


def test_the_named_cause_is_data(explainer):
    mistake = "the values are wrong"
    error = CheckFailed("mean(x): 3 of 10 values are wrong.", mistake)
    for check in (PUBLIC, HIDDEN):
        assert explainer.explain(error, check).cause == mistake
    # What is no constant of the checks' sources does not leave a hidden row, not even in part.
    leaking = CheckFailed("wrong", f"the values are wrong: {SECRET}")
    assert explainer.explain(leaking, PUBLIC).cause == leaking.cause
    assert explainer.explain(leaking, HIDDEN).cause == ""


WHY = {
    "wrong": CheckFailed("wrong", "the values are wrong"),
    "raised": SubmissionError("ValueError", SECRET),
    "not_implemented": NotImplementedYet("NotImplementedError", "Task 1.1: one"),
    "missing": NotRun("missing", SENTENCES["missing"]),
    "timeout": Lost("timeout", "kl.f", "no answer within 20 seconds", True),
    "memory": SubmissionError("MemoryError", "", stage="import"),
    "crash": Lost("crash", "kl.f", "the process ended during the call", True),
    "protocol": Lost("protocol", "kl.f", "the answer breaks the protocol", False),
    "flood": Lost("flood", "kl", "more than 16 MiB were printed", False, Import("kl.py", 7)),
    "not_run": pytest.skip.Exception("no reason"),
    "grader": NotRun("grader", SENTENCES["grader"]),
}


@pytest.mark.parametrize("check", [PUBLIC, HIDDEN])
@pytest.mark.parametrize("kind", WHY)
def test_a_kind_does_not_hang_on_words(explainer, monkeypatch, kind, check):
    before = explainer.explain(WHY[kind], check)
    for table in (SENTENCES, DEATHS):
        for name in table:
            monkeypatch.setitem(table, name, "Xyzzy.")
    after = explainer.explain(WHY[kind], check)
    assert before.kind == after.kind == kind
    assert before.cause == after.cause


def test_what_a_check_cannot_use_is_wrong(explainer):
    assert explainer.explain(TypeError("unsupported operand"), PUBLIC).kind == "wrong"


def test_what_differs_from_run_to_run_is_left_out(explainer):
    with workspace() as folder:
        error = SubmissionError("OSError", f"{folder}/scratch-7a_b2c3d/a.png <Thing object at 0x7f3a12345678>")
    assert (
        explainer.explain(error, PUBLIC).text == "Your code raised an exception: OSError: a.png <Thing object at 0x…>"
    )


def test_a_limit_is_named(explainer):
    memory, said = SubmissionError("MemoryError", SECRET), "Your code ran out of memory: it may use 384 MiB beyond"
    assert explainer.explain(memory, HIDDEN).text == f"{said} PyTorch itself."
    assert explainer.explain(memory, PUBLIC).text == f"{said} PyTorch itself. MemoryError: {SECRET}"
    sent = SubmissionError("FrameError", f"arrays of {SECRET}", stage="limit")
    assert SECRET in explainer.explain(sent, PUBLIC).text
    assert LIMITS in explainer.explain(sent, HIDDEN).text and SECRET not in explainer.explain(sent, HIDDEN).text
    assert f"{FrameLimits.arrays} arrays" in LIMITS and f"{FrameLimits.payload_bytes >> 20} MiB" in LIMITS
    assert FrameLimits.payload_bytes == MOST_HELD


def test_a_hidden_row_reads_the_same_in_the_repository_as_from_the_zip():
    """The repository has tests of the grader, too; none of their words may be shown, such as those of this test."""
    sources = [path.relative_to(ROOT).as_posix() for path in check_sources(ROOT / "tests")]
    shipped = [name for name in bundle.grader_files(load()) if name.startswith("tests/")]
    assert sources == [name for name in shipped if name not in ("tests/tasks.toml", *load().assignment.examples)]
    assert {"tests/conftest.py", "tests/hidden/stand_ins.py"} < set(sources)
    explainer = Explainer(COURSE, ROOT / "tests")
    assert explainer.withhold("not a NotebookClient; 31337 of them, 4711") == "not a …; … of them, …"
    assert explainer.withhold("20,000 iterations, 20000 of them") == "20,000 iterations, 20000 of them"


def test_the_real_diagnoses_survive_in_hidden_checks():
    """A message that quotes nothing of the submission reads the same in hidden checks."""
    explainer = Explainer(COURSE, ROOT / "tests")
    text = "kl_categorical(p, q): the value is wrong (too small). An intermediate result overflows."
    assert explainer.withhold(text) == text
    counted = "{} wrong. It looks as if exp(logvar), the VARIANCE, were used as the standard deviation."
    for count, said in (
        (f"all of {quoted(1568)} values are", "all values are"),
        (f"{quoted(47)} of {quoted(100)} values are", "some values are"),
        (f"{quoted(1)} of {quoted(12)} values is", "some values are"),
    ):
        assert explainer.withhold(counted.format(count)) == counted.format(said)
