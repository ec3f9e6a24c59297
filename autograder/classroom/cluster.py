"""Gradings on a Dask cluster: the same function as here, in a process of its own on whatever machine has room.

Each task carries its submission, so that machines need no common disk. They need this repository, equal in every byte
that results depend on. A task whose worker is lost goes to another one, and only an outcome that reaches us
is written, once. Dask is an optional dependency: `pip install` the extra `cluster`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autograder.classroom.grading import Lane, ParcelOutcome, grade_fairly, grader_digest
from autograder.classroom.pool import TICK_SECONDS, Finished, Job
from autograder.grading.files import UnreadableError
from autograder.grading.session import Session

CONNECT_SECONDS = 30
# Submissions on their way or waiting at a worker, for each thread of the cluster; more would only fill its memory.
AHEAD = 2
POLL_SECONDS = 0.1
RETRIES = 1  # where a worker has another grader
# A lane for each thread of a worker; it ends by itself when nothing comes for a while.
_lanes = threading.local()


class ClusterError(Exception):
    """The cluster cannot be used; the message says what to do."""


def grade_remotely(content: bytes, session: Session, digest: str) -> ParcelOutcome:
    """A task: grade one submission on the worker that this runs on.

    Raises:
        RuntimeError: the grader here differs from the class's; Dask tries again elsewhere.
    """
    # A worker may have joined after the run began.
    if grader_digest(session.tests, session.provided) != digest:
        raise RuntimeError("the grader on this worker differs from the one that the class is graded with")
    if not hasattr(_lanes, "own"):
        _lanes.own = Lane()
    return grade_fairly(content, session, lane=_lanes.own)


def grade_on_cluster(jobs: Sequence[Job], session: Session, scheduler: str) -> Iterator[Finished | None]:
    """Outcomes as they come; None about once a second while there is none.

    Args:
        scheduler: its address, such as tcp://10.0.0.1:8786.

    Raises:
        ClusterError: there is no cluster there, it has no workers, or their grader differs from ours.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed: uv pip install -r requirements/dev.txt, or pip install "
            "distributed"
        ) from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"there is no Dask scheduler at {scheduler} ({error}); start one: dask scheduler") from None
    with client:
        digest = grader_digest(session.tests, session.provided)
        _check_workers(client, session, digest)
        yield from _grade_all(client, jobs, session, digest)


def _check_workers(client: Any, session: Session, digest: str) -> None:
    threads = client.nthreads()
    if not threads:
        raise ClusterError(
            "the cluster has no workers; start them in this repository: dask worker ADDRESS --nthreads 1"
        )
    try:
        found = client.run(grader_digest, session.tests, session.provided, on_error="return")
    except Exception as error:
        raise ClusterError(f"the workers do not answer: {error}") from error
    broken = {worker: answer for worker, answer in found.items() if answer != digest}
    if broken:
        worker, answer = next(iter(broken.items()))
        why = f"it says: {answer}" if isinstance(answer, BaseException) else "its checks, code or libraries differ"
        raise ClusterError(
            f"{len(broken)} of {len(found)} workers have a different grader from this machine, {worker} for one "
            f"({why}); start them in the same version of this repository, with the same requirements"
        )


def _grade_all(client: Any, jobs: Sequence[Job], session: Session, digest: str) -> Iterator[Finished | None]:
    waiting = iter(jobs)
    pending: dict[Any, Job] = {}
    try:
        while True:
            room = AHEAD * max(1, sum(client.nthreads().values())) - len(pending)
            for job in _take(waiting, room):
                try:
                    content = job.content()
                except UnreadableError as error:
                    yield job, ParcelOutcome(None, problem=str(error))
                    continue
                future = client.submit(
                    grade_remotely,
                    content,
                    session,
                    digest,
                    # Results differ between runs in their times: never share one from an earlier run.
                    key=f"grade-{job.submission.slug}-{job.key[:16]}",
                    pure=False,
                    retries=RETRIES,
                )
                pending[future] = job
            if not pending:
                return
            done = _wait(pending)
            for future in done:
                yield pending.pop(future), _outcome(future)
                future.release()
            if not done:
                yield None
    finally:
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):  # with the scheduler gone there is nothing to do
            client.cancel(list(pending))


def _take(jobs: Iterator[Job], number: int) -> Iterator[Job]:
    for _ in range(number):
        job = next(jobs, None)
        if job is None:
            return
        yield job


def _wait(futures: Iterable[Any]) -> list[Any]:
    """The futures that are done; none after TICK_SECONDS."""
    deadline = time.monotonic() + TICK_SECONDS
    while True:
        done = [future for future in futures if future.done()]
        if done or time.monotonic() > deadline:
            return done
        time.sleep(POLL_SECONDS)


def _outcome(future: Any) -> ParcelOutcome:
    """What a finished task says; an exception is a grading that failed.

    Raises:
        ClusterError: the scheduler no longer knows the task.
    """
    if future.status not in ("finished", "error"):
        raise ClusterError("the scheduler is gone; what is finished is kept, and the same command goes on")
    try:
        return future.result()
    except Exception as error:
        # KilledWorker: every worker that tried was lost. Its text is long and for programmers.
        what = "every worker that tried it was lost" if type(error).__name__ == "KilledWorker" else str(error)
        return ParcelOutcome(None, problem=what or type(error).__name__)
