"""Which submissions count, what the roster knows of their students, and what their files are called."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from autograder.classroom.exports.submission import Submission
from autograder.classroom.roster import Roster, Student, iso_time, moment, same


def with_roster(submission: Submission, people: Roster) -> Submission:
    """A submission with what the roster knows of its students."""
    students, late, time = [], submission.late, submission.time
    for student in submission.students:
        match = next(((known, row) for known, row in people if same(student, known)), None)
        if match is None:
            students.append(student)
            continue
        known, row = match
        students.append(
            Student(
                # A name out of a file name has lost its capitals and spaces.
                name=known.name or student.name,
                id=student.id or known.id,
                sid=student.sid or known.sid,
                email=student.email or known.email,
                login=student.login or known.login,
                section=student.section or known.section,
            )
        )
        late = late or bool(re.search(r"\blate\b|\boverdue\b", row["*status"], re.IGNORECASE))
        time = time or iso_time(row["*time"])
    return replace(submission, students=tuple(students), late=late, time=time)


def matches_any(known: Student, submissions: Sequence[Submission]) -> bool:
    return any(same(student, known) for submission in submissions for student in submission.students)


def with_due_date(submission: Submission, due: str) -> Submission:
    """A submission that is late if it was handed in after `due`."""
    if not due or not submission.time:
        return submission
    return replace(submission, late=submission.late or moment(submission.time) > moment(due))


def latest(submissions: Sequence[Submission]) -> list[Submission]:
    """Each student's last submission; one that no longer counts for any student is dropped."""
    order = sorted(range(len(submissions)), key=lambda place: (_moment(submissions[place]), place))
    owner: dict[str, int] = {}
    count: dict[str, int] = defaultdict(int)
    for place in order:
        for student in submissions[place].students:
            owner[student.key] = place
            count[student.key] += 1
    kept = []
    for place, submission in enumerate(submissions):
        students = tuple(student for student in submission.students if owner[student.key] == place)
        more = [
            f"{student.name or student.id} handed in {count[student.key]} times: this one, the last, counts"
            for student in students
            if count[student.key] > 1
        ]
        if students:
            kept.append(replace(submission, students=students, notes=(*submission.notes, *more)))
    return kept


def _moment(submission: Submission) -> float:
    return moment(submission.time) if submission.time else 0.0


def with_slugs(submissions: Sequence[Submission]) -> list[Submission]:
    """Submissions with names for their files: readable, harmless, unique, the same in every run."""
    taken: set[str] = set()
    named = []
    for submission in sorted(submissions, key=lambda submission: (submission.name.casefold(), _identity(submission))):
        base = slug(submission.name)[:60].strip("-")
        own = slug(submission.students[0].id or submission.students[0].sid)[:30].strip("-")
        if own and own != base and not base.endswith(f"-{own}"):
            base = f"{base}-{own}".strip("-")
        base = base or "submission"
        choice, number = base, 2
        while choice in taken:
            choice, number = f"{base}-{number}", number + 1
        taken.add(choice)
        named.append(replace(submission, slug=choice))
    return named


def _identity(submission: Submission) -> tuple[str, ...]:
    return tuple(student.key for student in submission.students)


def slug(text: str) -> str:
    """Text as part of a file name: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
