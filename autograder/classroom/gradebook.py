"""grades.csv, in the form that a platform's gradebook takes back, or as a plain table.

Platforms find a student by a number or a name of their own, and an assignment by the title of its column. Both go back
as the platform's own list of students has them, where `--roster` names it. What their importers ask for stands, with
addresses, in tests/kit/classroom/test_gradebook.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.classroom.exports.submission import TITLES, Export, HandedIn, late_days
from autograder.classroom.roster import Student
from autograder.grading.files import UnreadableError, listed
from autograder.grading.report import number
from autograder.tables import csv_text
from autograder.tasks import Late
from autograder.writing import write_atomically

Scores = Mapping[str, float | None]  # slug of a submission to its score; None for what could not be graded
Cell = Callable[[Student], str]


@dataclass(frozen=True)
class Form:
    """How a platform takes grades back.

    Attributes:
        cells: columns that name a student, in their order, and what stands in them for students who are not on the
            platform's own list. Of that list these columns go back, with all that stands in them.
        keys: those by which the platform finds a student; one of them at least must be filled.
        marks: columns by which its own list is known; of several with "|" between them, one.
        title: finds an assignment's name in the title of its column.
        new: the title of a column that its own list does not have, from the assignment's name.
        makes: what the platform makes of a column that it does not have.
        last: a column at the end, and what stands in it.
        whole: whether its own list goes back with all its columns.
    """

    cells: Mapping[str, Cell]
    keys: Collection[str]
    marks: Collection[str]
    title: str = ""
    new: str = "{}"
    makes: str = ""
    last: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False


def _participant(student: Student) -> str:
    return f"Participant {student.id}" if student.id.isdecimal() else ""


IMPORTED = {
    "canvas": Form(
        {
            "Student": lambda student: student.name,
            "LastName": lambda student: student.name,
            "FirstName": lambda student: "",
            "ID": lambda student: student.id if student.id.isdecimal() else "",
            "SIS User ID": lambda student: student.sid,
            "SIS Login ID": lambda student: student.login,
            "Integration ID": lambda student: "",
            "Root Account": lambda student: "",
            "Section": lambda student: student.section,
        },
        keys=("ID", "SIS User ID", "SIS Login ID"),
        marks=("Student|LastName", "ID", "Section"),
        title=r"(.*) \(\d+\)",
        makes="a new assignment",
    ),
    "moodle": Form(
        {
            "Identifier": _participant,
            "Full name": lambda student: student.name,
            "Email address": lambda student: student.email,
            "Grade": lambda student: "",
            "Last modified (grade)": lambda student: "-",
        },
        keys=("Identifier",),
        marks=("Identifier", "Grade", "Last modified (grade)"),
        new="Grade",
        whole=True,
    ),
    "brightspace": Form(
        {
            "OrgDefinedId": lambda student: student.sid,
            "Username": lambda student: student.login,
        },
        keys=("OrgDefinedId", "Username"),
        marks=("End-of-Line Indicator",),
        title="(.*) Points Grade(?: <.*>)?",
        new="{} Points Grade",
        makes="a new grade item",
        last={"End-of-Line Indicator": "#"},
    ),
    "blackboard": Form(
        {
            "Last Name": lambda student: student.name,
            "First Name": lambda student: "",
            "Username": lambda student: student.login,
            "Student ID": lambda student: student.sid,
        },
        keys=("Username",),
        marks=("Username", "Last Name", "First Name"),
        title=r"(.*?) \[Total Pts: [^]]*\] \|\d+",
        makes="a column of texts, which are worth no points",
    ),
}
# What is written where there is no such list: the columns that the platform insists on.
COLUMNS = {
    "canvas": ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
    "moodle": tuple(IMPORTED["moodle"].cells),
    "brightspace": ("OrgDefinedId", "Username"),
    "blackboard": ("Username",),
}
NO_RULE = Late()  # nothing is taken off
FORMS = (*IMPORTED, "gradescope", "plain")
# As in Gradescope's download of grades; Gradescope itself takes none back.
RESULT = ("Total Score", "Max Points", "Status", "Submission ID", "Submission Time")
GRADESCOPE = ("First Name", "Last Name", "SID", "Email", "Sections", *RESULT, "Lateness (H:M:S)", "Late Days")
PLAIN = ("Name", "ID", "SID", "Login", "Email", "Section", *RESULT, "Late Days")


@dataclass(frozen=True)
class GradeLine:
    """What a student gets.

    Attributes:
        submission: None if nothing was handed in.
        code, written: points of the parts; None where there are none, yet or at all.
        late: points of the code that the late rule takes off.
        remark: what the status says besides.
    """

    student: Student
    submission: HandedIn | None
    code: float | None
    written: float | None
    total: float | None
    late: float = 0.0
    remark: str = ""

    @property
    def status(self) -> str:
        """As Gradescope says it."""
        said = "Missing" if self.submission is None else "Ungraded" if self.total is None else "Graded"
        return f"{said}, {self.remark}" if self.remark else said

    @property
    def late_days(self) -> int | str:
        """See `late_days`; "" if nothing was handed in."""
        return late_days(self.student, self.submission) if self.submission else ""


def lines(
    export: Export,
    scores: Scores,
    written: Mapping[str, float] | None = None,
    remarks: Mapping[str, str] = {},
    rule: Late = NO_RULE,
) -> list[GradeLine]:
    """A line for each student, those who handed in nothing at the end; arguments as for `write`."""
    found = []
    for student, submission in (*_handed_in(export), *((student, None) for student in export.absent)):
        code = scores.get(submission.slug) if submission else None
        by_hand = None if written is None else written.get(student.key)
        late = round((code or 0.0) * rule.percent(student.days_late or 0.0) / 100, 6)
        total = code if code is None or not late else round(code - late, 6)
        if written is not None:
            # Whoever handed in no code has no points of it; a part that is not graded leaves the grade open.
            earned = total if submission else 0.0
            total = None if earned is None or by_hand is None else round(earned + by_hand, 6)
        remark = remarks.get(submission.slug, "") if submission else ""
        found.append(GradeLine(student, submission, code, by_hand, total, late, remark))
    return found


def _handed_in(export: Export) -> list[tuple[Student, HandedIn]]:
    return [(student, one) for one in export.submissions for student in one.students]


def remarks_on(rule: Late, export: Export) -> list[str]:
    """What the instructor should know of the late rule."""
    unknown = [student.shown for student, one in _handed_in(export) if late_days(student, one) == "yes"]
    if not rule.takes or not unknown:
        return []
    return [f"late, and not known by how much, so nothing is taken off: {listed(unknown)}"]


def write(
    path: Path,
    export: Export,
    scores: Scores,
    points: float,
    form: str,
    title: str,
    written: Mapping[str, float] | None = None,
    remarks: Mapping[str, str] = {},
    rule: Late = NO_RULE,
) -> None:
    """Write the grades of a class.

    Args:
        scores: of the code, or of the self-grades.
        points: what can be reached; with the written part, if that is given.
        form: one of FORMS.
        title: the assignment's name, or the whole title of its column.
        written: `Student.key` -> points of the part that is graded by hand. The grade of a student who is not in it
            stays open. None if nothing is graded by hand: the grade is the score.
        remarks: slug -> what the status says besides, in the forms that have one.
        rule: what is taken off the points of code that came late.
    """
    write_atomically(path, table(lines(export, scores, written, remarks, rule), export, points, form, title))


def table(graded: Sequence[GradeLine], export: Export, points: float, form: str, title: str) -> str:
    """The text of grades.csv; arguments as for `write`."""
    if form in IMPORTED:
        return csv_text(_imported(graded, export, points, form, title))
    if form == "gradescope":
        return csv_text(_gradescope(graded, points))
    return "\ufeff" + csv_text(_plain(graded, points))


def form_of(export: Export, asked: str | None, title: str, points: float) -> tuple[str, list[str]]:
    """(form of grades.csv, what the instructor should know before the grades go into a gradebook).

    Args:
        asked: the form that was asked for; None for that of the export's platform, else that of the roster's. Where
            the platform could take none of the grades, it is a plain table.
        title, points: as for `write`.

    Raises:
        UnreadableError: the form that was asked for is of no use, or the title fits several columns.
    """
    columns = _columns(export)
    lists = [form for form, rules in IMPORTED.items() if _is_list_of(rules, columns)]
    form = asked or next((form for form in (export.platform, *lists) if form in FORMS), "plain")
    if form not in IMPORTED:
        return form, []
    rules, students = IMPORTED[form], _students(export)
    lost = [student.shown for student in students if not _known_by(student, rules)]
    known = f"{TITLES[form]} knows students by {' or '.join(rules.keys)}"
    advice = f"name {TITLES[form]}'s own list with --roster"
    if asked and len(lost) == len(students):
        raise UnreadableError(f"{known}, which no student here has: {advice}, or choose another --form")
    if len(lost) == len(students):
        return "plain", [f"grades.csv is a plain table: {known}, which no student here has; {advice}"]
    said = [f"{known}, so these are not in grades.csv: {listed(lost)}; {advice}"] if lost else []
    return form, [*said, *_remarks(rules, TITLES[form], students, columns, title, points)]


def _remarks(
    rules: Form, name: str, students: Sequence[Student], columns: Sequence[str], title: str, points: float
) -> Iterator[str]:
    """What may go wrong with the assignment's column on the platform."""
    column = _column(rules, columns, title)
    if rules.title and column not in columns and (columns or not re.fullmatch(rules.title, column)):
        there = [each for each in columns if re.fullmatch(rules.title, each)]
        which = f", of {listed(there)}" if there else ""
        yield f"if {name} has no column {column!r}, it makes {rules.makes}: say with --title which one to fill{which}"
    highest = {cell for one in students for key, cell in one.row.items() if key.casefold() == "maximum grade"}
    for cell in sorted(highest) if rules.whole else ():
        if re.fullmatch(r"\d+([.,]\d+)?", cell) and float(cell.replace(",", ".")) != points:
            yield f"{name}'s maximum grade is {cell}, here it is {number(points)}: change it in {name} first"


