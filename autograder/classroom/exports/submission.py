"""What was handed in, and by whom, whatever platform it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.classroom.roster import Student
from autograder.grading.files import Entry


@dataclass(frozen=True)
class Submission:
    """What was handed in, and by whom.

    Attributes:
        slug: its name in files; unique in the class.
        students: more than one for group work.
        entries: its files, paths counted from the submission's folder, in the order of their upload if that is known.
        late: whether the export or the due date says so.
        time: when it was handed in, ISO 8601; "" if unknown.
        notes: what the instructor should know.
    """

    slug: str
    students: tuple[Student, ...]
    entries: tuple[Entry, ...] = ()
    late: bool = False
    time: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(student.name or student.id for student in self.students)


@dataclass
class Export:
    """A whole class.

    Attributes:
        layout: one of reading.LAYOUTS.
        submissions: one for each student or group, the one that counts.
        absent: students of the roster who handed in nothing.
        notes: what could not be made sense of.
    """

    layout: str
    submissions: list[Submission] = field(default_factory=list)
    absent: list[Student] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Found = tuple[list[Submission], list[str]]  # what a platform's reader finds: submissions without slugs, notes
