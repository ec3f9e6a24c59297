"""grades.csv as each platform's importer takes it: lists that platforms wrote go in, the same ids and columns come out.

The importers below do what is published of the platforms' own. All pages were read on 2026-11-30.
"""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.classroom import gradebook
from autograder.classroom.exports.reading import read_export
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.roster import Student
from autograder.grading.files import UnreadableError
from autograder.tasks import Late
from autograder.writing import write_files

WORK = b"def one(): ...\n"


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def canvas_takes(text: str, known: dict[str, str]) -> dict[str, str]:
    """Canvas's lib/gradebook_importer.rb: title of an assignment's column with a number, "" for a new one -> grades.

    github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb: the first cell holds "Student", the second
    "ID"; then SIS User ID and SIS Login ID, maybe Integration ID and Root Account, and Section before the assignments
    (`update_column_count`). A row with "Points Possible" is no student's. The student is the one with this ID, this SIS
    id, this login or, last, this name. An assignment is known by the number in brackets behind its title, else by its
    whole title; otherwise it is new. An empty cell where there is a grade is a change (`no_change_to_value?`).

    Args:
        known: of the class, ID -> name.
    """
    header, *others = rows(text)
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1], "Invalid header row"
    count = 3
    if re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        count += 2 + bool(re.search(r"Integration\s+ID", header[4]))
        count += bool(re.search(r"Root\s+Account", header[count - 1]))
    assert "Section" in header[count - 1], "Invalid header row"
    (assignment,) = header[count:]
    grades = {}
    for row in others:
        assert len(row) == len(header)
        if "Points Possible" not in row[0]:
            assert row[1] in known, "a new student"
            assert row[count].strip(), "the grade is taken away"
            grades[row[1]] = row[count]
    assert re.fullmatch(r".* \(\d+\)", assignment), "a new assignment"
    return grades


def moodle_takes(text: str, maximum: float) -> dict[str, float]:
    """Moodle's upload of a grading worksheet: participant number -> grade.

    github.com/moodle/moodle, mod/assign/feedback/offline/importgradeslib.php (`init`, `next`) and locallib.php
    (`process_import_grades`): three columns must be there, called as in the language of the page: Identifier, Grade,
    Last modified (grade). A number stands behind "Participant ". Rows without a grade, or with one above the maximum,
    are skipped; so are those graded in Moodle after the time in the third column.
    """
    header, *others = rows(text)
    for name in ("Identifier", "Grade", "Last modified (grade)"):
        assert header.count(name) == 1, "Invalid grade import"
    grades = {}
    for row in others:
        cells = dict(zip(header, row, strict=True))
        grade = float(cells["Grade"])
        assert cells["Identifier"].startswith("Participant ") and grade <= maximum
        grades[cells["Identifier"].removeprefix("Participant ")] = grade
    return grades


def brightspace_takes(text: str) -> dict[str, str]:
    """Brightspace's import of grades: OrgDefinedId, else Username -> points.

    community.d2l.com/brightspace/kb/articles/3538-importing-grades: OrgDefinedId or Username (or both), then columns
    called after the item, as "... Points Grade"; nothing else of a student. kb.wisc.edu/page.php?id=4330: "#" may
    stand before both, and is no part of them; "End-of-Line Indicator" is the last column, with "#" in each row.
    """
    header, *others = rows(text)
    keys = [name for name in header if name in ("OrgDefinedId", "Username")]
    assert keys and header[: len(keys)] == keys and header[-1] == "End-of-Line Indicator"
    (item,) = header[len(keys) : -1]
    assert re.fullmatch("(.+) Points Grade(?: <.*>)?", item)
    for row in others:
        assert row[-1] == "#" and any(row[: len(keys)]) and row[len(keys)]
    return {next(filter(None, row[: len(keys)])).removeprefix("#"): row[len(keys)] for row in others}


def blackboard_takes(text: str) -> dict[str, str]:
    """Blackboard's upload to the Grade Center: user name -> score.

    und.teamdynamix.com/TDClient/2048/IT/KB/ArticleDet?ID=59084 (Blackboard's own text): a header and a line for each
    student; students are known by Username, columns by the number that Blackboard has given them, behind "|"; a column
    without one becomes a new column of texts, worth no points. With commas between them, cells stand in quotation
    marks. Names are not read (library.blackboard.com/docs/r7/71/en_US/instructor, upload_gradebook.htm).
    """
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
    header, *others = rows(text)
    graded = [name for name in header if name not in ("Last Name", "First Name", "Username", "Student ID")]
    assert len(graded) == 1 and re.fullmatch(r".+ \[Total Pts: \d+ Score\] \|\d+", graded[0])
    at, where = header.index("Username"), header.index(graded[0])
    assert all(row[at] and row[where] for row in others)
    return {row[at]: row[where] for row in others}