def _students(export: Export) -> list[Student]:
    return [*(student for one in export.submissions for student in one.students), *export.absent]


def _columns(export: Export) -> tuple[str, ...]:
    """The columns of the roster, as it calls them; none without a roster."""
    return next((tuple(student.row) for student in _students(export) if student.row), ())


def _is_list_of(rules: Form, columns: Collection[str]) -> bool:
    """Whether a list with these columns is the platform's own."""
    marked = all(set(mark.split("|")) & set(columns) for mark in rules.marks)
    return marked and bool(set(rules.keys) & set(columns))


def _known_by(student: Student, rules: Form) -> bool:
    """Whether the platform can find the student."""
    own = _is_list_of(rules, student.row)
    return any(student.row.get(key) if own else rules.cells[key](student) for key in rules.keys)


def _column(rules: Form, columns: Sequence[str], title: str) -> str:
    """The title of the assignment's column: as the list has it, else a new one.

    Raises:
        UnreadableError: the list has several.
    """
    if title in columns or not rules.title:
        return title if rules.title else rules.new
    found = [
        column
        for column in columns
        if (match := re.fullmatch(rules.title, column)) and match[1].strip().casefold() == title.strip().casefold()
    ]
    if len(found) > 1:
        raise UnreadableError(f"the roster has several columns for {title!r}: say which with --title, {listed(found)}")
    return found[0] if found else title if re.fullmatch(rules.title, title) else rules.new.format(title)


