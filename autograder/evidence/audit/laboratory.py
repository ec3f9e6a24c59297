"""Grades many submissions one after the other, by the real grader with real workers, from one start of PyTorch."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import tasks
from autograder.grading.grade import PROVIDED, Settings
from autograder.grading.results import Results
from autograder.release.reference import hand_in
from autograder.repository import EXECUTOR, TESTS
from autograder.tasks import Points

if TYPE_CHECKING:
    from autograder.sandbox.backend import Zygote

# What gradings import when they need it, here imported once. Results are the same.
PRELOAD = ("sklearn.manifold", "sympy")
# Larger pages: a fork has fewer to copy and to give back, for which a quarter of an audit's processor time went.
ALLOCATORS = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# Longer than in a grading: the audit keeps the machine busy, and is not about deadlines.
CALL_SECONDS, TASK_SECONDS = 40.0, 180.0


@dataclass(frozen=True)
class Job:
    """One submission to grade.

    Attributes:
        id: for whoever asked.
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
class Outcome:
    """What came of a job.

    Attributes:
        passed: check id -> whether it passed.
        messages: check id -> what the student reads, of the checks that did not pass.
        notes: about the submission as a whole.
        seconds: wall-clock time.
    """

    id: str
    passed: Mapping[str, bool]
    messages: Mapping[str, str]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(check for check, passed in self.passed.items() if not passed)


@dataclass
class Laboratory:
    """A zygote and the reference submission; a context manager. `autograder.grading.grade.prepare_process` comes first.

    Attributes:
        entries: points.toml.
        reference: the files that a perfect student hands in.
    """

    entries: Points = field(default_factory=tasks.load)
    reference: dict[str, bytes] = field(default_factory=dict)

    def __enter__(self) -> Laboratory:
        from hypothesis.configuration import set_hypothesis_home_dir

        from autograder.sandbox import backend

        if str(TESTS) not in sys.path:
            sys.path.insert(0, str(TESTS))
        self.reference = self.reference or hand_in(self.entries)
        with contextlib.ExitStack() as stack:
            self._scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="audit-")))
            set_hypothesis_home_dir(self._scratch / "hypothesis")
            settings = backend.Settings(executor=EXECUTOR)
            settings = replace(settings, preload=(*settings.preload, *PRELOAD), environment=ALLOCATORS)
            self._zygote: Zygote = stack.enter_context(backend.Zygote(settings))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def grade(self, job: Job) -> Outcome:
        """Grade one submission's code; its trained weights are the reference's and are not graded.

        Raises:
            GradingError, ZygoteDied: the grader cannot do its work.
        """
        from autograder.grading import intake
        from autograder.grading.suites import Grader, GradingError, run_suites
        from autograder.sandbox import backend
        from autograder.sandbox.layers import Limits

        began = time.monotonic()
        defaults = Settings(submission=Path(), out=Path(), secret="")
        wanted = frozenset(job.checks)
        entries = replace(self.entries, checks=tuple(check for check in self.entries.checks if check.id in wanted))
        results = Results.of(entries)
        with tempfile.TemporaryDirectory(dir=self._scratch) as handed_in, backend.workspace() as workspace:
            for name, content in self._files(job).items():
                (Path(handed_in) / name).write_bytes(content)
            folder = workspace / "submission"
            folder.mkdir()
            folder.chmod(0o755)
            submitted = intake.unpack(Path(handed_in), folder, self.entries.files, PROVIDED)
            if submitted.errors:
                raise GradingError(f"{job.id}: {' '.join(submitted.errors)}")
            limits = Limits(
                call_seconds=CALL_SECONDS,
                task_seconds=TASK_SECONDS,
                memory_bytes=defaults.memory_mib * 2**20,
            )
            grader = Grader(
                points=entries,
                results=results,
                tests=TESTS,
                start_worker=lambda draws: self._zygote.start_worker(submitted.folder, limits, scratch=draws),
                files=frozenset(submitted.files),
                trained_weights=submitted.folder / "gmvae.safetensors",
                secret=job.secret,
                deadline=began + defaults.seconds,
                task_seconds=TASK_SECONDS,
                save=lambda: None,
                left_out={check.id for check in self.entries.checks} - wanted,
            )
            run_suites(grader, TESTS, Path(handed_in), job.stop_at_first_failure)
            if grader.problem is not None:
                raise GradingError(f"{job.id}: {grader.problem}")
        rows = {id: row for id, row in results.rows.items() if row.check.kind == "pytest"}
        return Outcome(
            id=job.id,
            passed={id: row.passed for id, row in rows.items()},
            messages={id: row.output for id, row in rows.items() if not row.passed},
            notes=submitted.notes,
            seconds=time.monotonic() - began,
        )

    def _files(self, job: Job) -> dict[str, bytes]:
        files = self.reference | {name: text.encode() for name, text in job.files.items()}
        if job.threads > 1:
            files = {name: _with_threads(content, job.threads) for name, content in files.items()}
        return files


def _with_threads(content: bytes, threads: int) -> bytes:
    """A submission's module that sets the number of PyTorch's threads when it is imported."""
    if b"import torch" not in content:
        return content
    return re.sub(rb"(?m)^(import torch\b.*)$", rb"\1\ntorch.set_num_threads(%d)" % threads, content, count=1)
