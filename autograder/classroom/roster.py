"""The people of a class: what a list of students says of them, and whom of it a student of an export is."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from autograder.classroom.spreadsheets import TableError, decoded
from autograder.clock import read_time
from autograder.grading.files import UnreadableError
from autograder.sandbox.text import safe_text

# What the platforms call these columns in the lists that they offer, and what a list of one's own may call them.
COLUMNS = {
    "name": ("name", "student", "full name", "student name", "roster_identifier", "identifier_name"),
    "first": ("first name", "firstname"),
    "last": ("last name", "lastname", "surname"),
    "id": ("id", "canvas id", "canvas_user_id"),
    "sid": ("sid", "sis user id", "student id", "id number", "orgdefinedid", "student number"),
    "login": ("sis login id", "username", "github_username", "login_id", "login"),
    "email": ("email", "email address", "e-mail"),
    "section": ("section", "sections"),
    "group": ("group", "group name", "group_name", "team", "pair"),
    "extension": ("extension days", "extension", "extra days"),
    "time": ("submission_timestamp", "submission time", "last modified (submission)"),
    "status": ("status",),
    "identifier": ("identifier",),
}
IDS = ("id", "sid", "login")


@dataclass(frozen=True)
class Student:
    """A person, as far as the export tells.

    Attributes:
        name: as to be shown.
        id: the platform's: Canvas's user id, Moodle's participant number, GitHub's user name.
        sid: the university's number; email, login, section: as they say. All are texts: 00123 is not 123.
        group: of students who hand in together.
        extension: days that this student may be late.
        days_late: by the course's clock, after the extension; None if it is not known when the student handed in.
        row: column of the list of students -> what stands there, both as the list has them; empty without a list.
    """

    name: str = ""
    id: str = ""
    sid: str = ""
    email: str = ""
    login: str = ""
    section: str = ""
    group: str = ""
    extension: float = 0.0
    days_late: float | None = None
    row: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def key(self) -> str:
        """The same for the same person; a number of one kind is not one of another kind."""
        kinds = ("id", "sid", "email", "login", "name")
        return next((f"{kind} {getattr(self, kind).casefold()}" for kind in kinds if getattr(self, kind)), "")

    @property
    def number(self) -> str:
        """What tells the student from others of the same name; "" if only the name is known."""
        return self.id or self.sid or self.login or self.email

    @property
    def called(self) -> str:
        """What people call the student."""
        return self.name or self.number

    @property
    def shown(self) -> str:
        """The same with the number, where that says more: for wherever students are listed."""
        known = self.number in ("", self.called, *self.called.split())
        return self.called if known else f"{self.called} ({self.number})"


Roster = list[tuple[Student, Mapping[str, str]]]


def read_roster(content: bytes, name: str) -> Roster:
    """The students of a table, with their rows; columns may be in any order, between commas, semicolons or tabs.

    Raises:
        UnreadableError: it is no table, has no column that names students, or has an extension that is no number.
    """
    try:
        text = decoded(content)
    except TableError as error:
        raise UnreadableError(f"{name} {error}") from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        fields = {column: (column or "").strip().casefold() for column in rows.fieldnames or ()}
        if not set(fields.values()) & {name for names in COLUMNS.values() for name in names}:
            raise UnreadableError(
                f"{name} has no column with students' names or numbers, such as Name, SID, Email, Username or "
                f"Identifier; its first line is {first.strip()[:80]!r}"
            )
        table = [{column: cell or "" for column, cell in row.items() if column in fields} for row in rows]
    except csv.Error as error:
        raise UnreadableError(f"{name} is not a table that can be read ({error}): save it as CSV again") from None
    people: Roster = []
    for row in table:
        cells = {fields[column]: cell.strip() for column, cell in row.items()}
        found = {key: next((cells[name] for name in names if cells.get(name)), "") for key, names in COLUMNS.items()}
        full = found["name"] or " ".join(filter(None, (found["first"], found["last"])))
        if "points possible" in full.casefold() or full.startswith("Student, Test"):
            continue  # lines of Canvas's own
        if cells.get("role") and not re.search("student|learner", cells["role"], re.IGNORECASE):
            continue  # Gradescope's roster has the staff in it, too
        # "Participant 123", by which Moodle names folders too; GitHub Classroom's identifier is whatever people chose.
        participant = re.fullmatch(r"\D+ (\d+)", found["identifier"])
        sid, login = (found[key].removeprefix("#") for key in ("sid", "login"))  # Brightspace writes "#123"
        student = Student(
            name=safe_text(full or ("" if participant else found["identifier"]), 200),
            id=participant[1] if participant else found["id"] or ("" if sid else login),
            sid=sid,
            email=found["email"],
            login=login,
            section=found["section"],
            group=safe_text(found["group"], 200),
            extension=_days(found["extension"], full, name),
            row=row,
        )
        if student.key:
            people.append((student, cells | {f"*{key}": value for key, value in found.items()}))
    return people


def _days(cell: str, who: str, name: str) -> float:
    try:
        days = float(cell.replace(",", ".") or 0)
    except ValueError:
        days = -1.0
    if not (math.isfinite(days) and days >= 0):
        raise UnreadableError(f"{name}: {cell!r}, the extension of {who}, must be a number of days, such as 2")
    return days


Index = Mapping[tuple[str, str], Sequence[int]]


def index(people: Roster) -> Index:
    """(kind of number or name, or "group", text) -> places in the roster of those whom it means."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (student, _) in enumerate(people):
        numbers = {(kind, getattr(student, kind).casefold()) for kind in (*IDS, "email")}
        alike = {("alike", getattr(student, kind).lstrip("0")) for kind in ("id", "sid")}
        called = {("exact", text) for text in (student.name.casefold(), *(text for _, text in numbers))}
        letters = {("letters", text) for text in _names(student)}
        for key in numbers | alike | called | letters | {("group", student.group.casefold())}:
            if key[1]:
                found[key].append(place)
    return found


