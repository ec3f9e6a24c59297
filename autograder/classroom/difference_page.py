"""difference.html, difference.csv and letters/: what another grading of a class has changed, for its instructor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.classroom.class_list import Member
from autograder.classroom.difference import Earlier, ScoreChange, changes, course_changes
from autograder.classroom.letters import letters
from autograder.classroom.planning import Summary
from autograder.classroom.results_folder import Store
from autograder.grading import report
from autograder.grading.report import number
from autograder.sandbox.text import wrapped
from autograder.tables import csv_text
from autograder.tasks import Course
from autograder.writing import make_place, write_atomically

TEMPLATE = Path(__file__).with_name("difference.html.j2")
PAGE, TABLE, LETTERS = "difference.html", "difference.csv", "letters"
SHOWN = 10  # students on the terminal
MINUS = "\N{MINUS SIGN}"
COLUMNS = (
    "Student",
    "ID",
    "Email",
    "Score before",
    "Score of this grading",
    "Score that counts",
    "Difference",
    "Task",
    "Check",
    "Points before",
    "Points now",
    "Why",
    "Remark",
)


@dataclass(frozen=True)
class Comparison:
    """All that is shown.

    Attributes:
        course: of the new grading.
        against: what the folder of the earlier results is called.
        people: of the new grading.
        changes: see difference.changes.
        what: what has changed between the two gradings, sentences.
        gone: who was in the earlier one only.
        ways: how results came about: "graded" and so on -> how many.
        keep_higher: whether an earlier score counts if it was higher.
    """

    course: Course
    against: str
    people: Sequence[Member]
    changes: Sequence[ScoreChange]
    what: Sequence[str]
    gone: Sequence[Member]
    ways: Mapping[str, int]
    keep_higher: bool


def sum_up(store: Store, earlier: Earlier, people: Sequence[Member], keep_higher: bool, summary: Summary) -> None:
    """Compare a grading with an earlier one, write that, and note in the summary what it says.

    Args:
        store: of the new results.
        people: of the class, with the scores that count.
    """
    assert store.about is not None
    found, what = changes(people, store, earlier), course_changes(earlier.origin, store.about)
    against = str(earlier.store.folder)
    about = Comparison(store.course, against, people, found, what, earlier.gone, summary.ways, keep_higher)
    write(store.folder, about)
    summary.changes += said(about, store.folder)
    for change in found:
        if change.raised:
            slug = change.member.slug
            note = f"the {number(change.counts or 0)} points of {against} count: this grading gives fewer"
            summary.notes[slug] = (note, *summary.notes[slug])
            summary.remarks[slug] = "higher score kept"


def write(folder: Path, about: Comparison) -> None:
    """Write all three; letters of an earlier run go."""
    texts = letters(about.changes, about.course.title, about.course.graded)
    place = folder / LETTERS
    make_place(place / "any.txt")
    place.chmod(0o700)
    names = {name for name, _ in texts}
    for path in place.glob("*.txt"):
        if path.name not in names:
            path.unlink()
    for name, text in texts:
        if name:
            write_atomically(place / name, text)
    write_atomically(folder / TABLE, csv_text([COLUMNS, *_rows(about)]))
    write_atomically(folder / PAGE, page(about, texts))


def _rows(about: Comparison) -> list[list[Any]]:
    """A row for each check that changes; one without a check for whom none does."""
    found = []
    for change in about.changes:
        member = change.member
        remark = "; ".join(filter(None, (_kept(change), _lateness(change), change.remark)))
        whole = [
            member.name,
            member.number,
            member.email,
            change.before,
            change.graded,
            change.counts,
            _difference(change),
        ]
        for row in change.rows:
            about_row = [row.number, row.title, row.before, row.now, ", ".join(row.why)]
            found.append([*whole, *about_row, remark])
        if not change.rows:
            found.append([*whole, "", "", "", "", ", ".join(change.why), remark])
    return found


def _difference(change: ScoreChange) -> float | None:
    """None where one of the two has no score."""
    return None if change.before is None or change.counts is None else round(change.difference, 6)


def signed(value: float) -> str:
    """ "+2", "−0.5", "0"."""
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{number(abs(value))}"


def _kept(change: ScoreChange) -> str:
    if not change.raised:
        return ""
    return f"keeps {number(change.counts or 0)} points: this grading gives {_points(change.graded)}"


def _lateness(change: ScoreChange) -> str:
    if change.late == change.late_before:
        return ""
    return f"late: {change.late or 'in time'} now, {change.late_before or 'in time'} before"


def _points(value: float | None) -> str:
    return "none" if value is None else number(value)


def page(about: Comparison, texts: Sequence[tuple[str, str]]) -> str:
    """The page as a string of HTML.

    Args:
        texts: see letters.letters.
    """
    return report.render(
        TEMPLATE,
        about=about,
        figures=figures(about),
        title=about.course.title,
        total=about.course.graded,
        changes=list(zip(about.changes, texts, strict=True)),
        signed=signed,
        lateness=_lateness,
        kept=_kept,
        ways=[f"{count} {way}" for way, count in about.ways.items() if count],
    )


def figures(about: Comparison) -> list[tuple[str, str]]:
    """The numbers at the top, each with its word."""
    up, down = (sum(sign * one.difference > 0 for one in about.changes) for sign in (1, -1))
    raised = sum(one.raised for one in about.changes)
    shown = [(len(about.people), "students"), (up, "with more points"), (down, "with fewer points")]
    if about.keep_higher:
        shown.append((raised, "with a higher score kept"))
    shown.append((len(about.changes) - up - down - raised, "changed with equal points"))
    shown.append((len(about.people) - len(about.changes), "unchanged"))
    return [(str(value), what) for value, what in shown]


def said(about: Comparison, folder: Path) -> list[str]:
    """What a terminal shows."""
    counts = ", ".join(f"{value} {what}" for value, what in figures(about) if value != "0") or "nobody"
    lines = [f"against {about.against}: {counts}", *(f"  changed: {text}" for text in about.what)]
    if about.gone:
        lines.append(f"  not in this class any more: {', '.join(one.shown for one in about.gone)}")
    for change in about.changes[:SHOWN]:
        remarks = "; ".join(filter(None, (_kept(change), _lateness(change))))
        points = f"{_points(change.before)} -> {_points(change.counts)}"
        lines.append(f"  {change.member.shown}: {points}: {', '.join(change.why)}{f' ({remarks})' if remarks else ''}")
    if len(about.changes) > SHOWN:
        lines.append(f"  and {len(about.changes) - SHOWN} more, which {PAGE} has")
    return [*map(wrapped, lines), str(folder / PAGE), str(folder / TABLE), f"{folder / LETTERS}/: a text for each"]
