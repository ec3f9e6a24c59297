"""What a student may be told about a failed check.

For public checks: the exception's type, text and place. For hidden checks nothing that the submission could have put a
hidden input into: our own diagnoses, and of an exception only its type. Even our diagnoses quote a little of what they
were given (a shape, the name of a type), so `withhold` takes out of them what our own sources do not contain.
"""

from __future__ import annotations

import builtins
import functools
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.door.calls import Call, case_of, kind_of_case
from autograder.door.diagnose import QUOTED, CheckFailed, unmarked
from autograder.door.submission import Lost, NotImplementedYet, SubmissionError
from autograder.grading.results import Kind
from autograder.grading.session import Session
from autograder.repository import DOOR, check_sources
from autograder.sandbox.layers import Limits
from autograder.scratch import OURS, RANDOM
from autograder.tasks import Check, Course, Task

# Exceptions whose names tell a student something; any other name may have been made up to carry data.
KNOWN_EXCEPTIONS = {name for name, value in vars(builtins).items() if isinstance(value, type)} | {
    "OutOfMemoryError",
    "LinAlgError",
    "UnpicklingError",
    "DataError",
}
OUT_OF_MEMORY = {"MemoryError", "_ArrayMemoryError", "OutOfMemoryError"}  # Python's, NumPy's, torch's for a GPU
# What students read, by what has happened. Nothing is ever decided by these words: see Kind for that.
SENTENCES = {
    "missing": "Missing file: {file} is not in the submission, so this check could not be run.",
    "unusable file": "{file} cannot be used, so this check could not be run. The top of the report says why.",
    "time is up": (
        "Not run: time is up. The whole grading has a time limit, and your code used it up before this check."
    ),
    "grader": "Not run: the grader has a problem. Please tell your instructor.",
    "put off": "Not finished: there was no more time for the checks of this task.",
    "stopped": "{name} was stopped: {why}. It is not called again: checks that need it fail.",
    "stopped import": "The import of {file} was stopped: {why}. It is not imported again: checks that need it fail.",
    "stopped import at": (
        "The import of {file} was stopped in line {line}: {why}. It is not imported again: checks that need it fail."
    ),
    "stopped early": "Your code was stopped: {why}.",
    "stub": "Not implemented yet: {what} (Task {number}).",
    "not imported": "{file} could not be imported.",
    "not imported, why": "{file} could not be imported: {error}",
    "raised": "Your code raised an exception: {error}",
    "hidden raised": "Your code raised {error}. (Hidden checks do not show more.)",
    "memory": "Your code ran out of memory: it may use {mib} MiB beyond PyTorch itself.",
    "limit": "A check cannot take what came from your code: {error}.",
    "unusable": "The check could not use what your code returned: {error}",
    "skipped": "Skipped: {why}",
}
# What to do about an exception that the sandbox causes, by what the system or a library says.
REFUSED = re.compile(r"\[Errno (?:1|13|27|28|30|38|-\d)\]|Permission denied|Function not implemented|No space left")
NOT_THERE = re.compile(r"\[Errno 2\]|No such file or directory")
NO_GPU = re.compile("NVIDIA driver|not compiled with CUDA|No CUDA GPUs|Torch not linked with")
ADVICE = {
    "files": (
        "While code is graded, it may write files only into the folder that it runs in, as open('log.txt', 'w') does, "
        f"not beside its own files: {Limits.scratch_bytes >> 20} MiB in {Limits.scratch_files} files. It may start no "
        "processes and use no network."
    ),
    # Where `layers.refuses_to_create`.
    "no files": (
        "While code is graded on this machine, it may write only files that a check names, such as outpath, and make "
        "no others. It may start no processes and use no network."
    ),
    "not there": "While code is graded, no other files are there than those that are handed in, code and small data.",
    "no GPU": "Code is graded without a GPU: use the device of what your function is given, such as x.device.",
}
# What a check takes, for hidden checks, which do not say what came.
LIMITS = "it takes numbers, text and at most 1024 arrays of integers, truth values or floats, 64 MiB in all"
# Why code was stopped, where the reason could carry what must not be shown, such as an exit status.
DEATHS = {
    "crash": "its process ended during a call",
    "protocol": "it tampered with the connection to the grader",
    "grader": "its process is gone",
}
TASK_NUMBER = re.compile(r"\bTask (\d+\.\d+)\b")
WORD = re.compile(r"\w[\w.]*\w|\w")
# Folders and addresses in memory that differ from run to run: the same submission must get the same text every time.
TEMPORARY = re.compile(rf"{re.escape(tempfile.gettempdir())}/{OURS}grading-{RANDOM}/(?:scratch-\w+|(submission))/?")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
# What `diagnose.quoted` marks is not shown; these sentences read better with another word in its place.
ALL_VALUES = re.compile(f"all of {QUOTED.pattern} values")
SOME_VALUES = re.compile(f"{QUOTED.pattern} of {QUOTED.pattern} values (?:is|are)")
STUDENTS_SHAPE = re.compile(f"the shape is {QUOTED.pattern}")
STUDENTS_LENGTH = re.compile(f", not a (tuple|list) of {QUOTED.pattern}")
STUDENTS_TYPE = re.compile(f", not a {QUOTED.pattern}")


