"""Which submissions count, what the roster knows of their students, and what their files are called."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.roster import Index, Roster, Student, candidates, doubts, index, iso_time, named
from autograder.clock import days_late, moment
from autograder.grading.files import listed


@dataclass(frozen=True)
class Known:
    """What a roster knows of a class.

    Attributes:
        submissions: with their students as the roster has them.
        absent: students of the roster who handed in nothing.
        notes: doubts.
    """

    submissions: list[HandedIn]
    absent: list[Student]
    notes: list[str]


def with_roster(submissions: Sequence[HandedIn], people: Roster, by_name: bool) -> Known:
    """What the roster knows of the students of submissions.

    Where a student may be two of the roster, or two of the export may be the same one, nothing of theirs is graded. A
    group's one submission is that of all its members.

    Args:
        by_name: whether the export says of students only what their folders and files are called.
    """
    everybody = {student: None for submission in submissions for student in submission.students}
    known_as = index(people)
    whom = named if by_name else candidates
    links = {student: whom(student, people, known_as) for student in everybody}
    groups = {student: () if links[student] else _members(student, known_as) for student in everybody}
    rivals: dict[int, list[Student]] = defaultdict(list)  # place on the roster -> the export's students
    for student in everybody:
        sure = links[student] if len(links[student]) == 1 else groups[student]
        for one in sure:
            if student.key not in [rival.key for rival in rivals[one]]:
                rivals[one].append(student)
    found, linked, notes = [], set[str](), list[str]()
    for submission in submissions:
        students, doubt, late, time = list[Student](), submission.doubt, submission.late, submission.time
        for student in submission.students:
            places = links[student] or groups[student]
            mine = [place for place in places if student.key == next((one.key for one in rivals[place]), "")]
            doubt = doubt or _doubt(student, links[student], groups[student], rivals, people)
            if not mine:
                students.append(student)
                notes += doubts(student, None, people, known_as) if not places else []
            for place in mine:
                known, row = people[place]
                linked.add(known.key)
                students.append(known if by_name or groups[student] else _joined(student, known))
                # A folder's name is no number that could contradict the roster's.
                notes += doubts(student, place, people, known_as) if links[student] and not by_name else []
                late = late or bool(re.search(r"\blate\b|\boverdue\b", row["*status"], re.IGNORECASE))
                time = time or iso_time(row["*time"])
        found.append(replace(submission, students=tuple(students), late=late, time=time, doubt=doubt))
    found, more = _given_to_groups(found, people, known_as, linked)
    absent = {known.key: known for known, _ in people if known.key not in linked}
    return Known(found, list(absent.values()), list(dict.fromkeys([*notes, *more])))


def _doubt(
    student: Student,
    places: Sequence[int],
    members: Sequence[int],
    rivals: Mapping[int, Sequence[Student]],
    people: Roster,
) -> str:
    """Why it cannot be told which student or group of the roster this is; "" if it can, or if it is none."""
    if len(places) > 1:
        names = " or ".join(people[place][0].shown for place in places)
        return f"{student.shown} may be {names} of the roster: give it the platform's numbers, or e-mail addresses"
    for place in (*places, *members):
        if len(rivals[place]) > 1:
            names, whose = " and ".join(rival.shown for rival in rivals[place]), people[place][0].shown
            return f"{names} may both be of {whose} of the roster: ask both, and delete what is not theirs"
    return ""


def _joined(student: Student, known: Student) -> Student:
    """A student of the export with what the roster knows; a name out of a file's name has lost capitals and spaces."""
    kept = {kind: getattr(student, kind) or getattr(known, kind) for kind in ("id", "sid", "email", "login", "section")}
    return replace(known, name=known.name or student.name, **kept)


def _members(student: Student, known_as: Index) -> Sequence[int]:
    """Places of the roster's group of this name: platforms call what a group hands in after it."""
    return known_as.get(("group", student.name.removesuffix(f" {student.id}").casefold()), ())


def _given_to_groups(
    submissions: Sequence[HandedIn], people: Roster, known_as: Index, linked: set[str]
) -> tuple[list[HandedIn], list[str]]:
    """(each submission with those of its group who have none of their own, what is to be said); adds to `linked`."""
    found, handed_in = [], defaultdict[str, int](int)
    for submission in submissions:
        groups = {student.group.casefold() for student in submission.students} - {""}
        members = (people[place][0] for group in groups for place in known_as[("group", group)])
        more = {known.key: known for known in members if known.key not in linked}
        linked.update(more)
        for group in groups:
            handed_in[group] += 1
        found.append(replace(submission, students=(*submission.students, *more.values())))
    several = [group for group, number in handed_in.items() if number > 1]
    said = f"several of a group handed in, each counts for who handed it in: {listed(several)}"
    return found, [said] if several else []


def with_due_date(submission: HandedIn, due: datetime | None, zone: tzinfo, grace_minutes: float) -> HandedIn:
    """A submission with how late each of its students was; as the platform says where no time is known."""
    if due is None or not submission.time:
        extended = [one.shown for one in submission.students if one.extension]
        if not (submission.late and extended):
            return submission
        note = f"late, says the platform, which names no time; {', '.join(extended)} had an extension"
        return replace(submission, notes=(*submission.notes, note))
    handed_in, end = moment(submission.time, zone), due.astimezone(zone)
    students = tuple(
        replace(one, days_late=days_late(handed_in, end + timedelta(days=one.extension), zone, grace_minutes))
        for one in submission.students
    )
    return replace(submission, students=students, late=any(one.days_late for one in students))


def latest(submissions: Sequence[HandedIn], zone: tzinfo) -> list[HandedIn]:
    """Each student's last submission; one that no longer counts for any student is dropped."""

    def time(submission: HandedIn) -> float:
        return moment(submission.time, zone).timestamp() if submission.time else 0.0

    order = sorted(range(len(submissions)), key=lambda place: (time(submissions[place]), place))
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
            f"{student.shown} handed in {count[student.key]} times: this one, the last, counts"
            for student in students
            if count[student.key] > 1
        ]
        if students:
            kept.append(replace(submission, students=students, notes=(*submission.notes, *more)))
    return kept


def with_slugs(submissions: Sequence[HandedIn]) -> list[HandedIn]:
    """Submissions with names for their files: readable, harmless, unique, the same in every run."""
    taken: set[str] = set()
    named = []
    for submission in sorted(submissions, key=lambda submission: (submission.name.casefold(), _identity(submission))):
        named.append(replace(submission, slug=slug_of(submission, taken)))
        taken.add(named[-1].slug)
    return named


def slug_of(submission: HandedIn, taken: Collection[str]) -> str:
    """The name for a submission's files, from its students' names and the first one's number."""
    base = slug(submission.name)[:60].strip("-")
    own = slug(submission.students[0].id or submission.students[0].sid)[:30].strip("-")
    if own and own != base and not base.endswith(f"-{own}"):
        base = f"{base}-{own}".strip("-")
    base = base or "submission"
    choice, number = base, 2
    while choice in taken:
        choice, number = f"{base}-{number}", number + 1
    return choice


def _identity(submission: HandedIn) -> tuple[str, ...]:
    return tuple(student.key for student in submission.students)


def slug(text: str) -> str:
    """Text as part of a file name: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
