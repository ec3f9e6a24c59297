"""Grades many submissions one after the other, by the real grader with real workers, from one start of PyTorch."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autograder import tasks
from autograder.grading.grade import grade_in, taken_in
from autograder.grading.results import Kind, Results
from autograder.grading.session import Session
from autograder.release.reference import hand_in
from autograder.repository import EXECUTOR
from autograder.scratch import temporary_folder
from autograder.tasks import Course

if TYPE_CHECKING:
    from autograder.sandbox.zygote import Zygote

# Gradings import these when they need them; here they are imported once. Results are the same.
PRELOAD = ("sympy",)
# Larger pages: a fork has fewer to copy and to give back, which used to take a quarter of an audit's processor time.
ALLOCATORS = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# Longer than in a grading: the audit keeps the machine busy, and is not about deadlines.
CALL_SECONDS, TASK_SECONDS = 40.0, 180.0


@dataclass(frozen=True)
class Trial:
    """One submission to grade.

    Attributes:
        id: the caller's name for it.
        files: name -> text of the files in which it differs from the reference submission.
        checks: ids of the checks to run.
        secret: seeds the checks' inputs and the worker's generators.
        threads: of PyTorch, in the worker.
        stop_at_first_failure: the rest of the rows stays ungraded.
    """

    id: str
    files: Mapping[str, str]
    checks: tuple[str, ...]
    secret: str = "audit"
    threads: int = 1
    stop_at_first_failure: bool = False


@dataclass(frozen=True)
class TrialOutcome:
    """What came of a trial.

    Attributes:
        kinds: check id -> what became of it.
        messages: check id -> what the student reads, of the checks that did not pass.
        causes: check id -> the mistake that it has named, of those that named one.
        notes: about the submission as a whole.
        seconds: wall-clock time.
    """

    id: str
    kinds: Mapping[str, Kind]
    messages: Mapping[str, str]
    causes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(check for check, kind in self.kinds.items() if kind != "passed")

    def with_checks_of(self, other: TrialOutcome) -> TrialOutcome:
        """This one, and what came of another trial's checks."""
        return replace(
            self,
            kinds={**self.kinds, **other.kinds},
            messages={**self.messages, **other.messages},
            causes={**self.causes, **other.causes},
        )


@dataclass
class Laboratory:
    """A zygote and the reference submission; a context manager. `autograder.grading.grade.prepare_process` comes first.

    Attributes:
        course: the default one.
        reference: the files that a perfect student hands in.
    """

    course: Course = field(default_factory=tasks.load)
    reference: dict[str, bytes] = field(default_factory=dict)

    def __enter__(self) -> Laboratory:
        from autograder.sandbox.zygote import Zygote, ZygoteSettings

        self.reference = self.reference or hand_in(self.course)
        with contextlib.ExitStack() as stack:
            self._scratch = stack.enter_context(temporary_folder("audit"))
            preload = (*ZygoteSettings.preload, *self.course.imports, *PRELOAD)
            settings = ZygoteSettings(executor=EXECUTOR, preload=preload, environment=ALLOCATORS)
            self._zygote: Zygote = stack.enter_context(Zygote(settings))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def grade(self, trial: Trial) -> TrialOutcome:
        """Grade one submission's code; its trained weights are the reference's and are not graded.

        Raises:
            GradingError, ZygoteDied: the grader cannot do its work.
        """
        from autograder.grading.suites import GradingError

        began = time.monotonic()
        session = Session(trial.secret, call_seconds=CALL_SECONDS, task_seconds=TASK_SECONDS)
        self._zygote.deadline = began + session.seconds
        checks = [check for check in self.course.checks if check.id in trial.checks and check.by_pytest]
        results = Results.of(replace(self.course, checks=tuple(checks)))
        with temporary_folder("submission", self._scratch) as handed_in:
            for name, content in self._files(trial).items():
                (handed_in / name).write_bytes(content)
            with taken_in(handed_in, self.course, session) as submitted:
                if submitted.errors:
                    raise GradingError(f"{trial.id}: {' '.join(submitted.errors)}")
                stop = trial.stop_at_first_failure
                grade_in(self._zygote, submitted, self.course, session, results, stop_at_first_failure=stop)
        return TrialOutcome(
            id=trial.id,
            kinds={id: row.kind for id, row in results.rows.items()},
            messages={id: row.output for id, row in results.rows.items() if row.kind != "passed"},
            causes={id: row.cause for id, row in results.rows.items() if row.cause},
            notes=submitted.notes,
            seconds=time.monotonic() - began,
        )

    def _files(self, trial: Trial) -> dict[str, bytes]:
        files = self.reference | {name: text.encode() for name, text in trial.files.items()}
        if trial.threads > 1:
            files = {name: _with_threads(content, trial.threads) for name, content in files.items()}
        return files


def _with_threads(content: bytes, threads: int) -> bytes:
    """A submission's module that sets the number of PyTorch's threads when it is imported."""
    if b"import torch" not in content:
        return content
    return re.sub(
        rb"(?m)^(import torch\b.*)$", rb"\1\nimport torch\ntorch.set_num_threads(%d)" % threads, content, count=1
    )
