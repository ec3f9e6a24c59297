"""Runs trials side by side: each process has a laboratory of its own, opened once."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tqdm import tqdm

from autograder.evidence.audit.laboratory import Laboratory, Trial, TrialOutcome

_laboratory: Laboratory | None = None


def open_pool(processes: int) -> ProcessPoolExecutor:
    """Processes that grade; close it with `with`."""
    # Spawned, not forked: a grading process must not have inherited torch or anything of ours.
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_open_laboratory)


def graded(pool: ProcessPoolExecutor, trials: Sequence[Trial], what: str) -> Iterator[TrialOutcome]:
    """Outcomes as they come, under a progress bar called `what`.

    Raises:
        GradingError, ZygoteDied: the grader could not do its work.
    """
    futures = [pool.submit(_grade, trial) for trial in trials]
    try:
        for future in tqdm(as_completed(futures), what, total=len(futures), unit=" gradings", dynamic_ncols=True):
            yield future.result()
    finally:  # interrupted, or one failed
        for future in futures:
            future.cancel()


def _open_laboratory() -> None:
    global _laboratory
    from autograder.grading.grade import prepare_process

    prepare_process()
    _laboratory = Laboratory().__enter__()
    # A pool's process runs no atexit handlers, but these.
    multiprocessing.util.Finalize(None, _laboratory.__exit__, (None, None, None), exitpriority=10)


def _grade(trial: Trial) -> TrialOutcome:
    assert _laboratory is not None
    return _laboratory.grade(trial)
