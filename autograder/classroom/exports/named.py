"""Exports in which names of files or folders say whose they are: Canvas, Moodle, Brightspace, Blackboard.

What each platform writes is a rule in a table. Students choose their display names and the names of their files, so a
name may be made to look like another student's: where it can be read in two ways, neither student's work is graded.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from autograder.classroom.exports import plain
from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree, UnreadableError
from autograder.sandbox.text import safe_text


@dataclass(frozen=True)
class Reading:
    """A way to read a name.

    Attributes:
        user: the platform's number of the student.
        name: the student's.
        file: the name of what was handed in, as the student called it; "" for a folder.
        upload: number of the upload; later ones are larger.
        time: as the platform writes it.
    """

    user: str
    name: str
    file: str
    late: bool = False
    upload: int = 0
    time: str = ""


def _named(tree: Tree, firsts: Mapping[str, Reading]) -> dict[str, Student]:
    """The student of each number."""
    return {user: Student(name=safe_text(one.name or user, 200), id=user) for user, one in firsts.items()}


def _participants(tree: Tree, firsts: Mapping[str, Reading]) -> dict[str, Student]:
    """The same; where marking is blind, Moodle calls everybody "Participant", in some language."""
    numbered = {user: one.name if " " in one.name else f"{one.name} {user}" for user, one in firsts.items()}
    return {user: Student(name=safe_text(name, 200), id=user) for user, name in numbered.items()}


def _logins(tree: Tree, firsts: Mapping[str, Reading]) -> dict[str, Student]:
    """The student of each "ASSIGNMENT_LOGIN". Blackboard's own file for each begins with "Name: NAME (LOGIN)"."""
    prefix = os.path.commonprefix(list(firsts)) if len(firsts) > 1 else next(iter(firsts))
    prefix = prefix[: prefix.rfind("_") + 1]
    found = {user: Student(name=login, login=login) for user in firsts if (login := user[len(prefix) :])}
    for entry in tree.entries:
        match = BLACKBOARD.fullmatch(entry.path.name.removesuffix(".txt"))
        about = NAME_AND_LOGIN.match(_beginning(entry)) if match and entry.path.suffix == ".txt" else None
        if match and about and match["user"] in firsts and match["user"].endswith(f"_{about['login']}"):
            login = about["login"]
            found[match["user"]] = Student(name=safe_text(about["name"], 200), login=login)
    return found


def _beginning(entry: Entry) -> str:
    try:
        return entry.read(4096).decode("utf-8-sig", "replace")
    except UnreadableError:
        return ""


NAME_AND_LOGIN = re.compile(r"Name: *(?P<name>.*) \((?P<login>[^()\n]+)\) *\r?(?:\n|$)")
BLACKBOARD = re.compile(r"(?P<user>.+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})")


@dataclass(frozen=True)
class Rule:
    """How a platform names what was handed in.

    Attributes:
        mark: finds the student in a name. Groups: `user`, and where there are such `name` (else it is what stands
            before the mark), `late`, `upload`, `time`. Behind it stands the file's name.
        times: how `time` is written, for strptime; it names no zone.
        own: names of files that the platform itself adds.
        anywhere: whether a student's name can hold such a mark, too.
        people: the students of the numbers that were found.
    """

    mark: re.Pattern[str]
    times: str = ""
    own: frozenset[str] = frozenset()
    anywhere: bool = False
    people: Callable[[Tree, Mapping[str, Reading]], dict[str, Student]] = _named


RULES = {
    # lib/content_zipper.rb: name, LATE, user (a letter code in anonymous assignments), upload, file. It takes _digits_
    # out of names before it takes other characters out: "x_-101_-y" still makes a mark.
    "canvas": Rule(
        re.compile(
            r"(?:_|^(?=anon))(?:(?P<late>LATE)_)?(?P<user>\d{1,20}|anon_\w{5})_"
            r"(?:(?P<upload>\d{1,20})(?=_.)|(?=(?:text|link)\.html$))"
        ),
        anywhere=True,
    ),
    # mod/assign/classes/downloader.php: underscores in names become spaces.
    "moodle": Rule(
        re.compile(r"^(?P<name>[^_]+)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)(?=_|$)"),
        people=_participants,
    ),
    # A folder "3970-25573 - Jane Doe - Sep 24, 2026 926 PM"; as a file, with " - work.py" behind it.
    "brightspace": Rule(
        re.compile(
            r"^(?P<user>\d+)-\d+ - (?P<name>.+?)"
            r"(?: - (?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{3,4} [AP]M))?(?= - |$)"
        ),
        times="%b %d, %Y %I:%M %p",
        own=frozenset({"index.html"}),
    ),
    # "HW 1_jdoe_attempt_2026-11-03-10-00-00_work.py"; with .txt alone it is Blackboard's own, with the comments.
    "blackboard": Rule(re.compile(f"^{BLACKBOARD.pattern}(?=[_.]|$)"), times="%Y-%m-%d-%H-%M-%S", people=_logins),
}