# platform: (its own list of students, what students handed in there, the columns that come back)
LISTS = {
    "canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Integration ID,Root Account,Section,HW 1 (41),VAE (77),Current Score\n"
        "    Points Possible,,,,,,,10,20,(read only)\n"
        '"Doe, Jane",501,00123,jdoe,,x.edu,Mo,9,3,90\n"Doe, Jane",502,00124,jdoe2,,x.edu,Tu,8,4,80\n'
        '"Roe, Abe",503,00125,aroe,,x.edu,Mo,7,5,70\n',
        ["doejane_501_1_kl.py", "doejane_502_2_kl.py"],
        "Student,ID,SIS User ID,SIS Login ID,Integration ID,Root Account,Section,VAE (77)",
    ),
    "moodle": (
        "Identifier,Full name,ID number,Email address,Status,Group,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments\n"
        'Participant 501,Jane Doe,00123,j@x.edu,Submitted for grading - ,,,20.00,Yes,"Friday, 20 November 2026, '
        '11:58 PM",-,\n'
        'Participant 502,Jane Doe,00124,j2@x.edu,Submitted for grading - ,,4.00,20.00,Yes,-,"Monday, 30 November 2026, '
        '9:00 AM",<p>Good</p>\n'
        "Participant 503,Abe Roe,00125,a@x.edu,No submission - ,,,20.00,Yes,-,-,\n",
        ["Jane Doe_501_assignsubmission_file_/kl.py", "Jane Doe_502_assignsubmission_file_/kl.py"],
        "Identifier,Full name,ID number,Email address,Status,Group,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments",
    ),
    "brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,HW 1 Points Grade <Numeric MaxPoints:10>,"
        "VAE Points Grade <Numeric MaxPoints:20>,End-of-Line Indicator\n"
        "#00123,#jdoe,Doe,Jane,9,3,#\n#00124,#x2,Dough,Jane,8,4,#\n#00125,#aroe,Roe,Abe,7,5,#\n",
        ["3501-77 - Jane Doe - Oct 2, 2026 1159 PM/kl.py", "3502-77 - Jane Dough - Oct 2, 2026 1159 PM/kl.py"],
        "OrgDefinedId,Username,VAE Points Grade <Numeric MaxPoints:20>,End-of-Line Indicator",
    ),
    "blackboard": (
        "Last Name\tFirst Name\tUsername\tStudent ID\tLast Access\tAvailability\tHW 1 [Total Pts: 10 Score] |41\t"
        "VAE [Total Pts: 20 Score] |77\tTotal [Total Pts: up to 30 Score] |9\n"
        "Doe\tJane\tjdoe\t00123\t\tYes\t9\t3\t12\nDoe\tJane\tx_2\t00124\t\tYes\t8\t4\t12\nRoe\tAbe\taroe\t1\t\tYes\t\t\t\n",
        ["VAE_jdoe_attempt_2026-11-03-10-00-00_kl.py", "VAE_x_2_attempt_2026-11-03-10-00-00_kl.py"],
        "Last Name,First Name,Username,Student ID,VAE [Total Pts: 20 Score] |77",
    ),
}


def read(folder: Path, platform: str, listed: bool = True) -> Export:
    text, files, _ = LISTS[platform]
    write_files(folder / "in", dict.fromkeys(files, WORK))
    (folder / "list").write_bytes(text.encode("utf-16" if platform == "blackboard" else "utf-8-sig"))
    return read_export(folder / "in", ["kl.py"], roster=folder / "list" if listed else None)


def written(export: Export, scores: list[float | None], title: str = "VAE", points: float = 20, **more) -> str:
    """grades.csv, in the form that fits, for scores in the order of the submissions."""
    graded = {one.slug: score for one, score in zip(export.submissions, scores, strict=True)}
    form, _ = gradebook.form_of(export, None, title, points)
    return gradebook.table(gradebook.lines(export, graded, **more), export, points, form, title)


