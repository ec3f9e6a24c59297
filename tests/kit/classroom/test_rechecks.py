"""Numeric checks are run again in the sandbox: only right answers pass, whatever else a notebook does."""

import json
from pathlib import Path

import numpy as np
import pytest

from autograder.classroom import answers, rechecks
from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.rechecks import Missing, Recheck, Rechecked, Unusable, judged, plain
from autograder.door.submission import Handle
from autograder.grading.files import read_tree
from autograder.release import questions
from autograder.sandbox.zygote import Zygote
from autograder.tasks import Course
from autograder.writing import write_files
from tests.kit.written_course import DOUBLE, QUESTIONS, TITLES, document, heading, notebook, perfect, write_course


def of(name: str) -> questions.QuestionFile:
    file = questions.parse(name, QUESTIONS[name].lstrip("\n"), [])
    assert file is not None
    return file


def verdict(**values: object) -> Rechecked:
    def value_of(name: str) -> object:
        if name not in values:
            raise Missing(name)
        return values[name]

    return judged(of("two"), value_of)


@pytest.mark.parametrize(
    ("values", "kind", "passed", "message"),
    [
        ({"double": lambda x: 2 * x, "half": 1.5}, "passed", 2, ""),
        ({"double": lambda x: 2 * x, "half": np.array([1.5])}, "passed", 2, ""),
        ({"double": lambda x: 3 * x, "half": 1.5}, "wrong", 1, "that is not twice the number"),
        ({"double": lambda x: 2 * x, "half": float("nan")}, "wrong", 1, "that is not half of three"),
        ({"double": lambda x: 2 * x, "half": "1.5"}, "wrong", 1, "TypeError: unsupported operand"),
        ({"double": ..., "half": ...}, "not_implemented", 0, "still to be written"),
        ({"half": 1.5}, "missing", 1, "the notebook does not define double"),
    ],
)
def test_verdicts(values: dict[str, object], kind: str, passed: int, message: str) -> None:
    found = verdict(**values)
    assert (found.kind, found.passed, found.of) == (kind, passed, 2)
    assert found.message.startswith(message)


def test_tests_weigh_the_same_and_a_person_judges_what_did_not_run() -> None:
    assert [Rechecked(kind, 1, 2).points(5) for kind in ("wrong", "timeout", "not_run", "grader", "missing")] == [
        *(2.5, 2.5),
        *(None, None, None),
    ]


@pytest.mark.parametrize(
    "value",
    [np.zeros(1001), np.array(["x"]), [0] * 1001, "x" * 1001, 1 << 63, {"a": (1, 1 << 64)}],
    ids=["many numbers", "texts", "long list", "long text", "large number", "inside"],
)
def test_values_that_no_check_is_given(value: object) -> None:
    with pytest.raises(Unusable):
        plain(value)


def test_values_as_checks_get_them() -> None:
    handles = {kind: Handle(None, 0, kind) for kind in ("ellipsis", "function")}  # type: ignore[arg-type]
    assert plain(handles["ellipsis"]) is ...
    assert callable(plain(handles["function"]))
    assert plain({"a": (1, [2.5, "x"], np.array(3.0))}) == {"a": (1, [2.5, "x"], 3.0)}
    assert type(plain(np.array(3.0))) is float


# In the sandbox


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return write_course(tmp_path_factory.mktemp("course"))


def recheck(zygote: Zygote, course: Course, folder: Path, files: dict[str, bytes | str]) -> dict[str, Rechecked]:
    write_files(folder, files)
    submission = HandedIn("jane", (), read_tree(folder).entries)
    files_of = questions.read(course.root / questions.FOLDER)
    checks = [Recheck(one, files_of[one.name]) for one in course.questions if not files_of[one.name].manual]
    found = answers.read(submission, TITLES)
    return rechecks.recheck(zygote, submission, found, checks, course.files, course.root / "dist/circles/student")


def kinds(found: dict[str, Rechecked]) -> dict[str, str]:
    return {label: one.kind for label, one in found.items()}


RESULTS = {"results/metrics.json": json.dumps({"circles": 7})}


def test_right_answers_pass(zygote: Zygote, course: Course, tmp_path: Path) -> None:
    """With results of the run, and modules that students are given."""
    assert kinds(recheck(zygote, course, tmp_path, {"report.ipynb": perfect(), **RESULTS})) == {
        "N1": "passed",
        "N2": "passed",
    }


