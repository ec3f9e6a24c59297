"""Runs the numeric checks of a notebook again, in the sandbox: what the notebook says of them is not believed.

The student's cells run in a worker. What the checks ask for, numbers and functions of numbers, comes back as data, and
the checks themselves run here, on this data: nothing that runs in the worker can make them pass but right answers.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import shutil
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograder.classroom.answers import RESULTS, Answers, Cell
from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.parcel import pack
from autograder.door.submission import Handle, Submission, SubmissionError
from autograder.grading import intake
from autograder.grading.files import UnreadableError
from autograder.release.notebook import asking
from autograder.release.questions import QuestionFile
from autograder.sandbox.backend import WorkerDied
from autograder.sandbox.layers import Limits
from autograder.sandbox.text import safe_text
from autograder.sandbox.zygote import Branch, Zygote, ZygoteDied, workspace
from autograder.scratch import temporary_folder
from autograder.tasks import Question
from autograder.writing import write_files

SECONDS, CALL_SECONDS = 60.0, 10.0  # for the cells and checks of one student; for one cell, or one call
MOST_VALUES, LONGEST = 1_000, 1_000  # numbers in a value, letters in a text
ASKS = "grader.check("  # begins the cells in which a notebook asks Otter
ELLIPSIS = "ellipsis"  # type of what stands where students are to write
# What notebooks import that is not there for code under test: it shows things, and grades.
STAND_INS = {
    "otter.py": "class Notebook:\n    def __init__(self, *a, **k): pass\n    def check(self, *a, **k): pass\n",
    "IPython/__init__.py": "def get_ipython(): return None\n",
    "IPython/display.py": "def __getattr__(name): return lambda *a, **k: None\n",
}
# What runs a notebook's cells in the worker; `train` is what the worker asks of every model that it makes.
CELLS = """
class Cells:
    def __init__(self):
        self.scope = {"__name__": "__main__", "display": lambda *a, **k: None, "get_ipython": lambda: None}

    def train(self, mode):
        return self

    def run(self, source):
        exec(compile(source, "<cell>", "exec"), self.scope)

    def value(self, name):
        return self.scope[name]
