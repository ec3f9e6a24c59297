"""What a run has to do for each submission: nothing, because its result is known; weigh it anew; or grade it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tqdm import tqdm

from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.grading import ParcelOutcome
from autograder.classroom.origin import Keys, Origin, keys
from autograder.classroom.parcel import pack
from autograder.classroom.pool import Job
from autograder.classroom.results_folder import FAILED, UNGRADABLE, Store
from autograder.classroom.reweighing import reweighed
from autograder.classroom.written import Written
from autograder.grading.files import UnreadableError
from autograder.tasks import Course

if TYPE_CHECKING:
    from autograder.classroom.deletion import Deletion

Known = Mapping[str, tuple[Store, str]]  # see results_folder.known_results


@dataclass
class Summary:
    """What a run did.

    Attributes:
        export: the class.
        notes: slug -> what the instructor should know about a submission.
        graded, reused, taken, weighed, failed: slugs: graded now, found finished, taken over from equal ones, weighed
            anew, not graded by a fault of ours.
        unweighable: slugs of submissions whose points alone have changed, but which had to be graded.
        kept: slugs of submissions that failed and have the results of an earlier grading.
        ungradable: slugs of submissions that nobody could grade as they are.
        left_out: slugs of submissions from which something was left out.
        seconds: wall-clock time of the gradings.
        remarks: slug -> what the gradebook's status says besides.
        deletion: who was taken out, if somebody was.
        written: the written part; None if there is none to grade here.
        changes: lines about what has changed since the earlier results; empty where there are none.
    """

    export: Export
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    graded: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    weighed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unweighable: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ungradable: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0
    remarks: dict[str, str] = field(default_factory=dict)
    deletion: Deletion | None = None
    written: Written | None = None
    changes: list[str] = field(default_factory=list)

    def keep(self, slug: str, remark: str) -> None:
        """Note that a submission has the results of an earlier grading."""
        self.kept.append(slug)
        self.notes[slug] = (remark, *self.notes[slug])
        self.remarks[slug] = "by an earlier grader"

    @property
    def ways(self) -> dict[str, int]:
        """How results came about -> how many; those that are not gradable only there."""
        ways = {
            "graded": self.graded,
            "taken over": self.taken,
            "with new points only": self.weighed,
            "graded before": self.reused,
        }
        ungradable = set(self.ungradable)
        found = {way: len(set(slugs) - ungradable) for way, slugs in ways.items()}
        return {**found, UNGRADABLE: len(ungradable), FAILED: len(self.failed)}

    @property
    def known(self) -> list[str]:
        """Slugs of submissions for which no code ran."""
        return [*self.reused, *self.taken, *self.weighed]


def jobs_of(
    course: Course, about: Origin, store: Store, known: Callable[[], Known], again: Collection[str], summary: Summary
) -> Iterator[Job]:
    """The submissions that have to be graded; all others are done when this is.

    Args:
        known: results that may be taken over.
        again: slugs of submissions that are graded whatever is known.
    """
    earlier: Known | None = None
    for submission in tqdm(summary.export.submissions, "reading", unit=" submissions", dynamic_ncols=True, leave=False):
        slug = submission.slug
        try:
            if submission.doubt:
                raise UnreadableError(submission.doubt)
            parcel = pack(submission.entries, course.files)
        except UnreadableError as error:
            summary.notes[slug] = submission.notes
            summary.ungradable.append(slug)
            store.save(slug, Keys("unreadable"), ParcelOutcome(None, problem=str(error)), UNGRADABLE)
            continue
        summary.notes[slug] = (*submission.notes, *parcel.notes)
        if parcel.left_out:
            summary.left_out.append(slug)
        wanted = keys(about, parcel.content)
        if slug in again:
            yield Job(submission, wanted, course.files)
        elif store.finished(slug, wanted.result):
            summary.reused.append(slug)
        else:
            earlier = known() if earlier is None else earlier
            if not _taken_over(submission, wanted, store, earlier, course, summary):
                yield Job(submission, wanted, course.files)


def _taken_over(
    submission: HandedIn, wanted: Keys, store: Store, known: Known, course: Course, summary: Summary
) -> bool:
    """Whether a known result could be taken over, as it is or weighed anew."""
    slug = submission.slug
    for key, done in ((wanted.result, summary.taken), (wanted.judged, summary.weighed)):
        if key not in known:
            continue
        place, other = known[key]
        try:
            outcome = place.outcome(other)
        except (OSError, ValueError):  # it has been replaced since
            continue
        if key == wanted.judged:
            document = reweighed(outcome.document or {}, course)
            if document is None:
                summary.unweighable.append(slug)
                return False
            outcome = replace(outcome, document=document)
        store.save(slug, wanted, outcome, name=submission.shown)
        done.append(slug)
        return True
    return False
