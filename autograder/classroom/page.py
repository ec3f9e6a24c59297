"""class.html: the class at a glance, in one file that opens from disk and loads nothing.

class-anonymous.html is the same for a lecture: what many did, and nobody's name, number, code or words.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tqdm import tqdm

from autograder.classroom import analysis, charts, similarity
from autograder.classroom.analysis import BANDS, FEW, Graded, Mistake, TaskResult
from autograder.classroom.exports.submission import Export, HandedIn, late_days
from autograder.classroom.grading import STRETCH
from autograder.classroom.parcel import NOTHING, pack
from autograder.classroom.planning import Summary
from autograder.classroom.results_folder import FAILED, GRADED, UNGRADABLE, Record, Store
from autograder.classroom.similarity import LONGEST, LONGEST_LINE, Fingerprints, Pair, Place, text_of
from autograder.door.diagnose import sentence
from autograder.grading import report
from autograder.grading.files import UnreadableError, listed
from autograder.grading.intake import code_of
from autograder.grading.report import count, number
from autograder.grading.results import Kind
from autograder.repository import student_folder
from autograder.stamp import stamp_in
from autograder.tables import csv_text
from autograder.tasks import Course
from autograder.writing import write_atomically

SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_SLOWEST, SHOWN_LEADERS, SHOWN_ROWS = 25, 40, 10, 20, 40
SHOWN_ALIKE = 10  # pairs; the others are folded
SHOWN_HARDEST, HARD = 15, 0.5
SHOWN_PASSAGES, SHOWN_LINES, SHOWN_LINE = 3, 40, 160  # of a pair; lines of a passage; characters of a line
SHOWN_SEPARATING, SEPARATES = 3, 0.2
PARTLY = (
    f"compared with others only in part, because a line is longer than {LONGEST_LINE:,} characters, or all code "
    f"together longer than {LONGEST:,}: {{}}"
)
TEMPLATE = Path(__file__).with_name("class.html.j2")
SCRIPT = Path(__file__).with_name("class.js")
NAMED, ANONYMOUS = "class.html", "class-anonymous.html"
TITLES = {
    "attention": "What needs a look",
    "scores": "Scores",
    "tasks": "Tasks",
    "mistakes": "Commonest mistakes",
    "checks": "Checks",
    "leaderboard": "Training leaderboard",
    "similar": "Similar submissions",
    "students": "Everybody",
    "time": "Grading time",
}
OUT_OF_TIME, SET_ASIDE = "out of time", "set aside"
# Headings in "What needs a look", the worst first.
WORST = (FAILED, UNGRADABLE, OUT_OF_TIME, SET_ASIDE, "")
# What says nothing of anybody alone.
NOBODYS = ("scores", "tasks", "mistakes", "checks")
KINDS: dict[Kind, str] = {
    "wrong": "wrong result",
    "raised": "exception",
    "timeout": "too slow, or hangs",
    "memory": "too much memory",
    "crash": "process ended",
    "protocol": "disturbed the grader",
    "flood": "printed too much",
}


class Excerpt(NamedTuple):
    """Some lines of a submission's file, counted from 1."""

    file: str
    first: int
    last: int
    text: str


@dataclass(frozen=True)
class Class:
    """Everything that the page shows.

    Attributes:
        export: who handed in what.
        course: its checks.
        graded: results of what was graded.
        records: slug -> how its grading went.
        notes: slug -> what the instructor should know.
        today: when it was graded.
        pairs: submissions that are alike, with the passages that they share; None where they were not compared.
        remarks: slug -> what is to be said of a score.
        by_hand: slug -> points of the written part, None while some are open; None where they do not count.
        links: other pages, by their place from this one, with what they show.
    """

    export: Export
    course: Course
    graded: Sequence[Graded]
    records: Mapping[str, Record]
    notes: Mapping[str, tuple[str, ...]]
    today: date
    pairs: Sequence[tuple[Pair, Sequence[tuple[Excerpt, Excerpt]]]] | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    by_hand: Mapping[str, float | None] | None = None
    links: Sequence[tuple[str, str]] = ()

    @property
    def total(self) -> float:
        return self.course.graded