@dataclass(frozen=True)
class Explanation:
    """Why a check has failed: see `results.Row`."""

    kind: Kind
    text: str
    cause: str = ""
    stub: str = ""
    case: Mapping[str, str] = field(default_factory=dict)


class NotRun(BaseException):
    """A check that is not run. Not an Exception, so that neither a test nor hypothesis catches it and tries again.

    Attributes:
        kind: see `Explanation`.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind: Kind = kind


class Explainer:
    """Turns what ended a check into its kind, its cause and text for the student.

    Args:
        course: for the tasks' numbers and titles.
        tests: the folder of the tests; the words in their sources are safe to show.
        memory_mib: what the code may use.
        makes_files: whether it may make files.
    """

    def __init__(
        self, course: Course, tests: Path, memory_mib: int = Session.memory_mib, makes_files: bool = True
    ) -> None:
        self._course, self._memory_mib = course, memory_mib
        refused = ADVICE["files" if makes_files else "no files"]
        self._advice = ((REFUSED, refused), (NOT_THERE, ADVICE["not there"]), (NO_GPU, ADVICE["no GPU"]))
        self._tests = tests
        self._tasks = {task.number: task for task in course.tasks}
        self._own_rows = {course.task(check.task).file for check in course.checks if not check.hidden_inputs}

    def explain(
        self,
        error: BaseException,
        check: Check,
        place: str = "",
        calls: Sequence[Call] = (),
        source: Callable[[str], bytes | None] = lambda name: None,
    ) -> Explanation:
        """Explain a failed check.

        Args:
            error: what it raised.
            place: where in the test it was raised, "file.py, line n".
            calls: of code of the submission, in this check.
            source: gives the text of one of its files.
        """
        error = _first_cause(error, (CheckFailed, SubmissionError))
        case: dict[str, str] = {}
        if isinstance(error, (CheckFailed, SubmissionError)) and not isinstance(error, NotImplementedYet):
            if not check.hidden_inputs:
                case = case_of(error, calls, source)
            else:
                case = {name: self.withhold(text) for name, text in kind_of_case(error, calls).items()}
        found = self._explain(error, check, place)
        shown = {name: steady(text) for name, text in case.items()} if found.kind in ("wrong", "raised") else {}
        # A place beside the code is not one in the folder that it runs in.
        text = steady(TEMPORARY.sub(lambda place: "submission/" if place[1] else "", found.text))
        return replace(found, text=text, cause=steady(found.cause), case=shown)

    def _explain(self, error: BaseException, check: Check, place: str) -> Explanation:
        if isinstance(error, Lost):
            why = error.reason if error.in_public else DEATHS.get(error.kind, error.reason)
            if error.imported:
                shows_line = error.imported.line and not check.hidden_inputs
                sentence = SENTENCES["stopped import at" if shows_line else "stopped import"]
                said = sentence.format(file=error.imported.file, line=error.imported.line, why=why)
                return Explanation(error.kind, said)
            sentence = "stopped" if error.target else "stopped early"
            return Explanation(error.kind, SENTENCES[sentence].format(name=error.target, why=why))
        if isinstance(error, NotRun):
            return Explanation(error.kind, str(error))
        if isinstance(error, NotImplementedYet):
            task = self._stub(error, check)
            what = f"{', '.join(task.functions)} in {task.file}" if task.functions else task.title
            text = SENTENCES["stub"].format(what=what, number=task.number)
            return Explanation("not_implemented", text, stub=task.name)
        if isinstance(error, SubmissionError):
            kind: Kind = "memory" if error.type in OUT_OF_MEMORY else "raised"
            return Explanation(kind, self._raised(error, check))
        if isinstance(error, CheckFailed) and check.hidden_inputs:
            # A cause is shown whole or not at all.
            cause = error.cause if self.withhold(error.cause) == error.cause else ""
            return Explanation("wrong", self.withhold(error.marked), cause)
        if isinstance(error, CheckFailed):
            return Explanation("wrong", str(error), unmarked(error.cause))
        if type(error).__name__ == "Skipped":  # pytest.skip
            return Explanation("not_run", SENTENCES["skipped"].format(why=error))
        return Explanation("wrong", self._unusable(error, check, place))

    def withhold(self, text: str) -> str:
        """A diagnosis without what the submission could have chosen: only words and numbers of the checks' sources."""
        ours = vocabulary(self._tests)

        def keep(match: re.Match[str]) -> str:
            word = match.group()
            # A sentence may begin with a name of ours: "Logvar is taken for the variance."
            known = any(set(form.split(".")) <= ours for form in (word, word[:1].lower() + word[1:]))
            return word if known else "…"

        text = STUDENTS_SHAPE.sub("the shape is wrong", text)
        text = STUDENTS_TYPE.sub("", STUDENTS_LENGTH.sub(r", not a \1", text))
        text = SOME_VALUES.sub("some values are", ALL_VALUES.sub("all values", text))
        return WORD.sub(keep, QUOTED.sub("…", text))

    def _stub(self, error: Any, check: Check) -> Task:
        """The task whose stub was reached; it may be another one than the check's."""
        named = TASK_NUMBER.search(error.message[:200])
        task = self._tasks.get(named.group(1)) if named else None
        return task or self._course.task(check.task)

    def _raised(self, error: Any, check: Check) -> str:
        if error.stage == "limit":
            return SENTENCES["limit"].format(error=LIMITS if check.hidden_inputs else error.message)
        shown = f"{error.type}: {error.message}" + (f" ({error.where})" if error.where else "")
        if error.type in OUT_OF_MEMORY:
            said = SENTENCES["memory"].format(mib=self._memory_mib)
            return said if check.hidden_inputs else f"{said} {shown}"
        advice = "".join(f" {text}" for pattern, text in self._advice if pattern.search(error.message))
        if error.stage == "import":
            return self._not_imported(error, shown, check) + advice
        if check.hidden_inputs:
            name = error.type if error.type in KNOWN_EXCEPTIONS else "an exception of its own"
            return SENTENCES["hidden raised"].format(error=name) + advice
        return SENTENCES["raised"].format(error=shown) + advice

    def _not_imported(self, error: SubmissionError, shown: str, check: Check) -> str:
        """Why, in the rows that are about this file; in others only that."""
        task = self._course.task(check.task)
        if check.hidden_inputs or (error.file != task.file and error.file in self._own_rows):
            known = error.file in {each.file for each in self._course.tasks}
            return SENTENCES["not imported"].format(file=error.file if known else "Your code")
        return SENTENCES["not imported, why"].format(file=error.file or "Your code", error=shown)

    def _unusable(self, error: BaseException, check: Check, place: str) -> str:
        name = type(error).__name__
        shown = f"{name}: {error}" + (f" ({place})" if place else "")
        if check.hidden_inputs:
            shown = (name if name in KNOWN_EXCEPTIONS else "another type or structure was expected") + "."
        return SENTENCES["unusable"].format(error=shown)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    return ADDRESS.sub("0x…", TEMPORARY.sub("", text))


@functools.cache
def vocabulary(tests: Path) -> frozenset[str]:
    """Every word and number in the sources of the checks; read once for all submissions that a process grades."""
    ours = [DOOR / name for name in ("calls.py", "diagnose.py", "laws.py")]  # their messages, too
    code = [path for path in [*check_sources(tests), *ours] if path.suffix == ".py"]
    sources = (path.read_text(encoding="utf-8") for path in code)
    # Of a number as it is written in a source, 20_000, also what a message makes of it.
    words = (word for source in sources for word in re.findall(r"\w+", source))
    return frozenset(form for word in words for form in (word, word.replace("_", "") if word[:1].isdigit() else word))


def _first_cause(error: BaseException, wanted: tuple[type[BaseException], ...]) -> BaseException:
    """The first of `wanted` inside an exception group (hypothesis makes one of failures that it cannot reproduce)."""
    for inner in getattr(error, "exceptions", ()):
        found = _first_cause(inner, wanted)
        if isinstance(found, wanted):
            return found
    return error
