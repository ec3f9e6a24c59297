"""class.json in the results' folder: who is in the class, and which score counts. It tells the next term's regrade, and
the one after it, whose result is whose."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from autograder.classroom.exports.submission import Export, HandedIn, late_days
from autograder.classroom.roster import Student
from autograder.sandbox.text import safe_text
from autograder.writing import write_atomically

FILE = "class.json"
NUMBERS = ("sid", "id", "login")


@dataclass(frozen=True)
class Member:
    """A student whose submission is in the results.

    Attributes:
        slug: of the submission.
        score: the points that count; None if there are none.
        late: how late, in words; "" if in time.
        others: see roster.Student; without characters that cannot be seen.
    """

    slug: str
    name: str = ""
    id: str = ""
    sid: str = ""
    login: str = ""
    email: str = ""
    score: float | None = None
    late: str = ""

    @property
    def number(self) -> str:
        """What tells the student from others of the same name; "" if nothing does."""
        number = self.sid or self.id or self.login
        return number if number != self.name else ""

    @property
    def shown(self) -> str:
        """The name with the number."""
        name = self.name or self.slug
        return f"{name} ({self.number})" if self.number else name


def members(export: Export, scores: Mapping[str, float | None]) -> list[Member]:
    """Everybody who handed in something.

    Args:
        scores: slug to the points that count.
    """
    return [
        Member(
            submission.slug,
            safe_text(student.called),
            **{name: safe_text(getattr(student, name)) for name in (*NUMBERS, "email")},
            score=scores.get(submission.slug),
            late=_lateness(student, submission),
        )
        for submission in export.submissions
        for student in submission.students
    ]


def _lateness(student: Student, submission: HandedIn) -> str:
    days = late_days(student, submission)
    return f"{days} day{'s' * (days > 1)}" if isinstance(days, int) and days else str(days or "")


def matched(old: Sequence[Member], new: Sequence[Member]) -> dict[Member, Member]:
    """Who of a class is who of an earlier one, whatever platform or roster they are known from.

    One number or address that both have decides, and otherwise the name, where nobody else has it and no number speaks
    against it. Of those of whom only the slug is known, that decides.
    """
    found: dict[Member, Member] = {}
    for mark in (*NUMBERS, "email", "name", "slug"):
        theirs = _by(mark, [one for one in old if one not in found.values() and (mark != "slug" or not one.name)])
        for value, one in _by(mark, [one for one in new if one not in found]).items():
            if value in theirs and (mark in NUMBERS or not _differ(one, theirs[value])):
                found[one] = theirs[value]
    return found


def _by(mark: str, people: Sequence[Member]) -> dict[str, Member]:
    """Those whom a mark tells from all others, by it."""
    values = [getattr(one, mark).casefold() for one in people]
    return {value: one for value, one in zip(values, people, strict=True) if value and values.count(value) == 1}


def _differ(one: Member, other: Member) -> bool:
    return any(
        getattr(one, mark) and getattr(other, mark) and getattr(one, mark) != getattr(other, mark) for mark in NUMBERS
    )


@dataclass(frozen=True)
class ClassList:
    """A class as it was graded.

    Attributes:
        origin: what its last run's results follow from: see results_folder.Record.
        kept_higher: whether a score is that of an earlier grading if that was higher.
    """

    people: Sequence[Member]
    origin: str = ""
    kept_higher: bool = False


def write(folder: Path, about: ClassList) -> None:
    """Write class.json."""
    write_atomically(folder / FILE, json.dumps(asdict(about), indent=1) + "\n")


def read(folder: Path) -> ClassList | None:
    """What class.json says; None where there is none that can be read."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        known = [one.name for one in fields(Member)]
        people = [Member(**{name: row[name] for name in known if name in row}) for row in document["people"]]
        return ClassList(people, str(document["origin"]), bool(document["kept_higher"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