def write(
    store: Store,
    summary: Summary,
    scores: Mapping[str, float | None],
    compare: bool,
    anonymous: bool = False,
    by_hand: Mapping[str, float | None] | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> None:
    """Write class.html, and similarity.csv if the submissions are to be compared.

    Args:
        scores: slug -> the points that count, where these are not what this grading gives.
        anonymous: whether to write class-anonymous.html, too.
        by_hand, links: see Class.
    """
    folder, course, export, notes = store.folder, store.course, summary.export, summary.notes
    records = {one.slug: record for one in export.submissions if (record := store.record(one.slug)) is not None}
    graded = [
        replace(one, score=one.score if (counts := scores.get(slug)) is None else counts)
        for slug, record in tqdm(records.items(), "summing up", unit=" submissions", dynamic_ncols=True, leave=False)
        if record.status == GRADED
        for one in (analysis.reduce(slug, store.document(slug)),)
    ]
    shown = None
    if compare:
        prints = _fingerprints(export.submissions, course)
        pairs = similarity.pairs(prints)
        shown = _with_passages(pairs[:SHOWN_PAIRS], prints, export.submissions, course.files)
        cut = {slug: PARTLY.format(listed(one.left_out)) for slug, one in prints.items() if one.left_out}
        notes = {slug: (*said, *([cut[slug]] if slug in cut else ())) for slug, said in notes.items()}
        write_atomically(folder / "similarity.csv", _pairs_csv(pairs))
    today = datetime.now(ZoneInfo(course.timezone)).date()
    about = Class(export, course, graded, records, notes, today, shown, summary.remarks, by_hand, links)
    write_atomically(folder / NAMED, page(about))
    if anonymous or (folder / ANONYMOUS).exists():  # of the same class, always
        write_atomically(folder / ANONYMOUS, page(about, anonymous=True))


def _fingerprints(submissions: Sequence[HandedIn], course: Course) -> dict[str, Fingerprints]:
    """Slug -> fingerprints, of what can be read."""
    expected = course.files
    starter = similarity.starter_hashes(student_folder(course.name, course.root))
    found = {}
    for submission in tqdm(submissions, "comparing", unit=" submissions", dynamic_ncols=True, leave=False):
        try:
            content = pack(submission.entries, expected).content
        except UnreadableError:
            continue  # the page names it among those that failed
        found[submission.slug] = similarity.fingerprint(content, expected, starter)
    return found


def _with_passages(
    pairs: Sequence[Pair],
    prints: Mapping[str, Fingerprints],
    submissions: Iterable[HandedIn],
    expected: frozenset[str],
) -> list[tuple[Pair, list[tuple[Excerpt, Excerpt]]]]:
    """Each pair with the longest passages that both have and few others."""
    few = similarity.rare(prints)
    passages = [similarity.passages(few[pair.first], few[pair.second])[:SHOWN_PASSAGES] for pair in pairs]
    wanted: dict[str, set[Place]] = defaultdict(set)
    for pair, found in zip(pairs, passages, strict=True):
        wanted[pair.first] |= {passage.one for passage in found}
        wanted[pair.second] |= {passage.other for passage in found}
    texts: dict[tuple[str, Place], Excerpt] = {}
    for submission in submissions:
        if places := wanted.get(submission.slug):
            code = code_of(pack(submission.entries, expected).content, expected)
            texts |= {(submission.slug, place): _excerpt(code, place) for place in places}
    return [
        (pair, [(texts[pair.first, passage.one], texts[pair.second, passage.other]) for passage in found])
        for pair, found in zip(pairs, passages, strict=True)
    ]


def _excerpt(code: Mapping[str, bytes], place: Place) -> Excerpt:
    lines = text_of(code[place.file], LONGEST).split("\n")[place.first - 1 : place.last]
    shown = [line if len(line) <= SHOWN_LINE else f"{line[: SHOWN_LINE - 1]}…" for line in lines[:SHOWN_LINES]]
    more = [f"… {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return Excerpt(place.file, place.first, place.last, "\n".join([*shown, *more]))


def _pairs_csv(pairs: Sequence[Pair]) -> str:
    rows: list[list[Any]] = [["first", "second", "shared", "of first", "of second", "identical", "mostly in"]]
    for pair in pairs:
        shares = f"{pair.first_share:.3f}", f"{pair.second_share:.3f}"
        identical = "yes" if pair.identical else ""
        rows.append([pair.first, pair.second, pair.shared, *shares, identical, " ".join(pair.files)])
    return csv_text(rows)


def page(about: Class, anonymous: bool = False) -> str:
    """The page as a string of HTML.

    Args:
        anonymous: whether to leave out all that is about somebody, and all that students have written.
    """
    from markupsafe import Markup

    graded, course = about.graded, about.course
    tasks = analysis.task_results(graded, course) if graded else []
    sections = {
        "attention": _attention(about),
        "scores": charts.histogram([one.score for one in graded], about.total, "Histogram of the scores")
        if graded
        else None,
        "tasks": tasks,
        "mistakes": _mistakes(graded, course, words=not anonymous),
        "checks": _checks(about) if graded else None,
        "similar": about.pairs if about.export.submissions else None,
        "leaderboard": analysis.leaderboard(graded),
        "students": _students(about),
        "time": _time(about.records),
    }
    if anonymous:
        sections = {id: value if id in NOBODYS else None for id, value in sections.items()}
    script = SCRIPT.read_text(encoding="utf-8")
    return report.render(
        TEMPLATE,
        **sections,
        # A comparison that found nothing is worth saying, too.
        titles={
            id: title for id, title in TITLES.items() if sections[id] or (id == "similar" and sections[id] is not None)
        },
        course=course.title,
        date=f"{about.today:%d %B %Y}".lstrip("0"),
        anonymous=anonymous,
        takes_off=course.late.takes and any(one.late for one in about.export.submissions),
        links=() if anonymous else about.links,
        code=about.total if course.questions and course.grading != "self" else None,
        figures=_figures(about),
        graded=len(graded),
        bands=BANDS,
        separating=_separating(tasks),
        kinds=KINDS,
        names=labels(about.export.submissions),
        reported={slug for slug, record in about.records.items() if record.results_sha256},
        shown_rows=SHOWN_ROWS,
        shown_alike=SHOWN_ALIKE,
        shown_leaders=SHOWN_LEADERS,
        release=stamp_in(student_folder(course.name, course.root)),
        script=Markup(script),
        script_hash=Markup(base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    )


def _mistakes(graded: Sequence[Graded], course: Course, words: bool) -> list[Mistake]:
    """The commonest; what one student alone did wrong is not common, unless there are few students."""
    least = 2 if len(graded) >= FEW else 1
    found = analysis.mistakes(graded, course, words)
    return [_told_once(mistake) for mistake in found if len(mistake.slugs) >= least][:SHOWN_MISTAKES]


def _told_once(mistake: Mistake) -> Mistake:
    """The text without the cause, which stands before it."""
    return (
        replace(mistake, text=mistake.text.removesuffix(sentence(mistake.cause)).strip()) if mistake.cause else mistake
    )


def labels(submissions: Sequence[HandedIn]) -> dict[str, str]:
    """slug -> names with numbers, and the slug too where another one is called the same."""
    count = Counter(one.shown for one in submissions)
    return {one.slug: one.shown if count[one.shown] == 1 else f"{one.shown}, {one.slug}" for one in submissions}


def _separating(tasks: Sequence[TaskResult]) -> str:
    """Which tasks tell good work from weak work, and which do not; "" where there are too few submissions."""
    known = sorted((task for task in tasks if task.gap is not None), key=lambda task: -(task.gap or 0))
    if not known:
        return ""
    best = [task.number for task in known if (task.gap or 0) >= SEPARATES][:SHOWN_SEPARATING]
    worst = [task.number for task in known if (task.gap or 0) <= -SEPARATES]
    said = [
        f"Tasks that separate good from weak work most: {', '.join(best)}." if best else "No task separates them much."
    ]
    if worst:
        said.append(f"The weak third is better in {', '.join(worst)}: look at these tasks.")
    return " ".join(said)


def _figures(about: Class) -> list[tuple[str, str]]:
    """The numbers at the top, each with its word."""
    scores = [one.score for one in about.graded]
    statuses = Counter(record.status for record in about.records.values())
    shown = [(str(len(about.export.submissions)), "submissions"), (str(len(scores)), "graded")]
    shown += [(str(statuses[status]), status) for status in (UNGRADABLE, FAILED)]
    if about.export.absent:
        shown.append((str(len(about.export.absent)), "handed in nothing"))
    shown.append((str(sum(one.late for one in about.export.submissions)), "late"))
    if scores:
        shown.append((number(round(statistics.fmean(scores), 1)), f"mean of {number(about.total)}"))
        shown.append((number(statistics.median(scores)), "median"))
    return shown


def _checks(about: Class) -> dict[str, Any]:
    """All checks in the order of the tasks, and those that stand out, the hardest first; none that everyone passes."""
    found = analysis.analyse(about.graded, about.course)
    order = {task.name: place for place, task in enumerate(about.course.tasks)}
    odd = [item for item in found if item.passed < 1 and (item.remark or (item.passed < HARD and item.attempted))]
    odd.sort(key=lambda item: (item.passed, order[item.check.task]))
    return {
        "odd": odd[:SHOWN_HARDEST],
        "all": sorted(found, key=lambda item: (order[item.check.task], item.passed)),
    }


def _attention(about: Class) -> dict[str, Any]:
    """Submissions that failed, could not be read, have a remark, or came in an odd way; {} if there are none.

    The value of "submissions" is pairs of slug and (heading, text)s, the worst first.
    """
    by_slug = {one.slug: one for one in about.graded}
    rows = []
    for slug in (submission.slug for submission in about.export.submissions):
        record = about.records.get(slug)
        said = []
        if record is None or record.status != GRADED:
            said.append((record.status if record else FAILED, record.problem if record else "no record"))
        if slug in by_slug and by_slug[slug].slow:
            more = f", even with {STRETCH:g} times the time for a call" if record and record.again else ""
            said.append((OUT_OF_TIME, f"slow or hanging code lost its task{more}"))
        if slug in by_slug and by_slug[slug].set_aside:
            said.append((SET_ASIDE, listed(by_slug[slug].set_aside)))
        said += [("", text) for text in by_slug[slug].remarks] if slug in by_slug else []
        told = record is not None and record.status == UNGRADABLE and record.problem
        said += [
            ("", note)
            for note in about.notes.get(slug, ())
            if not (told and note.startswith(NOTHING.partition("{")[0]))
        ]
        if said:
            rows.append((slug, said))
    rows.sort(key=lambda row: min(map(WORST.index, (what for what, _ in row[1]))))
    notes = [*about.export.notes, *about.export.unread]
    return {"notes": notes, "submissions": rows} if rows or notes else {}


def _time(records: Mapping[str, Record]) -> dict[str, Any]:
    """How long the gradings took, and the slowest; {} if nothing was graded."""
    timed = sorted(
        ((slug, record) for slug, record in records.items() if record.seconds), key=lambda row: -row[1].seconds
    )
    if not timed:
        return {}
    seconds = [record.seconds for _, record in timed]
    chart = charts.histogram(seconds, max(seconds), "How many seconds the gradings took")
    return {"chart": chart, "slowest": timed[:SHOWN_SLOWEST]}


def _students(about: Class) -> dict[str, Any]:
    """Everybody's score and points of each section, none for those who were not graded, and what is to be said of it;
    {} if there is nobody."""
    by_slug = {one.slug: one for one in about.graded}
    sections = {task.section for task in about.course.tasks}
    shown = [section for section in about.course.sections if section.name in sections]
    rows: list[tuple[HandedIn, bool, list[float | None], str, str]] = []
    for submission in about.export.submissions:
        one, record = by_slug.get(submission.slug), about.records.get(submission.slug)
        cells: list[float | None] = [None] * (1 + len(shown))
        if one:
            cells = [one.score, *(_of_section(one, about.course, part.name) for part in shown)]
        if about.by_hand is not None:
            cells.append(about.by_hand.get(submission.slug))
        remark = about.remarks.get(submission.slug, "") if one else record.status if record else FAILED
        rows.append((submission, one is not None, cells, _lateness(submission), remark))
    heads = ["who", f"n:of {number(about.total)}", *(f"n:section {section.number}" for section in shown)]
    heads += [*([f"n:written, of {number(about.course.written)}"] if about.by_hand is not None else []), "remark"]
    absent = about.export.absent
    return {"heads": heads, "submissions": rows, "absent": absent} if rows or absent else {}


def _lateness(submission: HandedIn) -> str:
    """How late it was, for the student for whom it was latest, as far as that is known; "" if it was in time."""
    days = [late_days(student, submission) for student in submission.students]
    most = max((day for day in days if isinstance(day, int)), default=0)
    return f"{count(most, 'day')} late" if most else "late" if submission.late else ""


def _of_section(one: Graded, course: Course, section: str) -> float:
    names = {task.name for task in course.tasks if task.section == section}
    return sum(one.shares.get(check.id, 0.0) * check.points for check in course.checks if check.task in names)
