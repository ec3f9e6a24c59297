"""Gradings on a Dask cluster: the same function as here, in a process of its own on whatever machine has room.

Each task carries its submission, so that machines need no common disk. They need this repository, equal in every byte
that results depend on. We say which worker grades what, one submission for each of its threads: so only what a worker
was grading is lost with it, and is tried once more on another one. Only an outcome that reaches us is written, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.classroom.grading import Lane, ParcelOutcome, grade_fairly, grader_digest
from autograder.classroom.pool import TICK_SECONDS, Finished, Job
from autograder.grading.files import UnreadableError
from autograder.grading.session import Session

ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|wss?)://)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})/?")
ANSWER_SECONDS, CONNECT_SECONDS = 5, 8  # of the scheduler, to a first question; to all that comes before work begins
POLL_SECONDS = 0.1
TRIES = 2
EMPTY_SECONDS = 60.0  # without a worker, after which no other is waited for
LOST = "each of the {} workers that graded it was lost, perhaps because memory ran out"
GONE = "the scheduler is gone; what is finished is kept, and the same command goes on"
START = 'docs/class.md, "On a cluster", says how to start one'
# A lane for each thread of a worker; it ends by itself when nothing comes for a while.
_lanes = threading.local()


class ClusterError(Exception):
    """The cluster cannot be used; the message says what to do."""


class OtherGraderError(RuntimeError):
    """The grader on a worker differs from the one that the class is graded with."""


@dataclass(frozen=True)
class Try:
    """A submission on its way to a worker.

    Attributes:
        worker: its address.
        number: 1 for the first try.
    """

    job: Job
    worker: str
    number: int


def grade_remotely(content: bytes, session: Session, digest: str) -> ParcelOutcome:
    """A task: grade one submission on the worker that this runs on.

    Raises:
        OtherGraderError: the worker may have joined after the run began.
    """
    if grader_digest(session.tests, session.provided) != digest:
        raise OtherGraderError
    if not hasattr(_lanes, "own"):
        _lanes.own = Lane()
    return grade_fairly(content, session, lane=_lanes.own)


def reach(scheduler: str) -> None:
    """Ask a scheduler for its name.

    Args:
        scheduler: its address, such as tcp://10.0.0.1:8786.

    Raises:
        ClusterError: none answers there within ten seconds, or Dask is not installed.
    """
    match = ADDRESS.fullmatch(scheduler)
    if not match or not 0 < int(match["port"]) < 1 << 16:
        raise ClusterError(f"--scheduler: {scheduler!r} is not an address such as tcp://10.0.0.1:8786")
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise ClusterError(
            "--scheduler needs Dask, which is not installed: uv pip install -r requirements/dev.txt, or pip install "
            "distributed"
        ) from None
    # Not asyncio.run, which waits for a name server that does not answer.
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        try:
            loop.run_until_complete(asyncio.wait_for(_identity(scheduler), CONNECT_SECONDS))
        except (OSError, asyncio.TimeoutError):
            raise ClusterError(f"no Dask scheduler answers at {scheduler}; {START}") from None
        except Exception as error:  # a stranger's bytes, or settings of Dask: TLS without certificates
            what = str(error) if scheduler.startswith("tls") else "what answers there is something else"
            raise ClusterError(f"there is no Dask scheduler at {scheduler} ({what}); {START}") from None


async def _identity(scheduler: str) -> None:
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(scheduler, timeout=ANSWER_SECONDS, **Security().get_connection_args("client"))
    try:
        await comm.write({"op": "identity", "reply": True})
        answer = await comm.read()
    finally:
        comm.abort()
    if answer["type"] != "Scheduler":
        raise ValueError(answer["type"])


def grade_on_cluster(jobs: Sequence[Job], session: Session, scheduler: str) -> Iterator[Finished | None]:
    """Outcomes as they come; None about once a second while there is none.

    Args:
        scheduler: as for `reach`, which has been asked before.

    Raises:
        ClusterError: the cluster has no workers, or their grader differs from ours; or it is lost.
    """
    import dask
    from distributed import Client

    # A traceback when the scheduler is lost: we say so in a sentence.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    digest = grader_digest(session.tests, session.provided)
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GiB"}):
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError):
            raise ClusterError(GONE) from None
        with client:
            _check(client, session, digest)
            yield from _grade_all(client, jobs, session, digest)


def _check(client: Any, session: Session, digest: str) -> None:
    """Refuse a cluster that cannot grade as we do, before anything is sent to it."""
    try:
        client.run_on_scheduler(grader_digest, session.tests, session.provided)
    except Exception:
        raise ClusterError(f"the scheduler cannot import autograder; {START}, with PYTHONPATH") from None
    if not client.nthreads():
        raise ClusterError('the cluster has no workers; docs/class.md, "On a cluster", says how to start them')
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
    waiting = deque((job, 1) for job in jobs)  # with the number of the try
    pending: dict[Any, Try] = {}
    strange: set[str] = set()  # workers with another grader
    seen = time.monotonic()
    try:
        while waiting or pending:
            threads = _threads(client)
            usable = {worker: count for worker, count in threads.items() if worker not in strange}
            seen = time.monotonic() if usable else seen
            if time.monotonic() - seen > EMPTY_SECONDS:
                raise ClusterError(
                    "the cluster has no worker left; what is finished is kept, and the same command goes on"
                )
            for worker in _free(usable, pending.values()):
                if not waiting:
                    break
                job, number = waiting.popleft()
                try:
                    content = job.content()
                except UnreadableError as error:
                    yield job, ParcelOutcome(None, problem=str(error))
                    continue
                future = client.submit(grade_remotely, content, session, digest, workers=[worker], pure=False)
                pending[future] = Try(job, worker, number)
            done, lost = _wait(pending, threads)
            for future in [*done, *lost]:
                tried = pending.pop(future)
                outcome = _outcome(future) if future in done else None
                future.cancel()
                if isinstance(outcome, OtherGraderError):
                    strange.add(tried.worker)
                    waiting.appendleft((tried.job, tried.number))
                elif outcome is not None:
                    yield tried.job, outcome
                elif tried.number < TRIES:
                    waiting.appendleft((tried.job, tried.number + 1))
                else:
                    yield tried.job, ParcelOutcome(None, problem=LOST.format(TRIES))
            if not done:
                yield None
    finally:
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):  # with the scheduler gone there is nothing to do
            client.cancel(list(pending))


def _threads(client: Any) -> Mapping[str, int]:
    """Workers' addresses with the numbers of their threads. ClusterError if the scheduler is gone."""
    try:
        return client.nthreads()
    except (OSError, TimeoutError, RuntimeError):
        raise ClusterError(GONE) from None


