"""Gradings of a class: said beforehand how long they take, then done, each written as soon as it has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Mapping, Sequence

from autograder.classroom import progress
from autograder.classroom.class_list import members
from autograder.classroom.cluster import grade_on_cluster
from autograder.classroom.difference import Earlier
from autograder.classroom.exports.submission import Export
from autograder.classroom.planning import Summary
from autograder.classroom.pool import Finished, Job, grade_locally
from autograder.classroom.progress import Progress
from autograder.classroom.results_folder import FAILED, Store
from autograder.grading.session import Session
from autograder.sandbox.text import wrapped

Same = Mapping[str, Sequence[Job]]  # key to the jobs that have it: one outcome is that of all of them


def grade_all(
    jobs: Sequence[Job],
    session: Session,
    workers: int,
    scheduler: str | None,
    store: Store,
    earlier: Earlier | None,
    summary: Summary,
) -> None:
    """Grade, equal submissions once, and write what comes out.

    Args:
        workers, scheduler: see command.ClassSettings.
        earlier: whose results are kept where a grading fails.

    Raises:
        KeyboardInterrupt: after all that had ended by then was written.
    """
    same: dict[str, list[Job]] = {}
    for job in jobs:
        same.setdefault(job.key, []).append(job)
    if not same:
        return
    stores = [store, *([earlier.store] if earlier else ())]
    usual = progress.usual_seconds(record.seconds for one in stores for record in one.records().values())
    state = Progress(len(jobs), len(same), 0 if scheduler is not None else min(workers, len(same)), usual)
    print(*map(wrapped, _beforehand(state, summary)), sep="\n", flush=True)
    unsaved: list[Finished] = []
    first = [jobs[0] for jobs in same.values()]
    outcomes = _outcomes(first, session, workers, scheduler, unsaved)
    began = time.monotonic()
    try:
        with progress.shown(state) as bar, contextlib.closing(outcomes):
            for finished in outcomes:
                if finished is not None:
                    _save(finished, same, store, earlier, state, summary)
                progress.show(state, bar, time.monotonic() - began, finished is not None)
    finally:
        for finished in unsaved:
            _save(finished, same, store, earlier, state, summary)
        summary.seconds = time.monotonic() - began


def _beforehand(state: Progress, summary: Summary) -> list[str]:
    known = f"{len(summary.known)} need no grading"
    if summary.weighed or summary.taken:
        known += f" ({len(summary.taken)} taken over, {len(summary.weighed)} with new points)"
    equal = f" ({state.different} different ones)" if state.total > state.different else ""
    lines = [f"{state.total} to grade{equal}; {known}"]
    if summary.unweighable:
        lines.append(
            f"{len(summary.unweighable)} of these for new points alone: parts of points cannot be weighed anew"
        )
    return [*lines, progress.foretold(state.different, state.usual, state.lanes)]


def _outcomes(
    jobs: Sequence[Job], session: Session, workers: int, scheduler: str | None, unsaved: list[Finished]
) -> Generator[Finished | None, None, None]:
    """Outcomes as they come; `unsaved` as for grade_locally."""
    if scheduler is not None:
        yield from grade_on_cluster(jobs, session, scheduler)
    else:
        yield from grade_locally(jobs, session, workers, unsaved)


def _save(
    finished: Finished, same: Same, store: Store, earlier: Earlier | None, state: Progress, summary: Summary
) -> None:
    """Write an outcome for everybody whose it is, but for those for whom it was written before an interruption."""
    first, outcome = finished
    for job in same[first.key]:
        slug = job.submission.slug
        if store.has_written(slug):
            continue
        if outcome.document is None and earlier is not None:
            for one in members(Export(summary.export.platform, [job.submission]), {}):
                if before := earlier.member(one):
                    store.borrow(slug, earlier.store, before.slug)
        record = store.save(slug, job.keys, outcome, name=job.submission.shown)
        failed = record.status == FAILED or bool(record.kept)
        (summary.failed if failed else summary.graded).append(slug)
        if record.kept:
            summary.keep(slug, record.remark)
        state.done, state.failed = state.done + 1, state.failed + failed
    state.seconds.append(outcome.seconds)
