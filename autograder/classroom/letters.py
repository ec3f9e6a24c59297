"""What a student may be told of a second grading, in plain language: a text for each, to be sent as it is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from autograder.classroom import difference
from autograder.classroom.difference import RowChange, ScoreChange
from autograder.grading.report import number
from autograder.sandbox.text import safe_text

WIDTH = 72
# Why, in the words of a letter.
TOLD = {
    difference.SUBMISSION: "Another submission of yours was graded than before.",
    difference.OURS: "The earlier grading had failed, which was our fault.",
    difference.FAILED_NOW: "Grading has failed, which is our fault.",
    difference.NEW: "It had not been graded before.",
    difference.POINTS: "What it is worth has changed.",
    difference.ADDED: "There is a new check.",
    difference.REMOVED: "A check does not count any more.",
    difference.CHECK: "We have changed a check.",
    difference.SHARED: "We have changed what the checks share.",
    difference.COURSE: "What the course asks for has changed.",
    difference.SECRET: "The checks draw other random numbers now.",
    difference.LIMITS: "The limits of time or memory have changed.",
    difference.GRADER: "We have changed the grader.",
    difference.LIBRARIES: "The grader uses other versions of its libraries now.",
    difference.TIME: "In one of the two gradings your code ran out of time.",
}


def letters(changes: Sequence[ScoreChange], title: str, points: float) -> list[tuple[str, str]]:
    """(name of a file, text) for each change, ("", "") for one that does not concern its student.

    Args:
        title: of the course.
        points: that its code is worth.
    """
    found: list[tuple[str, str]] = []
    taken = set[str]()
    for change in changes:
        name, copy = f"{change.member.slug}.txt", 2
        while name in taken:  # of a group, each has a text
            name, copy = f"{change.member.slug}-{copy}.txt", copy + 1
        taken.add(name)
        found.append((name, letter(change, title, points)) if concerns(change) else ("", ""))
    return found


def concerns(change: ScoreChange) -> bool:
    """Whether a student must be told: something that was told before is different now."""
    told = change.before != change.counts or bool(change.rows) or _is_late(change)
    return told and change.why != (difference.NEW,)


def _is_late(change: ScoreChange) -> bool:
    return change.late != change.late_before


def letter(change: ScoreChange, title: str, points: float) -> str:
    """The text for one student, its lines within 72 columns."""
    to = f"To: {change.member.name}{f' <{change.member.email}>' if change.member.email else ''}"
    heads = [to, f"Subject: {title}: your points"]
    paragraphs = [f"Dear {change.member.name or 'student'},", " ".join(_sum(change, title, points))]
    tasks = [_task(task, list(rows)) for task, rows in groupby(change.rows, key=lambda row: row.task)]
    whole = [TOLD[reason] for reason in change.why if reason in TOLD and not tasks]
    if _is_late(change):
        whole.append(f"Late: {change.late or 'in time'} now, {change.late_before or 'in time'} before.")
    if change.counts is None and difference.FAILED_NOW not in change.why:
        whole.append(change.remark)
    paragraphs += [" ".join(whole)] if whole else []
    parts = [*map(_filled, paragraphs), *(["What has changed:\n\n" + "\n".join(tasks)] if tasks else ())]
    told = "\n\n".join([*parts, "If something looks wrong to you, please write to us."])
    return "\n".join(safe_text(head, 300) for head in heads) + f"\n\n{told}\n"


def _sum(change: ScoreChange, title: str, points: float) -> Iterator[str]:
    of = f"of {number(points)} points"
    before = "there were none" if change.before is None else f"there were {number(change.before)}"
    failed = difference.FAILED_NOW in change.why and not change.rows
    yield f'We have {"tried to grade" if failed else "graded"} your work for "{title}" again.'
    if failed and change.counts is not None:
        yield f"The {number(change.counts)} {of} that it had before count."
    elif change.counts is None:
        yield f"It has no points at the moment; before, {before}."
    elif change.raised and change.graded is not None:
        yield f"This time it has {number(change.graded)} {of}. The {number(change.counts)} that it had before count."
        yield "Nobody loses points by this."
    elif change.raised:
        yield f"The {number(change.counts)} {of} that it had before count."
    elif change.counts == change.before:
        yield f"It has {number(change.counts)} {of}, as before."
    else:
        yield f"It has {number(change.counts)} {of} now; before, {before}."


def _task(task: str, rows: Sequence[RowChange]) -> str:
    """What has changed in a task: "- Task 1.1 (Heights of a line): 2 points more. We have changed a check. ..."."""
    difference_of = sum((row.now or 0.0) - (row.before or 0.0) for row in rows)
    reasons = {reason for row in rows for reason in row.why}
    told = [TOLD[reason] for reason in difference.ORDER if reason in reasons and reason in TOLD]
    for row in rows:
        if row.verdict:
            what = "A check that is not shown" if row.hidden else f'"{row.title}"'
            told.append(f"{what} {row.verdict}.")
    return _filled(f"- {task}: {_points(difference_of)}. {' '.join(told)}", "  ")


def _points(value: float) -> str:
    size = number(abs(value))
    if size == "0":
        return "as many points as before"
    return f"{size} {'point' if size == '1' else 'points'} {'more' if value > 0 else 'less'}"


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(safe_text(text), WIDTH, subsequent_indent=indent, break_on_hyphens=False)
