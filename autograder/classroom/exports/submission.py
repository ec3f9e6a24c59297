"""What was handed in, and by whom, whatever platform it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autograder.classroom.roster import Student
from autograder.grading.files import SUBMISSION, Entry, UnreadableError, zip_tree
from autograder.grading.report import count
from autograder.sandbox.text import safe_text

SHOWN = 20
TITLES = {
    "gradescope": "Gradescope",
    "canvas": "Canvas",
    "moodle": "Moodle",
    "brightspace": "Brightspace",
    "blackboard": "Blackboard",
    "github": "GitHub Classroom",
    "plain": "Plain folder",
}


@dataclass(frozen=True)
class HandedIn:
    """What was handed in, and by whom.

    Attributes:
        slug: its name in files; unique in the class.
        students: more than one for group work.
        entries: its files, paths counted from the submission's folder, in the order of their upload if that is known.
        late: whether the export or the due date says so, for one of the students at least.
        time: when it was handed in, ISO 8601; "" if unknown.
        notes: what the instructor should know.
        source: what it is called in the export: its folder, or its first file.
        doubt: why it cannot be told whose it is, and what to do; it is not graded then. "" if it is clear.
    """

    slug: str
    students: tuple[Student, ...]
    entries: tuple[Entry, ...] = ()
    late: bool = False
    time: str = ""
    notes: tuple[str, ...] = ()
    source: str = ""
    doubt: str = ""

    @property
    def name(self) -> str:
        return ", ".join(student.called for student in self.students)

    @property
    def shown(self) -> str:
        """The names with their numbers, so that two students of one name differ."""
        return ", ".join(student.shown for student in self.students)


def late_days(student: Student, submission: HandedIn) -> int | str:
    """Days that have begun since a student's due date; "yes" if it is late and not known how much, "" if not known."""
    if student.days_late is None:
        return "yes" if submission.late else ""
    return math.ceil(student.days_late)


@dataclass
class Export:
    """A whole class.

    Attributes:
        platform: one of reading.PLATFORMS.
        submissions: one for each student or group, the one that counts.
        absent: students of the roster, and of empty folders, who handed in nothing.
        notes: what was assumed, and what is in doubt.
        unread: files and folders that belong to no student, and what to do about them.
        files: how many files are "of submissions", "set aside" (what systems and the platform itself add, and earlier
            attempts) and "unread": together all that lie in the export. What is inside an archive is not counted.
    """

    platform: str
    submissions: list[HandedIn] = field(default_factory=list)
    absent: list[Student] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)

    def summary(self) -> list[str]:
        """What was recognised, with a sample, and what became of the files: lines for people."""
        first = next((one for one in self.submissions if not one.doubt), next(iter(self.submissions), None))
        number = len({student.key for one in self.submissions for student in one.students})
        files = ", ".join(f"{many} {what}" for what, many in self.files.items())
        sample = f", for example {safe_text(first.source, 80)} -> {safe_text(first.shown, 80)}" if first else ""
        return [
            f"{TITLES[self.platform]}: {count(number, 'student')}{sample}",
            f"{count(sum(self.files.values()), 'file')}: {files}",
            *self.notes[:SHOWN],
            *([f"and {len(self.notes) - SHOWN} more remarks, which class.html has"] if len(self.notes) > SHOWN else ()),
            *(f"unread: {said}" for said in self.unread),
        ]


def unpacked(entries: Sequence[Entry], problems: list[str]) -> Iterator[Entry]:
    """The entries, and what is in those that are zips; what cannot be opened goes to `problems`.

    Names that begin with a dot are the system's.
    """
    for entry in entries:
        if entry.path.name.startswith(".") or entry.is_folder:
            continue
        if entry.path.suffix.lower() != ".zip":
            yield entry
            continue
        try:
            inside = zip_tree(entry.opened(SUBMISSION.archive_bytes), entry.path.name, limits=SUBMISSION).entries
            yield from (inner for inner in inside if not (inner.path.name.startswith(".") or inner.is_folder))
        except UnreadableError as error:
            problems.append(str(error).rstrip("."))