IDS = {
    "canvas": ["501", "502"],
    "moodle": ["501", "502"],
    "brightspace": ["00123", "00124"],
    "blackboard": ["jdoe", "x_2"],
}
TAKES = {
    "canvas": lambda text: canvas_takes(text, dict.fromkeys(["501", "502", "503"], "")),
    "moodle": lambda text: moodle_takes(text, 20.0),
    "brightspace": brightspace_takes,
    "blackboard": blackboard_takes,
}


@pytest.mark.parametrize("platform", LISTS)
def test_a_platform_takes_its_own_list_back(tmp_path, platform):
    """Ids and columns are the platform's; who has no grade has no row; two students of one name get the own grade."""
    text, _, columns = LISTS[platform]
    export = read(tmp_path, platform)
    assert gradebook.form_of(export, None, "VAE", 20) == (platform, [])
    found = written(export, [17.5, 12])
    assert rows(found)[0] == columns.split(",")
    assert {id: float(grade) for id, grade in TAKES[platform](found).items()} == dict(
        zip(IDS[platform], [17.5, 12], strict=True)
    )
    # A student who could not be graded keeps the grade that the platform has.
    assert [float(grade) for grade in TAKES[platform](written(export, [None, 12])).values()] == [12]
    delimiter = "\t" if platform == "blackboard" else ","
    original = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    for row in csv.DictReader(io.StringIO(found)):
        if "Points Possible" not in (row.get("Student") or ""):
            changed = [name for name in row if row[name] not in {each.get(name) for each in original}]
            assert changed == [name for name in row if "VAE" in name or name == "Grade"], "only the grade is ours"


@pytest.mark.parametrize("platform", ["canvas", "moodle", "blackboard"])
def test_without_a_list_the_export_names_the_students(tmp_path, platform):
    export = read(tmp_path, platform, listed=False)
    title = {"canvas": "VAE (77)", "blackboard": "VAE [Total Pts: 20 Score] |77"}.get(platform, "VAE")
    assert gradebook.form_of(export, None, title, 20) == (platform, [])
    assert len(TAKES[platform](written(export, [17.5, 12], title))) == 2


def test_a_list_of_ones_own_is_not_taken_for_canvas_s(tmp_path):
    """Although columns of it are called alike: what goes back has those that Canvas insists on."""
    write_files(tmp_path / "in", {"Jane Doe/kl.py": WORK, "Abe Roe/kl.py": WORK})
    (tmp_path / "list").write_text("Name,ID,SID,Section\nJane Doe,501,00123,Mo\nAbe Roe,503,00125,Tu\n")
    export = read_export(tmp_path / "in", ["kl.py"], roster=tmp_path / "list")
    assert gradebook.form_of(export, None, "VAE", 20) == ("plain", [])
    found = gradebook.table(gradebook.lines(export, {"abe-roe-503": 12}), export, 20, "canvas", "VAE (77)")
    assert canvas_takes(found, {"503": "Abe Roe"}) == {"503": "12"}


def test_brightspace_needs_its_list(tmp_path):
    """Its download of submissions has numbers that its import of grades does not know."""
    export = read(tmp_path, "brightspace", listed=False)
    assert gradebook.form_of(export, "plain", "VAE", 20) == ("plain", [])
    known = "Brightspace knows students by OrgDefinedId or Username, which no student here has"
    advice = "name Brightspace's own list with --roster"
    said = f"grades.csv is a plain table: {known}; {advice}"
    assert gradebook.form_of(export, None, "VAE", 20) == ("plain", [said])
    with pytest.raises(UnreadableError) as error:
        gradebook.form_of(export, "brightspace", "VAE", 20)
    assert str(error.value) == f"{known}: {advice}, or choose another --form"


def test_a_student_whom_the_list_does_not_have_is_named(tmp_path):
    export = read(tmp_path, "brightspace")
    export.submissions.append(HandedIn("eve", (Student("Eve", "99"),)))
    _, (said,) = gradebook.form_of(export, None, "VAE", 20)
    assert "so these are not in grades.csv: Eve (99); name Brightspace's own list with --roster" in said
    assert len(TAKES["brightspace"](written(export, [17.5, 12, 3]))) == 2


@pytest.mark.parametrize("platform", ["canvas", "brightspace", "blackboard"])
def test_a_column_that_the_platform_does_not_have_is_said_beforehand(tmp_path, platform):
    """Nothing is put into another assignment's column, however few there are."""
    export = read(tmp_path, platform)
    _, (said,) = gradebook.form_of(export, None, "Other", 20)
    assert "has no column 'Other" in said and "say with --title which one" in said
    assert "HW 1" in said and "VAE" in said
    header = rows(written(export, [1, 2], "Other"))[0]
    assert not [name for name in header if "HW 1" in name or "VAE" in name]