def test_without_the_results_of_the_run_a_person_judges(zygote: Zygote, course: Course, tmp_path: Path) -> None:
    found = recheck(zygote, course, tmp_path, {"report.ipynb": perfect()})
    assert kinds(found) == {"N1": "passed", "N2": "not_run"}
    assert found["N2"].message == "it needs files of results/, which were not handed in"
    # What submit.py packs: a release is no result, and the numbers of the run lie right at the top.
    stamped = {"report.ipynb": perfect(), "release.json": "{}"}
    assert kinds(recheck(zygote, course, tmp_path / "stamped", stamped))["N2"] == "not_run"
    packed = {**stamped, "metrics.json": RESULTS["results/metrics.json"]}
    assert kinds(recheck(zygote, course, tmp_path / "packed", packed))["N2"] == "passed"
    guessed = {"report.ipynb": notebook(N1=f"{DOUBLE}\nhalf = 1.5", N2="count = 8"), **RESULTS}
    assert kinds(recheck(zygote, course, tmp_path / "guessed", guessed))["N2"] == "wrong"


# Right answers are 2 x and 1.5. Whoever has neither must not pass.
FORGED = {
    "output": notebook(N1="double = ...\nhalf = ...", N2="print('All test cases passed!')"),
    "equal to all": "class Any:\n    def __eq__(s, o): return True\n    def __abs__(s): return 0\n"
    "    def __sub__(s, o): return s\n    def __lt__(s, o): return True\n    def __call__(s, x): return s\n"
    "double = half = Any()",
    "patched": "import builtins, otter, numpy\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = SystemExit\n"
    "def double(x): return 5\nhalf = 9",
    "frames": "import sys, gc\nfor frame in sys._current_frames().values():\n    while frame:\n"
    "        frame.f_globals['abs'] = lambda x: 0\n        frame = frame.f_back\ndef double(x): return 5\nhalf = 9",
    "subclass": "class Half(float):\n    def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\n"
    "def double(x): return Half(9)\nhalf = Half(9)",
}


@pytest.mark.parametrize("how", FORGED)
def test_nothing_else_passes(zygote: Zygote, course: Course, tmp_path: Path, how: str) -> None:
    source = FORGED[how]
    content = source if isinstance(source, bytes) else notebook(N1=source, N2="count = 3")
    found = recheck(zygote, course, tmp_path, {"report.ipynb": content, **RESULTS})
    assert [one.passed for one in found.values()] == [0, 0], found


def test_a_question_that_dies_costs_itself(
    zygote: Zygote, course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does one that hangs, in a cell or when it is called."""
    monkeypatch.setattr(rechecks, "CALL_SECONDS", 1.0)
    right = "from drawn import counted\ncount = counted()"
    dying = {
        "crash": "import os\nos._exit(3)",
        "timeout": "def double(x):\n    while True: pass\nhalf = 1.5",
    }
    for kind, source in dying.items():
        files = {"report.ipynb": notebook(N1=source, N2=right), **RESULTS}
        assert kinds(recheck(zygote, course, tmp_path / kind, files)) == {"N1": kind, "N2": "passed"}
    above = {"report.ipynb": notebook("import os\nos._exit(3)", N1=f"{DOUBLE}\nhalf = 1.5", N2=right), **RESULTS}
    assert set(kinds(recheck(zygote, course, tmp_path / "above", above)).values()) == {"passed"}


def test_what_cells_raise_is_said_and_other_cells_help(zygote: Zygote, course: Course, tmp_path: Path) -> None:
    raising = {"report.ipynb": notebook(N1="1 / 0", N2="count = 7"), **RESULTS}
    found = recheck(zygote, course, tmp_path, raising)
    assert (found["N1"].kind, found["N1"].message) == ("raised", "ZeroDivisionError: division by zero")
    # What a check needs may stand under a question in words, which is run only then.
    helped = document(heading("W1"), *json.loads(notebook("three = 3.0"))["cells"], heading("N1"))
    cells = json.loads(helped)["cells"] + json.loads(notebook("", N1=f"{DOUBLE}\nhalf = three / 2"))["cells"][2:3]
    assert kinds(recheck(zygote, course, tmp_path / "helped", {"report.ipynb": document(*cells)}))["N1"] == "passed"
    gone = recheck(zygote, course, tmp_path / "gone", {"report.ipynb": notebook(N1=DOUBLE)})
    assert kinds(gone) == {"N1": "missing", "N2": "missing"}
    assert gone["N2"].message == "the notebook has no place for it"