def _imported(graded: Sequence[GradeLine], export: Export, points: float, form: str, title: str) -> Iterator[list[Any]]:
    """Students without a grade are left out: an empty cell would take away a grade that the platform has."""
    rules, columns = IMPORTED[form], _columns(export)
    if not _is_list_of(rules, columns):
        columns = COLUMNS[form]
    column = _column(rules, columns, title)
    kept = [name for name in columns if rules.whole or name in rules.cells]
    heading = [*kept, *([] if column in kept else [column]), *rules.last]
    yield heading
    if form == "canvas":
        yield [
            "    Points Possible" if name == heading[0] else number(points) if name == column else ""
            for name in heading
        ]
    for line in graded:
        if line.total is None or not _known_by(line.student, rules):
            continue
        own = line.student.row if _is_list_of(rules, line.student.row) else {}
        made = {name: cell(line.student) for name, cell in rules.cells.items() if not own}
        cells = {**made, **own, column: line.total, **rules.last}
        yield [cells.get(name, "") for name in heading]


def _parts(graded: Sequence[GradeLine]) -> list[tuple[str, Callable[[GradeLine], float | None]]]:
    """Columns of the parts of a grade, where it has parts."""
    late = [("Taken Off", lambda line: line.late)] if any(line.late for line in graded) else []
    by_hand = [] if all(line.written is None for line in graded) else [("Written", lambda line: line.written)]
    return [("Code", lambda line: line.code), *late, *by_hand] if late or by_hand else []


def _result(line: GradeLine, points: float) -> list[Any]:
    """The cells of RESULT."""
    handed_in = (line.submission.slug, line.submission.time) if line.submission else ("", "")
    return [line.total, number(points), line.status, *handed_in]


def _gradescope(graded: Sequence[GradeLine], points: float) -> Iterator[list[Any]]:
    parts = _parts(graded)
    yield [*GRADESCOPE, *(name for name, _ in parts)]
    for line in graded:
        student = line.student
        first, _, last = student.name.rpartition(" ")
        who = (first or last, last if first else "", student.sid or student.number, student.email, student.section)
        late = (_hours(student), line.late_days)
        yield [*who, *_result(line, points), *late, *(part(line) for _, part in parts)]


def _plain(graded: Sequence[GradeLine], points: float) -> Iterator[list[Any]]:
    parts = _parts(graded)
    yield [*PLAIN, *(name for name, _ in parts)]
    for line in graded:
        student = line.student
        who = (student.name, student.id, student.sid, student.login, student.email, student.section)
        yield [*who, *_result(line, points), line.late_days, *(part(line) for _, part in parts)]


def _hours(student: Student) -> str:
    """Hours, minutes and seconds after the due date; "" if that is not known."""
    if student.days_late is None:
        return ""
    minutes, seconds = divmod(round(student.days_late * 86_400), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
