"""The people of a class: who they are, what the platforms' lists say of them, and when they handed in."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from autograder.grading.files import UnreadableError
from autograder.sandbox.text import safe_text

# What the platforms call these columns in the CSV files that they offer.
COLUMNS = {
    "name": ("name", "student", "full name", "student name", "roster_identifier", "identifier_name"),
    "first": ("first name",),
    "last": ("last name", "surname"),
    "id": ("id", "canvas id"),
    "sid": ("sid", "sis user id", "student id", "id number"),
    "login": ("sis login id", "username", "github_username"),
    "email": ("email", "email address"),
    "section": ("section", "sections"),
    "time": ("submission_timestamp", "submission time", "last modified (submission)"),
    "status": ("status",),
    "identifier": ("identifier",),
}


@dataclass(frozen=True)
class Student:
    """A person, as far as the export tells.

    Attributes:
        name: as to be shown.
        id: the platform's: Canvas's user id, Moodle's participant number, GitHub's user name.
        sid: the university's number; email, login, section: as they say.
    """

    name: str = ""
    id: str = ""
    sid: str = ""
    email: str = ""
    login: str = ""
    section: str = ""

    @property
    def key(self) -> str:
        """The same for the same person."""
        return (self.id or self.sid or self.email or self.login or self.name).casefold()


Roster = list[tuple[Student, Mapping[str, str]]]


def read_roster(content: bytes, name: str) -> Roster:
    """The students of a CSV, with their rows; columns may be in any order.

    Raises:
        UnreadableError: it is not a table, or has no column that names students.
    """
    text = content.decode("utf-8-sig", "replace")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        table = list(rows)
    except csv.Error as error:
        raise UnreadableError(f"{name} cannot be read as a table ({error})") from None
    fields = {column: (column or "").strip().casefold() for column in rows.fieldnames or ()}
    if not set(fields.values()) & {name for names in COLUMNS.values() for name in names}:
        raise UnreadableError(f"{name} has no column with students' names or numbers; its first line is {first[:80]!r}")
    people: Roster = []
    for row in table:
        cells = {fields[column]: (cell or "").strip() for column, cell in row.items() if column in fields}
        found = {key: next((cells[name] for name in names if cells.get(name)), "") for key, names in COLUMNS.items()}
        full = found["name"] or " ".join(filter(None, (found["first"], found["last"])))
        if "points possible" in full.casefold() or full.startswith("Student, Test"):
            continue  # lines of Canvas's own
        # "Participant 123", by which Moodle names folders too.
        participant = re.search(r"\d+", found["identifier"])
        student = Student(
            name=safe_text(full, 200),
            id=participant.group() if participant else found["id"] or ("" if found["sid"] else found["login"]),
            sid=found["sid"],
            email=found["email"],
            login=found["login"],
            section=found["section"],
        )
        if student.key:
            people.append((student, cells | {f"*{key}": value for key, value in found.items()}))
    return people


def same(student: Student, known: Student) -> bool:
    for mine, theirs in ((student.id, known.id), (student.login, known.login), (student.sid, known.sid)):
        if mine and theirs:
            return mine.casefold() == theirs.casefold()
    if student.email and known.email:
        return student.email.casefold() == known.email.casefold()
    return bool(student.name) and student.name.casefold() == known.name.casefold()


def known_as(name: str, people: Roster) -> Student | None:
    """The one student of the roster whose name, number, login or e-mail address this is; None if it is not one's."""
    wanted = _letters(name)
    found = {student.key: student for student, _ in people if wanted and wanted in _names(student)}
    return next(iter(found.values())) if len(found) == 1 else None


def _names(student: Student) -> set[str]:
    """What files of a student may be called after, as `_letters` writes it."""
    first, _, last = student.name.rpartition(" ")
    names = [student.name, f"{last} {first}", student.id, student.sid, student.login, student.email]
    return {_letters(name) for name in (*names, student.email.partition("@")[0])} - {""}


def _letters(text: str) -> str:
    """Letters and digits alone, without capitals and accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


def iso_time(value: Any) -> str:
    """A time as ISO 8601; "" if it is not a time."""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value or "").strip()
    for parse in (_iso, _us):
        parsed = parse(text)
        if parsed is not None:
            return parsed.isoformat()
    return ""


def _iso(text: str) -> datetime | None:
    # Python 3.10 reads neither Z nor nanoseconds.
    text = re.sub(r"(\.\d{6})\d*", r"\1", text.replace(" UTC", "+00:00").replace("Z", "+00:00"))
    text = re.sub(r" ([+-]\d\d:?\d\d)$", r"\1", text)
    try:
        return datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text))
    except ValueError:
        return None


def _us(text: str) -> datetime | None:
    for form in ("%m/%d/%Y %H:%M:%S", "%m-%d-%Y-%H-%M-%S", "%A, %d %B %Y, %I:%M %p"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def moment(time: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; one without a zone is in UTC. ValueError if it is not a time."""
    parsed = _iso(time)
    if parsed is None:
        raise ValueError(f"{time!r} is not a time: write it as 2026-11-20T23:59+01:00")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
