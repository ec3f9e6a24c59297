"""`python -m autograder class --selfgrades FOLDER`: sum up the tables in which a class has graded itself.

A student's table is selfgrade.csv, filled in, however it is called and whichever spreadsheet saved it. The student's
points are the sum of the own points; what is left empty counts as 0 and is listed. A table that lacks a question, or
has points that cannot be used, gives no sum: the grade stays open, and the complaint says why.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from autograder.classroom import gradebook
from autograder.classroom.exports.submission import Export, HandedIn, unpacked
from autograder.classroom.parcel import version
from autograder.classroom.spreadsheets import LARGEST, TableError, decoded, meant, points_in, quoted, table_rows
from autograder.exits import Exit
from autograder.grading.files import Entry, UnreadableError, shown
from autograder.grading.report import number
from autograder.release.selfgrade import COLUMNS, FILE, Asked, items
from autograder.sandbox.text import wrapped
from autograder.tables import csv_text
from autograder.tasks import Course
from autograder.writing import write_atomically

QUESTION, TITLE, _, OWN, _ = COLUMNS
MOST_FILES = 200  # of a student, those in zips included


@dataclass(frozen=True)
class SelfGrade:
    """What a student's table says.

    Attributes:
        points: own points by question, those that can be used.
        empty: questions that were left empty.
        problems: what was handed in and could not be used, a sentence each.
        complete: whether the points have a sum: every question occurs once, nothing that was written there is unusable.
    """

    points: Mapping[str, float] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    complete: bool = False

    @property
    def total(self) -> float | None:
        """The sum of the own points; None if it cannot be told."""
        if not self.complete:
            return None
        points = round(math.fsum(self.points.values()), 6)
        return int(points) if points.is_integer() else points


def judged(rows: Sequence[Mapping[str, str]], asked: Sequence[Asked]) -> SelfGrade:
    """What the rows of a table say of what a course asks; rows may be in any order."""
    cells: dict[str, str] = {}
    problems, complete = list[str](), True
    for row in rows:
        item = meant(row, asked)
        if item is None:
            if any(row.values()):
                name = row[QUESTION] or row.get(TITLE) or row[OWN] or "a row without a name"
                problems.append(f"{quoted(name)} is no question of this course")
        elif item.label in cells:
            problems.append(f"{item.label} occurs twice")
            complete = False
        else:
            cells[item.label] = row[OWN]
    points, empty, missing = dict[str, float](), list[str](), list[str]()
    for item in asked:
        cell = cells.get(item.label)
        if cell is None:
            missing.append(item.label)
        elif not cell:
            empty.append(item.label)
        else:
            try:
                points[item.label] = points_in(cell, item.points)
            except ValueError as error:
                problems.append(f"{item.label}: {error}")
                complete = False
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
        complete = False
    if asked and len(empty) == len(asked):
        problems.append(f"nothing is filled in under {OWN!r}")
        complete = False
    return SelfGrade(points, tuple(empty), tuple(problems), complete)


def read_submission(entries: Sequence[Entry], asked: Sequence[Asked]) -> SelfGrade:
    """What a student handed in: the one table among the files, or the newest."""
    names, newest = list[str](), list[dict[str, str]]()
    problems = list[str]()
    files = unpacked(entries, problems)
    for entry in islice(files, MOST_FILES):
        try:
            rows = table_rows(decoded(_content(entry)), (OWN, QUESTION), FILE)
            # "selfgrade (1).csv" is newer than "selfgrade.csv". Only the newest is kept in memory.
            if not names or version(entry.path.name)[1] >= version(names[-1])[1]:
                names, newest = [*names, entry.path.name], rows
            else:
                names.insert(0, entry.path.name)
        except (TableError, UnreadableError) as error:
            said = f"{shown(entry.path.name)} {error}" if isinstance(error, TableError) else str(error)
            problems.append(said.rstrip("."))
    if next(files, None) is not None:
        problems.append(f"there are more than {MOST_FILES} files: the others were not read")
    if not names:
        return SelfGrade(problems=tuple(problems or ["no file was handed in"]))
    found = judged(newest, asked)
    problems += [f"{shown(name)} was left out: {shown(names[-1])} counts" for name in names[:-1]]
    return SelfGrade(found.points, found.empty, (*found.problems, *problems), found.complete)


def _content(entry: Entry) -> bytes:
    """What is in a file.

    Raises:
        TableError: it is none, or too large.
        UnreadableError: it cannot be read.
    """
    if not entry.regular:
        raise TableError("is no ordinary file")
    content = entry.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TableError("is too large for such a table")
    return content


@dataclass(frozen=True)
class SelfGrades:
    """A class that has graded itself.

    Attributes:
        asked: what the course asks.
        export: who handed in, and who did not.
        grades: slug of each submission to what it says.
    """

    asked: tuple[Asked, ...]
    export: Export
    grades: Mapping[str, SelfGrade]

    @property
    def left_out(self) -> bool:
        """Whether something that was handed in does not count."""
        return bool(self.export.unread) or any(grade.problems for grade in self.grades.values())


def read_class(export: Export, course: Course) -> SelfGrades:
    """Read the tables of a class.

    Raises:
        SourceError: the course's questions are not in order.
    """
    asked = tuple(items(course))
    return SelfGrades(
        asked,
        export,
        {
            one.slug: SelfGrade(problems=(one.doubt,)) if one.doubt else read_submission(one.entries, asked)
            for one in export.submissions
        },
    )


def write(out: Path, found: SelfGrades, course: Course, form: str | None, title: str | None) -> None:
    """Write grades.csv and selfgrades.csv into a folder; arguments as in `command.ClassSettings`.

    Raises:
        UnreadableError: the platform whose form was asked for could not take any of the grades.
    """
    title = title or course.title
    form, said = gradebook.form_of(found.export, form, title, course.total)
    found.export.notes += said
    out.mkdir(parents=True, exist_ok=True)
    totals = {slug: grade.total for slug, grade in found.grades.items()}
    gradebook.write(out / "grades.csv", found.export, totals, course.total, form, title)
    write_atomically(out / "selfgrades.csv", "\ufeff" + csv_text(_details(found)))


def _details(found: SelfGrades) -> Iterator[list[Any]]:
    """A line for each student: points by question, their sum, and what is to be said."""
    labels = [item.label for item in found.asked]
    yield ["student", "SID", *labels, "sum", "remarks"]
    yield ["worth", "", *(number(item.points) for item in found.asked), number(sum(i.points for i in found.asked)), ""]
    for submission in found.export.submissions:
        grade = found.grades[submission.slug]
        points = [*(grade.points.get(label) for label in labels), grade.total]
        cells = ["" if given is None else number(given) for given in points]
        for student in submission.students:
            yield [student.called, student.sid or student.number, *cells, "; ".join(remarks(submission, grade))]
    for student in found.export.absent:
        yield [student.called, student.sid or student.number, *[""] * len(labels), "", "handed in none"]


def remarks(submission: HandedIn, grade: SelfGrade) -> list[str]:
    """What the instructor should know about a student's table."""
    said = list(grade.problems)
    if grade.total is None:
        said.append("no sum, so no grade")
    elif grade.empty:
        said.append(f"left empty, counted as 0: {', '.join(grade.empty)}")
    return [*said, *(["late"] if submission.late else []), *submission.notes]


def print_summary(found: SelfGrades, course: Course, stream: TextIO) -> None:
    """Who handed in what, and all complaints, within 80 columns."""
    export = found.export
    summed = sum(grade.total is not None for grade in found.grades.values())
    first = f"self-grades: {len(export.submissions)} handed in, {summed} of them with a sum, "
    lines = [
        *export.summary(),
        first + f"out of {number(course.total)} points; {len(export.absent)} on the roster handed in none",
    ]
    for submission in export.submissions:
        said = remarks(submission, found.grades[submission.slug])
        lines += [f"  {submission.slug}: {'; '.join(said)}"] if said else []
    lines += [f"  handed in none: {student.shown}" for student in export.absent]
    print(*map(wrapped, lines), sep="\n", file=stream)


def sum_up(export: Export, out: Path, course: Course, form: str | None = None, title: str | None = None) -> int:
    """Read, write and print; the exit status.

    Raises:
        SourceError: the course's questions are not in order.
        UnreadableError: as for `write`.
    """
    found = read_class(export, course)
    write(out, found, course, form, title)
    print_summary(found, course, sys.stdout)
    print(f"{out / 'grades.csv'}\n{out / 'selfgrades.csv'}")
    return Exit.LEFT_OUT if found.left_out else Exit.DONE