def test_several_columns_of_one_title(tmp_path):
    export = read(tmp_path, "canvas")
    columns = [Student(row=one.row | {"vae (78)": ""}) for one in export.absent]
    export.submissions, export.absent = [], columns
    with pytest.raises(UnreadableError, match=r"several columns for 'VAE': say which with --title, VAE \(77\), vae \("):
        gradebook.form_of(export, "canvas", "VAE", 20)
    assert gradebook.form_of(export, "canvas", "VAE (77)", 20) == ("canvas", [])


def test_another_maximum_in_moodle(tmp_path):
    """Moodle skips grades above its maximum, and does not scale the others."""
    _, (said,) = gradebook.form_of(read(tmp_path, "moodle"), None, "VAE", 100)
    assert said == "Moodle's maximum grade is 20.00, here it is 100: change it in Moodle first"


def test_a_list_in_another_language_is_said_to_be_of_no_use(tmp_path):
    """Moodle calls its columns, and the students in them, in the language of the page."""
    german = {"Identifier": "ID", "Full name": "Vollständiger Name", "Email address": "E-Mail-Adresse"}
    text = LISTS["moodle"][0].replace("Participant ", "Teilnehmer/in")
    for english, other in (german | {"Grade,": "Bewertung,"}).items():
        text = text.replace(english, other)
    read(tmp_path, "moodle")
    (tmp_path / "list").write_text(text)
    export = read_export(tmp_path / "in", ["kl.py"], roster=tmp_path / "list")
    assert export.notes[0].startswith("nobody who handed in is on the roster: name the list of this class, with its")
    assert not any("nobody" in said for said in read(tmp_path, "moodle").notes)


def test_the_form_follows_the_export_else_the_list(tmp_path):
    export = read(tmp_path, "canvas")

    def form(export: Export, asked: str | None = None) -> str:
        return gradebook.form_of(export, asked, "VAE", 20)[0]

    assert form(export, "gradescope") == "gradescope"
    assert form(replace(export, platform="github")) == "canvas"
    assert form(Export("github")) == form(Export("plain")) == "plain"
    assert form(Export("gradescope")) == "gradescope"


def class_of_three() -> Export:
    """One in time, one late and not gradable, one who handed in nothing."""
    students = (Student("Jane Doe", sid="1", days_late=0.0), Student("Jane Doe", sid="2", days_late=1.25))
    handed_in = [HandedIn(f"jane-doe-{one.sid}", (one,), time="2026-11-20T10:00:00") for one in students]
    return Export("plain", handed_in, [Student("Jane Doe", sid="3")])


@pytest.mark.parametrize("form", ["plain", "gradescope"])
def test_parts_and_late_days_have_columns(form):
    export = class_of_three()
    by_hand = {"sid 1": 7.5, "sid 2": 3.0}

    def cells(scores, written, *names):
        lines = gradebook.lines(export, scores, written)
        found = csv.DictReader(io.StringIO(gradebook.table(lines, export, 30, form, "t").removeprefix("\ufeff")))
        return [tuple(row.get(name) for name in names) for row in found]

    total, days = "Total Score", "Late Days"
    both = {"jane-doe-1": 10.0, "jane-doe-2": 12}
    assert cells(both, None, "SID", "Code", total, days, "Status") == [
        ("1", None, "10.0", "0", "Graded"),
        ("2", None, "12", "2", "Graded"),
        ("3", None, "", "", "Missing"),
    ]
    assert cells(both, by_hand, "SID", "Code", "Written", total, "Status") == [
        ("1", "10.0", "7.5", "17.5", "Graded"),
        ("2", "12", "3.0", "15.0", "Graded"),
        ("3", "", "", "", "Missing"),
    ]
    # A part that is not graded leaves the grade open; who handed in no code has no points of it.
    assert cells({"jane-doe-1": None}, by_hand, total) == [("",), ("",), ("",)]
    assert cells(both, {"sid 3": 4.0}, total, "Status") == [("", "Ungraded"), ("", "Ungraded"), ("4.0", "Missing")]


