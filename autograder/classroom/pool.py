"""Gradings side by side on this machine."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.grading import Lane, ParcelOutcome, grade_fairly
from autograder.classroom.origin import Keys
from autograder.classroom.parcel import pack
from autograder.grading.files import UnreadableError
from autograder.grading.session import Session

TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """A submission that has to be graded.

    Attributes:
        keys: what its result follows from.
        expected: names of the files to hand in.
    """

    submission: HandedIn
    keys: Keys
    expected: frozenset[str]

    @property
    def key(self) -> str:
        """The same for submissions that have the same result."""
        return self.keys.result

    def content(self) -> bytes:
        """The parcel, packed anew: a class's parcels together may not fit into memory. UnreadableError as `pack`."""
        return pack(self.submission.entries, self.expected).content


Finished = tuple[Job, ParcelOutcome]


def grade_locally(
    jobs: Sequence[Job], session: Session, workers: int, unsaved: list[Finished] | None = None
) -> Iterator[Finished | None]:
    """Outcomes as they come; None about once a second while there is none.

    When the iteration is abandoned, running gradings are stopped, with all of their processes.

    Args:
        unsaved: where outcomes go that nobody has taken, or with which nobody was done, when that happened.
    """
    stop = threading.Event()
    # Threads that wait: the work is done by the lanes.
    pool = ThreadPoolExecutor(workers, thread_name_prefix="grading")
    lanes: queue.SimpleQueue[Lane] = queue.SimpleQueue()
    stack = contextlib.ExitStack()
    for _ in range(workers):
        lanes.put(stack.enter_context(Lane()))
    try:
        pending: dict[Future[ParcelOutcome], Job] = {
            pool.submit(_grade, job, session, stop, lanes): job for job in jobs
        }
        while pending:
            done, _ = wait(pending, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                yield pending[future], future.result()
                del pending[future]
            if not done:
                yield None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        stack.close()
        if unsaved is not None:
            ended = ((job, future) for future, job in pending.items() if not future.cancelled())
            unsaved += [(job, outcome) for job, future in ended if (outcome := future.result()).document is not None]


def _grade(job: Job, session: Session, stop: threading.Event, lanes: queue.SimpleQueue[Lane]) -> ParcelOutcome:
    try:
        content = job.content()
    except UnreadableError as error:
        return ParcelOutcome(None, problem=str(error))
    lane = lanes.get()
    try:
        return grade_fairly(content, session, stop, lane)
    finally:
        lanes.put(lane)