def readings(name: str, rule: Rule) -> list[Reading]:
    """All ways to read a name, each for another student; the platform's own way is the first."""
    found: dict[str, Reading] = {}
    match = rule.mark.search(name)
    while match:
        groups = {key: value or "" for key, value in match.groupdict().items()}
        behind = re.sub(r"^(?:_| - )", "", name[match.end() :])
        reading = Reading(
            user=groups["user"],
            name=groups.get("name", name[: match.start()]),
            file=f"comments{behind}" if behind.startswith(".") else behind,
            late=bool(groups.get("late")),
            upload=int(groups.get("upload") or 0),
            time=groups.get("time", ""),
        )
        found.setdefault(reading.user, reading)
        match = rule.mark.search(name, match.start() + 1) if rule.anywhere else None
    return list(found.values())


def read(tree: Tree, rule: Rule, known: Collection[str] = (), certain: bool = False) -> list[HandedIn] | None:
    """The submissions of an export; None if it is not such a platform's.

    Args:
        certain: whether it is known to be; else most names must be as the platform writes them, of those that may be
            a student's.
        known: numbers of the students on the roster. They decide between two ways to read a name, if they are the
            platform's: if most students whose files can be read in one way only are among them.
    """
    tops = [top for top in tree.tops() if top.lower() not in rule.own]
    read_as = {top: ways for top in tops if (ways := readings(top, rule))}
    folders = {entry.path.parts[0] for entry in tree.entries if len(entry.path.parts) > 1}
    others = [top for top in tops if top not in read_as and plain.owner(top, top in folders)]
    if not read_as or (len(read_as) <= len(others) and not certain):
        return None
    clear = {ways[0].user for ways in read_as.values() if len(ways) == 1}
    if 2 * len(clear & set(known)) > len(clear):
        read_as = {top: [one for one in ways if one.user in known] or ways for top, ways in read_as.items()}
    firsts = {top: ways[0] for top, ways in read_as.items()}
    people = rule.people(tree, {one.user: one for one in reversed(firsts.values())})
    doubts = _doubts(read_as)
    attempts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for top, one in sorted(firsts.items(), key=lambda item: item[1].upload):
        attempts[one.user, one.time].append(top)
    inside: dict[str, list[Entry]] = defaultdict(list)
    for entry in tree.entries:
        top, *rest = entry.path.parts
        if top in firsts:
            inside[top].append(entry.at(PurePosixPath(*rest) if rest else firsts[top].file or top))
    found = [
        HandedIn(
            slug="",
            students=(people[user],),
            entries=tuple(entry for top in own for entry in inside[top]),
            late=any(firsts[top].late for top in own),
            time=_iso(time, rule.times),
            source=own[0],
            doubt=doubts.get(user, ""),
        )
        for (user, time), own in attempts.items()
    ]
    return [
        *found,
        *(
            HandedIn("", (Student(name=f"student {user}", id=user),), source=f"student {user}", doubt=doubts[user])
            for user in sorted(doubts.keys() - people.keys())
        ),
    ]


def _iso(time: str, form: str) -> str:
    time = re.sub(r"(\d\d) ([AP]M)$", r":\1 \2", time)  # "100 AM" is one o'clock
    try:
        return datetime.strptime(time, form).isoformat() if time else ""
    except ValueError:
        return ""


def _doubts(read_as: Mapping[str, Sequence[Reading]]) -> dict[str, str]:
    """Numbers of students -> why it cannot be told what is theirs: two ways to read a name, two names of a number."""
    names: dict[str, dict[str, str]] = defaultdict(dict)  # number -> student's name -> a file that says so
    for top, (first, *_) in read_as.items():
        names[first.user].setdefault(first.name, top)
    # A date in the name of a file is not as long as the numbers.
    users_length, uploads_length = _usual([ways[0] for ways in read_as.values()])
    found: dict[str, str] = {}
    for top, (first, *others) in read_as.items():
        likely = [one for one in others if len(one.user) in users_length and len(str(one.upload)) in uploads_length]
        users = [first.user, *(one.user for one in (others if len(names[first.user]) > 1 else likely))]
        if len(users) > 1:
            said = (
                f"{safe_text(top, 80)} may be of student {' or '.join(users)}: ask both, and delete what is not theirs"
            )
            found |= {user: said for user in users if user not in found}
    for user, files in names.items():
        if len(files) > 1 and user not in found:
            tops = " and ".join(safe_text(top, 80) for top in files.values())
            found[user] = f"{tops} give student {user} two names: ask, and delete what is not theirs"
    return found


def _usual(firsts: Sequence[Reading]) -> tuple[range, range]:
    """How long the platform's numbers are, of students and of uploads, give or take a digit."""
    lengths = ([len(one.user) for one in firsts], [len(str(one.upload)) for one in firsts if one.upload] or [0])
    users, uploads = (range(min(found) - 1, max(found) + 2) for found in lengths)
    return users, uploads