"""


@dataclass(frozen=True)
class Rechecked:
    """What became of a numeric check.

    Attributes:
        kind: as of any row of a result: "passed", "wrong", "raised", "not_implemented", "missing", "timeout", "memory",
            "crash", "protocol", "flood", "not_run" or "grader".
        passed, of: how many of its tests passed; they weigh the same.
        message: what is wrong, in the words of the check.
    """

    kind: str
    passed: int = 0
    of: int = 1
    message: str = ""

    @property
    def judged(self) -> bool:
        """Whether it says something about the answer; else a person must."""
        return self.kind not in ("not_run", "grader", "missing")

    def points(self, worth: float) -> float | None:
        """What it earns; None if a person must say."""
        return worth * self.passed / self.of if self.judged else None


class Missing(Exception):
    """The notebook defines no such name."""


class Unusable(Exception):
    """A value that no check is given; the message says why."""


def plain(value: Any) -> Any:
    """A value from the worker as the checks get it: numbers, texts, containers of some, and functions.

    Raises:
        Unusable: it is something else, or larger than any right answer.
    """
    if isinstance(value, Handle):
        if value.type == ELLIPSIS:
            return ...
        return lambda *args: plain(value.call("", *args))
    if isinstance(value, np.ndarray):
        if value.size > MOST_VALUES or value.dtype.kind not in "biuf":
            raise Unusable(f"an array of {value.size} values of type {value.dtype}")
        return value.item() if value.ndim == 0 else value
    if isinstance(value, (tuple, list, dict)):
        if len(value) > MOST_VALUES:
            raise Unusable(f"{len(value)} values in one")
        if isinstance(value, dict):
            return {key[:LONGEST]: plain(item) for key, item in value.items()}
        return type(value)(map(plain, value))
    if isinstance(value, str) and len(value) > LONGEST:
        raise Unusable(f"a text of {len(value)} letters")
    if isinstance(value, int) and abs(value) >= 1 << 63:
        raise Unusable("a number of more than 63 bits")
    return value


def tests_of(file: QuestionFile) -> list[Callable[..., None]]:
    """The tests of a numeric check, as its source has them; each fails first where nothing has been written yet."""
    found = []
    for block in file.tests:
        scope: dict[str, Any] = {}
        source = asking(block)
        exec(compile(source, file.path, "exec"), scope)  # ours
        found.append(scope[next(node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))])
    return found


def judged(file: QuestionFile, value_of: Callable[[str], Any]) -> Rechecked:
    """The verdict of a numeric check.

    Args:
        value_of: the student's value of this name, as `plain` gives it; raises Missing where there is none.

    Raises:
        WorkerDied: the worker did.
    """
    tests, kinds, messages = tests_of(file), list[str](), list[str]()
    for test in tests:
        values: dict[str, Any] = {}
        try:
            values = {name: value_of(name) for name in inspect.signature(test).parameters}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                test(**values)
        except WorkerDied:
            raise
        except Missing as error:
            kinds.append("missing")
            messages.append(f"the notebook does not define {error}")
        except SubmissionError as error:
            kinds.append("raised")
            messages.append(f"{error.type}: {error.message}")
        except AssertionError as error:
            unwritten = any(value is ... for value in values.values())
            kinds.append("not_implemented" if unwritten else "wrong")
            messages.append(str(error))
        except Unusable as error:
            kinds.append("wrong")
            messages.append(f"no answer can be {error}")
        except Exception as error:  # a value that the test cannot compute with
            kinds.append("wrong")
            messages.append(f"{type(error).__name__}: {error}")
        else:
            kinds.append("passed")
    kind = next((kind for kind in kinds if kind != "passed"), "passed")
    return Rechecked(kind, kinds.count("passed"), len(kinds), safe_text("; ".join(dict.fromkeys(messages)), 500))


@dataclass(frozen=True)
class Recheck:
    """A numeric check of the course."""

    question: Question
    file: QuestionFile


def recheck(
    trunk: Zygote, handed_in: HandedIn, answers: Answers, checks: Sequence[Recheck], code: Collection[str], given: Path
) -> dict[str, Rechecked]:
    """The verdicts of a student's numeric checks, by their numbers.

    Args:
        trunk: what is forked for the student.
        code: names of the files with code to hand in, which a notebook may import.
        given: the folder that students are given, whose modules it may import.
    """
    manual = {label for label in answers.parts if label not in {check.question.label for check in checks}}
    cells = tuple(cell for cell in answers.cells if not cell.source.startswith(ASKS))
    # What stands under other questions may take long, and is rarely needed.
    short = tuple(cell for cell in cells if cell.question not in manual)
    present = [check for check in checks if check.question.label in answers.parts]
    absent = {check.question.label for check in checks} - answers.parts.keys()
    verdicts = {label: Rechecked("missing", message="the notebook has no place for it") for label in absent}
    try:
        with Branch(trunk, time.monotonic() + SECONDS) as branch, workspace() as place:
            folder = _laid_out(place / "work", handed_in, answers, code, given)
            verdicts |= _run(branch, folder, short, present)
            failed = [
                check
                for check in present
                if verdicts[check.question.label].kind != "passed" and (answers.results or not check.file.judges_run)
            ]
            if failed and short != cells:
                again = _run(branch, folder, cells, failed)
                verdicts |= {label: it for label, it in again.items() if it.passed > verdicts[label].passed}
    except ZygoteDied as error:
        return {check.question.label: Rechecked("grader", message=safe_text(str(error), 200)) for check in checks}
    for check in present:
        kind = verdicts[check.question.label].kind
        if check.file.judges_run and not answers.results and kind not in ("passed", "not_implemented"):
            why = f"it needs files of {RESULTS}/, which were not handed in"
            verdicts[check.question.label] = Rechecked("not_run", message=why)
    return verdicts


def _laid_out(folder: Path, handed_in: HandedIn, answers: Answers, code: Collection[str], given: Path) -> Path:
    """A folder as the student has it: own code, what students are given, results of a run."""
    folder.mkdir()
    with temporary_folder("answers") as temporary:
        archive = temporary / "submission.zip"
        with contextlib.suppress(UnreadableError):  # then there is no code that could be imported
            archive.write_bytes(pack(handed_in.entries, code).content)
            intake.unpack(archive, folder, code, None)
    for path in sorted(given.rglob("*")):
        target = folder / path.relative_to(given)
        needed = path.suffix in (".py", ".json") and not {"tests", RESULTS} & {*path.relative_to(given).parts}
        if needed and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_files(folder, {**STAND_INS, **{f"{RESULTS}/{name}": it for name, it in answers.results.items()}})
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the worker's user reads them
    return folder


def _run(branch: Zygote, folder: Path, cells: Sequence[Cell], checks: Sequence[Recheck]) -> dict[str, Rechecked]:
    """The verdicts after these cells have run. A cell that raises an exception does not stop the others; what kills the
    worker, or hangs, costs its own question, and the others are tried again without it."""
    verdicts: dict[str, Rechecked] = {}
    cells, left = list(cells), {check.question.label: check for check in checks}
    while left:
        run = _Run()
        try:
            with branch.start_worker(folder, Limits(call_seconds=CALL_SECONDS)) as backend:
                return verdicts | run.all(Submission(backend), cells, list(left.values()))
        except WorkerDied as death:
            kind = "crash" if death.kind == "closed" else death.kind
            lost = Rechecked(kind, message=safe_text(death.reason, 200))
            guilty = run.question if run.question in left else ""
            cells = [cell for cell in cells if cell is not run.cell and (not guilty or cell.question != guilty)]
            if not guilty and run.cell is None:  # nothing can be left out
                return verdicts | dict.fromkeys(left, lost)
            if guilty:
                verdicts[guilty] = lost
                del left[guilty]
    return verdicts


@dataclass
class _Run:
    """One worker's work on a notebook.

    Attributes:
        question, cell: what it is about to do: number of the question, and the cell if one is run.
    """

    question: str = ""
    cell: Cell | None = None

    def all(self, worker: Submission, cells: Sequence[Cell], checks: Sequence[Recheck]) -> dict[str, Rechecked]:
        """Run the cells, then the checks. WorkerDied if the worker does."""
        notebook, raised = worker.build(CELLS, "Cells", []), dict[str, str]()
        for cell in cells:
            self.question, self.cell = cell.question, cell
            try:
                notebook.call("run", cell.source)
            except SubmissionError as error:
                raised.setdefault(cell.question, f"{error.type}: {error.message}")
        self.cell = None

        def value_of(name: str) -> Any:
            try:
                return plain(notebook.call("value", name))
            except SubmissionError as error:
                raise (Missing(name) if error.type == "KeyError" else error) from None

        verdicts = {}
        for check in checks:
            label = self.question = check.question.label
            verdict = judged(check.file, value_of)
            if verdict.kind == "missing" and label in raised:
                verdict = Rechecked("raised", verdict.passed, verdict.of, safe_text(raised[label], 500))
            verdicts[label] = verdict
        return verdicts