def candidates(student: Student, people: Roster, known: Index) -> list[int]:
    """Places in the roster of all whom a student of an export may be; none if the roster does not have the student.

    An equal e-mail address or an equal number decides. A name does so only where no number contradicts it.
    """
    keys = [(kind, getattr(student, kind).casefold()) for kind in (*IDS, "email")]
    sure = {place for key in keys for place in known.get(key, ())}
    named = known.get(("letters", _letters(student.name)), ())
    return _one_each(sorted(sure) or [place for place in named if not _differing(student, people[place][0])], people)


def named(student: Student, people: Roster, known: Index) -> list[int]:
    """Places in the roster of all whose name, number, login or e-mail address a folder or file is called."""
    name = student.name
    return _one_each(known.get(("exact", name.casefold())) or known.get(("letters", _letters(name)), ()), people)


def _one_each(places: Iterable[int], people: Roster) -> list[int]:
    """The places, each student once: lists may name one twice."""
    return list({people[place][0].key: place for place in reversed(list(places))}.values())[::-1]


def _differing(one: Student, other: Student) -> list[tuple[str, str]]:
    """Numbers of a kind that both have, where they are not the same."""
    pairs = ((getattr(one, kind), getattr(other, kind)) for kind in IDS)
    return [(mine, theirs) for mine, theirs in pairs if mine and theirs and mine.casefold() != theirs.casefold()]


def doubts(student: Student, place: int | None, people: Roster, known: Index) -> list[str]:
    """What speaks against the student's place on the roster; without a place, who on it may be meant after all."""
    if place is not None:
        return [
            f"{student.called} is {mine} in the export and {theirs} on the roster: taken as one student, because "
            "another number or the e-mail address is the same"
            for mine, theirs in _differing(student, people[place][0])[:1]
        ]
    keys = [("letters", _letters(student.name)), *(("alike", getattr(student, k).lstrip("0")) for k in ("id", "sid"))]
    alike = {place: people[place][0] for key in keys for place in known.get(key, ())}
    return [
        f"{student.called} ({mine}) of the export and {other.called} ({theirs}) of the roster may be one student: "
        "correct the number on the roster, or add the e-mail address"
        for other in alike.values()
        for mine, theirs in _differing(student, other)[:1]
    ]


@lru_cache(maxsize=100_000)
def _names(student: Student) -> frozenset[str]:
    """What files of a student may be called after, as `_letters` writes it."""
    first, _, last = student.name.rpartition(" ")
    names = [student.name, f"{last} {first}", student.id, student.sid, student.login, student.email]
    return frozenset(_letters(name) for name in (*names, student.email.partition("@")[0])) - {""}


def _letters(text: str) -> str:
    """Letters and digits alone, without capitals and accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


def iso_time(value: Any) -> str:
    """A time as ISO 8601, with a zone only if it names one; "" if it is not a time."""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value or "").strip()
    for parse in (read_time, _us):
        parsed = parse(text)
        if parsed is not None:
            return parsed.isoformat()
    return ""


def _us(text: str) -> datetime | None:
    for form in ("%m/%d/%Y %H:%M:%S", "%m-%d-%Y-%H-%M-%S", "%A, %d %B %Y, %I:%M %p"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
