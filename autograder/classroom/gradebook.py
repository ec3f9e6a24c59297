"""grades.csv, in the form that Canvas's gradebook imports, or in the one that Gradescope exports and imports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.classroom.exports.submission import Export, Submission
from autograder.classroom.roster import Student
from autograder.grading.report import number
from autograder.tables import csv_text
from autograder.writing import write_atomically

FORMS = ("canvas", "gradescope", "moodle")
# What Canvas's importer insists on, in its order; the assignment's column follows.
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
GRADESCOPE = (
    "First Name",
    "Last Name",
    "SID",
    "Email",
    "Sections",
    "Total Score",
    "Max Points",
    "Status",
    "Submission ID",
    "Submission Time",
    "Late",
)
MOODLE = ("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade")
Scores = Mapping[str, float | None]  # slug of a submission to its score; None for what could not be graded


def write(
    path: Path,
    export: Export,
    scores: Scores,
    points: float,
    form: str,
    title: str,
    written: Mapping[str, float] | None = None,
) -> None:
    """Write the grades of a class.

    Args:
        points: what can be reached; with the written part, if that is given.
        form: one of FORMS; anything else is taken as "gradescope".
        title: the assignment's name; with Canvas's number in brackets, "Homework 2 (123)", it is found for certain.
        written: `Student.key` -> points of the part that is graded by hand. The grade of a student who is not in it
            stays open. None if nothing is graded by hand: the grade is the score.
    """
    if written is not None:
        by_hand = {one.slug: written.get(one.students[0].key) for one in export.submissions}
        scores = {
            slug: None if score is None or (hand := by_hand.get(slug)) is None else round(score + hand, 6)
            for slug, score in scores.items()
        }
    rows = {"canvas": _canvas, "moodle": _moodle}.get(form, _gradescope)(export, scores, number(points), title)
    write_atomically(path, csv_text(rows))


def _graded(export: Export, scores: Scores) -> Iterator[tuple[Student, Submission | None, float | None]]:
    """(student, submission, score); no submission for absent students, no score for what could not be graded."""
    for submission in export.submissions:
        for student in submission.students:
            yield student, submission, scores.get(submission.slug)
    for student in export.absent:
        yield student, None, None


def _canvas(export: Export, scores: Scores, points: str, title: str) -> Iterator[list[Any]]:
    yield [*CANVAS, title]
    yield ["    Points Possible", "", "", "", "", points]
    for student, _, score in _graded(export, scores):
        # An empty cell leaves Canvas's grade as it is.
        yield [student.name, student.id, student.sid, student.login, student.section, score]


def _gradescope(export: Export, scores: Scores, points: str, title: str) -> Iterator[list[Any]]:
    yield list(GRADESCOPE)
    for student, submission, score in _graded(export, scores):
        first, _, last = student.name.rpartition(" ")
        status = "Missing" if submission is None else "Ungraded" if score is None else "Graded"
        yield [
            first or last,
            last if first else "",
            student.sid or student.id,
            student.email,
            student.section,
            score,
            points,
            status,
            submission.slug if submission else "",
            submission.time if submission else "",
            lateness(student, submission) if submission else "",
        ]


def lateness(student: Student, submission: Submission) -> str:
    """How late a student was: "2 days", those that have begun; "yes" if it is not known how late, "" if in time."""
    if student.days_late is None:
        return "yes" if submission.late else ""
    days = math.ceil(student.days_late)
    return f"{days} day{'s' * (days > 1)}" if days else ""


def _moodle(export: Export, scores: Scores, points: str, title: str) -> Iterator[list[Any]]:
    yield list(MOODLE)
    for student, submission, score in _graded(export, scores):
        status = "No submission" if submission is None else "Submitted for grading"
        if submission and lateness(student, submission):
            status += " - late"
        identifier = f"Participant {student.id}" if student.id.isdigit() else student.id
        yield [identifier, student.name, student.email, status, score, points]