def test_what_the_late_rule_takes_off():
    """Of the points of code; work that is too late keeps those of the written part alone."""
    export = class_of_three()
    scores, by_hand = {"jane-doe-1": 10.0, "jane-doe-2": 12.0}, {"sid 1": 7.5, "sid 2": 3.0}

    def found(rule, written=None):
        lines = gradebook.lines(export, scores, written, rule=rule)
        rows = csv.DictReader(io.StringIO(gradebook.table(lines, export, 30, "plain", "t").removeprefix("\ufeff")))
        return [(row.get("Code"), row.get("Taken Off"), row["Total Score"]) for row in rows]

    nothing = [(None, None, "10.0"), (None, None, "12.0"), (None, None, "")]
    assert found(Late(days=2)) == found(Late()) == nothing
    two_days_begun = Late(days=2, percent_a_day=10)
    assert found(two_days_begun) == [("10.0", "0.0", "10.0"), ("12.0", "2.4", "9.6"), ("", "0.0", "")]
    assert [total for *_, total in found(two_days_begun, by_hand)] == ["17.5", "12.6", ""]
    assert [total for *_, total in found(Late(days=1), by_hand)] == ["17.5", "3.0", ""]


def test_of_whom_it_is_not_known_how_late_nothing_is_taken_off():
    """Canvas says that a file is late, and not by how much."""
    late = HandedIn("jane", (Student("Jane Doe", id="501"),), late=True)
    export, rule = Export("canvas", [late], []), Late(percent_a_day=10)
    assert [line.total for line in gradebook.lines(export, {"jane": 10.0}, rule=rule)] == [10.0]
    (said,) = gradebook.remarks_on(rule, export)
    assert said == "late, and not known by how much, so nothing is taken off: Jane Doe (501)"
    assert gradebook.remarks_on(Late(), export) == []


def test_hours_as_gradescope_writes_them():
    text = gradebook.table(gradebook.lines(class_of_three(), {}), class_of_three(), 30, "gradescope", "t")
    assert [row["Lateness (H:M:S)"] for row in csv.DictReader(io.StringIO(text))] == ["00:00:00", "30:00:00", ""]


def test_a_written_part_goes_into_the_platforms_total(tmp_path):
    export = read(tmp_path, "canvas")
    by_hand = {one.students[0].key: 2.5 for one in export.submissions}
    assert list(TAKES["canvas"](written(export, [10, 12], written=by_hand)).values()) == ["12.5", "14.5"]


def test_the_importers_refuse_what_platforms_refuse(tmp_path):
    """Files of another platform, an empty cell in Canvas's, and Moodle's without the time of the grade."""
    for platform, takes in TAKES.items():
        for other in LISTS:
            if other != platform:
                with pytest.raises((AssertionError, ValueError, IndexError)):
                    takes(written(read(tmp_path / f"{platform}-{other}", other), [1, 2]))
    text = written(read(tmp_path / "c", "canvas"), [17.5, 12])
    with pytest.raises(AssertionError, match="taken away"):
        TAKES["canvas"](text.replace("17.5", ""))
    with pytest.raises(AssertionError, match="Invalid grade import"):
        TAKES["moodle"](written(read(tmp_path / "m", "moodle"), [1, 2]).replace("Last modified (grade)", "x"))


def test_what_strangers_are_called_is_no_formula(tmp_path):
    """Students choose their display names, and platforms pass them on."""
    for platform in LISTS:
        export = read(tmp_path / platform, platform)
        evil = {"Student": "=cmd()\u202e", "Full name": "@cmd()", "Last Name": "+1", "Username": "#jdoe"}
        student = export.submissions[0].students[0]
        renamed = replace(student, row={**student.row, **{key: evil[key] for key in evil if key in student.row}})
        export.submissions[0] = replace(export.submissions[0], students=(renamed,))
        cells = [cell for row in rows(written(export, [1, 2])) for cell in row]
        assert not [cell for cell in cells if re.match("[=@+]", cell) or "\u202e" in cell]
        assert len([cell for cell in cells if cell.startswith("'")]) == (platform != "brightspace")


def test_two_of_one_name_differ_wherever_they_are_listed():
    one, other = Student("Jane Doe", id="501", sid="7"), Student("Jane Doe", email="j@x.edu")
    assert [one.shown, other.shown] == ["Jane Doe (501)", "Jane Doe (j@x.edu)"]
    assert HandedIn("jane", (one, other)).shown == "Jane Doe (501), Jane Doe (j@x.edu)"
    # A folder's name is all that is known; a number that the name has already is not said twice.
    assert [Student("jane", id="jane").shown, Student("Participant 5", id="5").shown] == ["jane", "Participant 5"]
    assert [Student("Jane Doe", id="Jane Doe").shown, Student(login="jd").shown] == ["Jane Doe", "jd"]
