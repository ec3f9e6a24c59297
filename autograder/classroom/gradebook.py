"""grades.csv, in the form that Canvas's gradebook imports, or in the one that Gradescope exports and imports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.classroom.exports.submission import Export, Submission
from autograder.classroom.results_folder import GRADED, Store
from autograder.classroom.roster import Student
from autograder.grading.report import number
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
# A cell that begins like this is a formula to a spreadsheet, and names come from strangers.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(path: Path, export: Export, store: Store, form: str, title: str) -> None:
    """Write the grades of a class.

    Args:
        form: one of FORMS; anything else is taken as "gradescope".
        title: the assignment's name; with Canvas's number in brackets, "Homework 2 (123)", it is found for certain.
    """
    rows = {"canvas": _canvas, "moodle": _moodle}.get(form, _gradescope)(export, store, title)
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    write_atomically(path, buffer.getvalue())


def safe_cell(value: Any) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, (int, float)) else text


def _graded(export: Export, store: Store) -> Iterator[tuple[Student, Submission | None, float | None]]:
    """(student, submission, score); no submission for absent students, no score for what could not be graded."""
    for submission in export.submissions:
        record = store.record(submission.slug)
        score = record.score if record is not None and record.status == GRADED else None
        for student in submission.students:
            yield student, submission, score
    for student in export.absent:
        yield student, None, None


def _canvas(export: Export, store: Store, title: str) -> Iterator[list[Any]]:
    yield [*CANVAS, title]
    yield ["    Points Possible", "", "", "", "", number(store.points)]
    for student, _, score in _graded(export, store):
        # An empty cell leaves Canvas's grade as it is.
        yield [student.name, student.id, student.sid, student.login, student.section, score]


def _gradescope(export: Export, store: Store, title: str) -> Iterator[list[Any]]:
    yield list(GRADESCOPE)
    for student, submission, score in _graded(export, store):
        first, _, last = student.name.rpartition(" ")
        status = "Missing" if submission is None else "Ungraded" if score is None else "Graded"
        yield [
            first or last,
            last if first else "",
            student.sid or student.id,
            student.email,
            student.section,
            score,
            number(store.points),
            status,
            submission.slug if submission else "",
            submission.time if submission else "",
            "yes" if submission and submission.late else "",
        ]


def _moodle(export: Export, store: Store, title: str) -> Iterator[list[Any]]:
    yield list(MOODLE)
    for student, submission, score in _graded(export, store):
        status = "No submission" if submission is None else "Submitted for grading"
        if submission and submission.late:
            status += " - late"
        identifier = f"Participant {student.id}" if student.id.isdigit() else student.id
        yield [identifier, student.name, student.email, status, score, number(store.points)]
