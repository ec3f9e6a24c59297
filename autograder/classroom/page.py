"""class.html: the class at a glance, in one file that opens from disk and loads nothing."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from autograder.classroom import analysis, charts, similarity
from autograder.classroom.analysis import Graded
from autograder.classroom.exports.submission import Export, Submission
from autograder.classroom.grading import STRETCH
from autograder.classroom.parcel import pack
from autograder.classroom.results_folder import FAILED, GRADED, UNGRADABLE, Record, Store
from autograder.classroom.similarity import LONGEST, LONGEST_LINE, Fingerprints, Pair
from autograder.grading import report
from autograder.grading.files import UnreadableError, listed
from autograder.grading.report import number
from autograder.repository import student_folder
from autograder.stamp import stamp_in
from autograder.tables import csv_text
from autograder.tasks import Course
from autograder.writing import write_atomically

SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_SLOWEST, SHOWN_LEADERS = 25, 40, 10, 20
SHOWN_NAMES = 3
SHOWN_HARDEST, HARD = 15, 0.5
PARTLY = (
    f"compared with others only in part, because a line is longer than {LONGEST_LINE:,} characters, or all code "
    f"together longer than {LONGEST:,}: {{}}"
)
TEMPLATE = Path(__file__).with_name("class.html.j2")
TITLES = {
    "scores": "Scores",
    "tasks": "Tasks",
    "checks": "Checks",
    "mistakes": "Commonest mistakes",
    "leaderboard": "Training leaderboard",
    "attention": "What needs a look",
    "similar": "Similar submissions",
    "time": "Grading time",
    "students": "Everybody",
}


@dataclass(frozen=True)
class Class:
    """Everything that the page shows.

    Attributes:
        export: who handed in what.
        course: its checks.
        graded: results of what was graded.
        records: slug -> how its grading went.
        notes: slug -> what the instructor should know.
        pairs: submissions that are alike; None where they were not compared.
    """

    export: Export
    course: Course
    graded: Sequence[Graded]
    records: Mapping[str, Record]
    notes: Mapping[str, tuple[str, ...]]
    pairs: Sequence[Pair] | None = None

    @property
    def total(self) -> float:
        return self.course.graded


def write(
    folder: Path, export: Export, store: Store, course: Course, notes: Mapping[str, tuple[str, ...]], compare: bool
) -> None:
    """Write class.html, and similarity.csv if the submissions are to be compared."""
    records = {one.slug: record for one in export.submissions if (record := store.record(one.slug)) is not None}
    graded = [
        analysis.reduce(slug, store.document(slug))
        for slug, record in tqdm(records.items(), "summing up", unit=" submissions", dynamic_ncols=True)
        if record.status == GRADED
    ]
    pairs = None
    if compare:
        prints = _fingerprints(export.submissions, course)
        pairs = similarity.pairs(prints)
        cut = {slug: PARTLY.format(listed(one.left_out)) for slug, one in prints.items() if one.left_out}
        notes = {slug: (*said, *([cut[slug]] if slug in cut else ())) for slug, said in notes.items()}
        write_atomically(folder / "similarity.csv", _pairs_csv(pairs))
    write_atomically(folder / "class.html", page(Class(export, course, graded, records, notes, pairs)))


def _fingerprints(submissions: Sequence[Submission], course: Course) -> dict[str, Fingerprints]:
    """Slug -> fingerprints, of what can be read."""
    expected = course.files
    starter = similarity.starter_hashes(student_folder(course.name, course.root))
    found = {}
    for submission in tqdm(submissions, "comparing", unit=" submissions", dynamic_ncols=True):
        try:
            content = pack(submission.entries, expected).content
        except UnreadableError:
            continue  # the page names it among those that failed
        found[submission.slug] = similarity.fingerprint(content, expected, starter)
    return found


def _pairs_csv(pairs: Sequence[Pair]) -> str:
    rows: list[list[Any]] = [["first", "second", "shared", "of first", "of second", "identical", "mostly in"]]
    for pair in pairs:
        shares = f"{pair.first_share:.3f}", f"{pair.second_share:.3f}"
        identical = "yes" if pair.identical else ""
        rows.append([pair.first, pair.second, pair.shared, *shares, identical, " ".join(pair.files)])
    return csv_text(rows)


def page(about: Class) -> str:
    """The page as a string of HTML."""
    graded, course = about.graded, about.course
    sections = {
        "scores": charts.scores([one.score for one in graded], about.total) if graded else None,
        "tasks": charts.tasks(analysis.task_shares(graded, course)) if graded else None,
        "checks": _checks(about) if graded else None,
        "mistakes": analysis.mistakes(graded, course)[:SHOWN_MISTAKES],
        "leaderboard": analysis.leaderboard(graded),
        "attention": _attention(about),
        "similar": None if about.pairs is None else about.pairs[:SHOWN_PAIRS],
        "time": _time(about.records),
        "students": _students(about),
    }
    # A comparison that found nothing is worth saying, too.
    shown = {id: title for id, title in TITLES.items() if sections[id] or (id == "similar" and about.pairs is not None)}
    return report.render(
        TEMPLATE,
        **sections,
        titles=shown,
        figures=_figures(about),
        names={submission.slug: submission.shown for submission in about.export.submissions},
        reported={slug for slug, record in about.records.items() if record.results_sha256},
        shown_names=SHOWN_NAMES,
        shown_leaders=SHOWN_LEADERS,
        release=stamp_in(student_folder(course.name, course.root)),
    )


def _figures(about: Class) -> list[tuple[str, str]]:
    """The numbers at the top, each with its word."""
    scores = [one.score for one in about.graded]
    statuses = Counter(record.status for record in about.records.values())
    shown = [(str(len(about.export.submissions)), "submissions"), (str(len(scores)), "graded")]
    shown += [(str(statuses[status]), status) for status in (UNGRADABLE, FAILED)]
    if about.export.absent:
        shown.append((str(len(about.export.absent)), "on the roster without one"))
    shown.append((str(sum(one.late for one in about.export.submissions)), "late"))
    if scores:
        shown.append((number(round(statistics.fmean(scores), 1)), f"mean of {number(about.total)}"))
        shown.append((number(statistics.median(scores)), "median"))
    return shown


def _checks(about: Class) -> dict[str, Any]:
    """All checks in the order of the tasks, and those that stand out, the hardest first."""
    found = analysis.analyse(about.graded, about.course)
    order = {task.name: place for place, task in enumerate(about.course.tasks)}
    odd = [item for item in found if item.remark or (item.passed < HARD and item.attempted)]
    odd.sort(key=lambda item: (item.passed, order[item.check.task]))
    return {
        "chart": charts.checks(found) if any(item.discrimination is not None for item in found) else None,
        "odd": odd[:SHOWN_HARDEST],
        "all": sorted(found, key=lambda item: (order[item.check.task], item.passed)),
    }


def _attention(about: Class) -> dict[str, Any]:
    """Submissions that failed, could not be read, have a remark, or came in an odd way; {} if there are none.

    The value of "submissions" is pairs of slug and (heading, text)s, those with a heading first.
    """
    by_slug = {one.slug: one for one in about.graded}
    rows = []
    for slug in (submission.slug for submission in about.export.submissions):
        record = about.records.get(slug)
        said = []
        if record is None or record.status != GRADED:
            said.append((record.status if record else "failed", record.problem if record else "no record"))
        if slug in by_slug and by_slug[slug].slow:
            more = f", even with {STRETCH:g} times the time for a call" if record and record.again else ""
            said.append(("out of time", f"slow or hanging code lost its task{more}"))
        said += [("", text) for text in by_slug[slug].remarks] if slug in by_slug else []
        said += [("", note) for note in about.notes.get(slug, ())]
        if said:
            rows.append((slug, said))
    rows.sort(key=lambda row: not any(what for what, _ in row[1]))
    notes = [*about.export.notes, *about.export.unread]
    return {"notes": notes, "submissions": rows} if rows or notes else {}


def _time(records: Mapping[str, Record]) -> dict[str, Any]:
    """How long the gradings took, and the slowest; {} if nothing was graded."""
    timed = sorted(
        ((slug, record) for slug, record in records.items() if record.seconds), key=lambda row: -row[1].seconds
    )
    if not timed:
        return {}
    slowest = sorted(timed, key=lambda row: -row[1].seconds)[:SHOWN_SLOWEST]
    return {"chart": charts.seconds([record.seconds for _, record in timed]), "slowest": slowest}


def _students(about: Class) -> dict[str, Any]:
    """Everybody's score and points of each section; no numbers for those who were not graded."""
    by_slug = {one.slug: one for one in about.graded}
    sections = {task.section for task in about.course.tasks}
    shown = [section for section in about.course.sections if section.name in sections]
    rows: list[tuple[Submission, list[float]]] = []
    for submission in about.export.submissions:
        one = by_slug.get(submission.slug)
        rows.append(
            (submission, [one.score, *(_of_section(one, about.course, part.name) for part in shown)] if one else [])
        )
    heads = ["who", f"n:of {number(about.total)}", *(f"n:section {section.number}" for section in shown)]
    return {"heads": heads, "submissions": rows, "absent": about.export.absent}


def _of_section(one: Graded, course: Course, section: str) -> float:
    names = {task.name for task in course.tasks if task.section == section}
    return sum(one.shares.get(check.id, 0.0) * check.points for check in course.checks if check.task in names)