def _free(threads: Mapping[str, int], tries: Iterable[Try]) -> list[str]:
    """Workers with room, once for each submission that they have room for; the least busy first."""
    busy = Counter(one.worker for one in tries)
    places = [(busy[worker] + place, worker) for worker, count in threads.items() for place in range(count)]
    return [worker for place, worker in sorted(places) if place < threads[worker]]


def _wait(pending: Mapping[Any, Try], threads: Mapping[str, int]) -> tuple[list[Any], list[Any]]:
    """The futures that are done, and those whose worker is not there any more; waits TICK_SECONDS for the first."""
    deadline = time.monotonic() + TICK_SECONDS
    while True:
        done = [future for future in pending if future.done()]
        lost = [future for future, tried in pending.items() if tried.worker not in threads and future not in done]
        if done or lost or time.monotonic() > deadline:
            return done, lost
        time.sleep(POLL_SECONDS)


def _outcome(future: Any) -> ParcelOutcome | OtherGraderError | None:
    """What a finished task says; None if its worker was lost, and an exception is a grading that failed.

    Raises:
        ClusterError: the scheduler no longer knows the task.
    """
    if future.status not in ("finished", "error"):
        raise ClusterError(GONE)
    try:
        return future.result()
    except OtherGraderError as error:
        return error
    except Exception as error:
        if type(error).__name__ == "KilledWorker":  # where the cluster itself forbids a second try
            return None
        return ParcelOutcome(None, problem=str(error) or type(error).__name__)
