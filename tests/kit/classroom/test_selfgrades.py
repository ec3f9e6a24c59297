"""Self-grades of a class: tables as spreadsheets save them, what is wrong with some, and what becomes of it."""

import csv
import io
import os
from pathlib import Path

import pytest

from autograder import __main__ as commands
from autograder.classroom import selfgrades
from autograder.classroom.spreadsheets import TableError, decoded, table_rows
from autograder.exits import Exit
from autograder.grading.files import Entry, read_tree
from autograder.release import pdf, selfgrade
from autograder.release.selfgrade import Asked
from autograder.tasks import Course, chosen
from autograder.writing import write_files
from tests.kit import gradebooks
from tests.kit.archives import zipped

COURSE = chosen("000")
WHOLE, HALF = (f"{share * COURSE.total:g}" for share in (1, 0.5))
ASKED = (Asked("1.1", "The code", 4), Asked("W1", "Why so?", 2.5), Asked("2.10", "A long one", 6))
# The same table, filled in, as programs write it. German Excel separates by semicolons and writes decimal commas.
GERMAN_EXCEL = (
    "question;title;points;own points;why\r\n"
    '1.1;The code;4;3,5;"Fast richtig; für k = 2 geprüft"\r\nW1;Why so?;2,5;2,5;\r\n2.10;A long one;6;4;zu kurz\r\n'
)
LIBRE_OFFICE = (
    'question,title,points,"own points",why\n'
    '1.1,"The code",4,3.5,"nearly, ""k"" = 2\nonly"\nW1,"Why so?",2.5,2.5,\n2.1,"A long one",6,4,\n'
)
FILES = {
    "Excel, CSV UTF-8, German": GERMAN_EXCEL.encode("utf-8-sig"),
    "Excel, CSV, German": GERMAN_EXCEL.encode("cp1252"),
    "Excel, Unicode text": GERMAN_EXCEL.replace(";", "\t").encode("utf-16"),
    "Excel, CSV UTF-8, English": LIBRE_OFFICE.replace("\n", "\r\n").encode("utf-8-sig"),
    "LibreOffice": LIBRE_OFFICE.encode(),
    "all cells quoted": LIBRE_OFFICE.replace("1.1,", '"1.1",').replace(",3.5,", ',"3.5",').encode(),
    "lines above, empty rows below": ("Jane Doe;;;;\r\n" + GERMAN_EXCEL + ";;;;\r\n;;;;\r\n").encode(),
    "another order, a column more": (
        b"why,own points,mine,question,points,title\n,4,x,2.10,6,A long one\n,+3.5,,1.1,4,\n,2.5,,w1,2.5,Why so?\n"
    ),
    "a date for a number": LIBRE_OFFICE.replace("1.1,", "01. Jan,").encode(),
}


def rows(content: bytes) -> list[dict[str, str]]:
    return table_rows(decoded(content), ("own points", "question"), "selfgrade.csv")


def judged(content: bytes | str) -> selfgrades.SelfGrade:
    content = content.encode() if isinstance(content, str) else content
    return selfgrades.judged(rows(content), ASKED)


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_tables_as_programs_save_them(content):
    found = judged(content)
    assert found == selfgrades.SelfGrade({"1.1": 3.5, "W1": 2.5, "2.10": 4.0}, complete=True)
    assert found.total == 10


PLAIN = "question,title,points,own points,why\n1.1,The code,4,{},\nW1,Why so?,2.5,{},\n2.10,A long one,6,{},\n"


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("4.5", "1.1: '4.5' is more than the 4 that it is worth"),
        ("-1", "1.1: '-1' is less than 0"),
        ("all", "1.1: 'all' is not a number"),
        ("nan", "1.1: 'nan' is not a number"),
        ("1e1", "1.1: '1e1' is not a number"),
        ("3/4", "1.1: '3/4' is not a number"),
        ("9" * 400, f"1.1: '{'9' * 39}…' is more than the 4 that it is worth"),
        ("\x1b[31m3\x1b[0m!", "1.1: '3!' is not a number"),
    ],
)
def test_points_that_cannot_be_used(cell, problem):
    """No sum then: a wrong number must not become a wrong grade."""
    found = judged(PLAIN.format(cell, 2, 6))
    assert found.problems == (problem,) and found.total is None
    assert found.points == {"W1": 2.0, "2.10": 6.0}


def test_what_is_left_empty_counts_as_zero():
    found = judged(PLAIN.format(4, "", " "))
    assert (found.total, found.empty, found.problems) == (4, ("W1", "2.10"), ())
    nothing = judged(PLAIN.format("", "", ""))
    assert nothing.total is None and nothing.problems == ("nothing is filled in under 'own points'",)


def test_rows_that_are_too_many_or_too_few():
    more = judged(PLAIN.format(4, 2, 6) + "W7,Another,3,3,\nsum,,12.5,12,\n,,,12,\n")
    assert more.total == 12
    assert more.problems == tuple(f"{name!r} is no question of this course" for name in ("W7", "sum", "12"))
    fewer = judged(PLAIN.format(4, 2, 6).replace("W1,Why so?,2.5,2,\n", "").replace("2.10,A long one", "3,No"))
    assert fewer.total is None
    assert fewer.problems == ("'3' is no question of this course", "missing: W1, 2.10")
    twice = judged(PLAIN.format(4, 2, 6) + "1.1,The code,4,1,\n")
    assert twice.total is None and twice.problems == ("1.1 occurs twice",)


def workbook() -> bytes:
    """The beginning of what Excel saves by default."""
    return zipped({"[Content_Types].xml": '<?xml version="1.0"?><Types/>', "xl/workbook.xml": "<workbook/>"})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (workbook(), "is a workbook, not CSV: open it and save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "is a workbook"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\0\1\2\3" * 9, "is no text"),
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"I give myself 40 points.", "has no column 'own points'; its first line is 'I give myself 40 points.'"),
        (b"title,own points\nThe code,4\n", "has no column 'question' beside 'own points'"),
        # German Excel opens a table with commas as a single column.
        (b"question,title,points,own points,why;;\r\n1.1,The code,4,,;4;\r\n", "has all columns in one: import"),
    ],
)
def test_files_that_are_no_tables(content, problem):
    with pytest.raises(TableError) as error:
        rows(content)
    assert problem in str(error.value)


# What a student hands in


def entries(folder: Path, files: dict[str, bytes | str]) -> tuple[Entry, ...]:
    write_files(folder, files)
    return read_tree(folder).entries


GOOD, POOR = PLAIN.format(4, 2.5, 6), PLAIN.format(1, 1, 1)


@pytest.mark.parametrize(
    ("files", "total", "problems"),
    [
        ({"My points (final).txt": GOOD}, 12.5, ()),
        ({"folder/table.csv": GOOD}, 12.5, ()),
        ({"all.zip": zipped({"x/selfgrade.csv": GOOD})}, 12.5, ()),
        (
            {"selfgrade.csv": POOR, "selfgrade (1).csv": GOOD},
            12.5,
            ("selfgrade.csv was left out: selfgrade (1).csv counts",),
        ),
        ({"selfgrade.csv": GOOD, "answers.pdf": "%PDF-1.7"}, 12.5, ("answers.pdf is a PDF, not CSV",)),
        ({"a.zip": b"PK no zip"}, None, ("a.zip is neither a folder nor a readable zip",)),
        ({"a.csv": "x" * (1 << 20) + "y"}, None, ("a.csv is too large for such a table",)),
        ({"a.csv": GOOD + "\n" * 10_001}, None, ("a.csv has more than 10,000 lines",)),
        (
            {"a.zip": zipped({f"{number:03}.pdf": "%PDF" for number in range(300)})},
            None,
            tuple(f"{number:03}.pdf is a PDF" for number in range(200)) + ("there are more than 200 files",),
        ),
        ({}, None, ("no file was handed in",)),
    ],
)
def test_what_a_student_hands_in(tmp_path, files, total, problems):
    found = selfgrades.read_submission(entries(tmp_path, files), ASKED)
    assert found.total == total and len(found.problems) == len(problems)
    assert all(said.startswith(wanted) for said, wanted in zip(found.problems, problems, strict=True))


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_text(GOOD)
    os.symlink(tmp_path / "secret.csv", tmp_path / "in" / "selfgrade.csv")
    found = selfgrades.read_submission(read_tree(tmp_path / "in").entries, ASKED)
    assert found.problems == ("selfgrade.csv is no ordinary file",)


# A class


def filled(share: float = 1.0, comma: bool = False, course: Course = COURSE) -> str:
    """The table of a course, 000 if not told, as a student fills it in: this share of all points."""
    rows = list(csv.reader(io.StringIO(selfgrade.table(course).decode("utf-8-sig"))))
    for row in rows[1:]:
        row[3:] = [f"{float(row[2]) * share:g}", "because"]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";" if comma else ",").writerows(rows)
    return buffer.getvalue().replace(".5;", ",5;") if comma else buffer.getvalue()


def run(tmp_path: Path, files: dict[str, bytes | str], *arguments: str, place: str = "in") -> int:
    entries(tmp_path / "in", files)
    places = ["--selfgrades", str(tmp_path / place), "--out", str(tmp_path / "out")]
    return commands.main(["class", "--course", "000", *places, *arguments])


ROSTER = (
    'Name,SID,Email\nJane Doe,11,jane@example.edu\n"Müller, Jörg",12,jm@example.edu\nNo Show,13,no@example.edu\n'
    "=cmd(),14,x@example.edu\n"
)


def test_a_class_of_loose_files(tmp_path, capsys):
    """One file a student, named after the student in some way."""
    (tmp_path / "roster.csv").write_text(ROSTER)
    files = {
        "Jane Doe.csv": filled(),
        "selfgrade_joerg.csv": filled(),  # on no roster: still there
        "jorg-muller-selfgrade (1).csv": filled(0.5, comma=True),
        "14.xlsx": workbook(),
    }
    status = run(tmp_path, files, "--roster", str(tmp_path / "roster.csv"))
    said = capsys.readouterr().out
    assert status == Exit.LEFT_OUT
    assert max(len(line) for line in said.splitlines() if not line.startswith(str(tmp_path))) <= 80
    assert "4 handed in, 3 of them with a sum" in said and "handed in none: No Show" in said
    assert "14.xlsx is a workbook, not CSV" in said
    grades = {row["SID"] or row["ID"]: row for row in gradebooks.records(tmp_path / "out" / "grades.csv")}
    scores = [grades[number]["Total Score"] for number in ("11", "12", "13", "14", "joerg")]
    assert scores == [WHOLE, HALF, "", "", WHOLE]
    assert [grades[sid]["Status"] for sid in ("11", "13", "14")] == ["Graded", "Missing", "Ungraded"]
    heading, worth, *students = gradebooks.rows(tmp_path / "out" / "selfgrades.csv")
    items = selfgrade.items(COURSE)
    assert heading[2:-2] == [item.label for item in items]
    assert worth[2:-1] == [*(f"{item.points:g}" for item in items), WHOLE]
    by_sid = {row[1]: row for row in students}
    assert by_sid["12"][2:] == [*(f"{item.points / 2:g}" for item in items), HALF, ""]
    assert by_sid["13"][-1] == "handed in none" and by_sid["14"][0] == "'=cmd()"
    assert (tmp_path / "out" / "selfgrades.csv").stat().st_mode & 0o077 == 0


def test_a_folder_for_each_student(tmp_path, capsys):
    files = {"jane/selfgrade.csv": filled(), "joe/points.csv": filled(0.5), "joe/.DS_Store": b""}
    assert run(tmp_path, files) == Exit.DONE
    said = capsys.readouterr().out
    assert "2 handed in, 2 of them with a sum" in said and "joe:" not in said


def test_one_student(tmp_path):
    assert run(tmp_path, {"jane/selfgrade.csv": filled()}) == Exit.DONE
    assert gradebooks.rows(tmp_path / "out" / "grades.csv")[1][0] == "jane"


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_canvas_export(tmp_path, capsys, form):
    """All files lie beside each other, and are no lists of the class, whatever columns a student adds."""
    odd = filled().replace("question,", "Name,question,", 1).replace("\nA.", "\nJane,A.")
    odd = "\n".join(f"Jane,{line}" if line[:1] in "BC" else line for line in odd.splitlines())
    files = {
        "doejane_501_9001_selfgrade.csv": odd,
        "roejo_LATE_502_9002_selfgrade.csv": filled(0.5),
        "roejo_LATE_502_9005_selfgrade-1.csv": filled(),
        "stray.csv": filled(),
    }
    if form == "zip":
        status = run(tmp_path, {"submissions.zip": zipped(files)}, place="in/submissions.zip")
    else:
        status = run(tmp_path, files)
    said = " ".join(capsys.readouterr().out.split())
    assert status == Exit.LEFT_OUT and "self-grades: 2 handed in, 2 of them with a sum" in said
    assert "Canvas: 2 students, for example doejane_501_9001_selfgrade.csv -> doejane" in said
    assert "roejo-502: selfgrade.csv was left out: selfgrade-1.csv counts; late" in said
    assert "unread: stray.csv belongs to no student" in said and "0 on the roster" in said
    assert [row[5] for row in gradebooks.rows(tmp_path / "out" / "grades.csv")[2:]] == [WHOLE, WHOLE]


def test_a_moodle_export(tmp_path, capsys):
    files = {
        "Jane Doe_77_assignsubmission_file_/selfgrade.csv": filled(),
        "Jo Roe_78_assignsubmission_file_/a.csv": "x",
    }
    assert run(tmp_path, files) == Exit.LEFT_OUT
    assert "jo-roe-78: a.csv has no column 'own points'; its first line is 'x'" in capsys.readouterr().out
    assert gradebooks.rows(tmp_path / "out" / "grades.csv") == [
        ["Identifier", "Full name", "Email address", "Grade", "Last modified (grade)"],
        ["Participant 77", "Jane Doe", "", WHOLE, "-"],
    ]


def test_what_cannot_be_read_at_all(tmp_path, capsys):
    nowhere = ["--selfgrades", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]
    assert commands.main(["class", "--course", "000", *nowhere]) == Exit.NOTHING
    assert "There is nothing at nowhere." in capsys.readouterr().err
    (tmp_path / "in").mkdir()
    assert run(tmp_path, {}) == Exit.NOTHING
    assert "there are no submissions" in capsys.readouterr().err
    assert run(tmp_path, {"a.csv": filled()}, "--roster", str(tmp_path / "nowhere.csv")) == Exit.NOTHING
    assert "nowhere.csvcannotberead" in "".join(capsys.readouterr().err.split()), "a long path is divided"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["full", "003"])
def test_other_courses_have_no_self_grades(tmp_path, capsys, name):
    places = ["--selfgrades", str(tmp_path), "--out", str(tmp_path / "out")]
    assert commands.main(["class", "--course", name, *places]) == Exit.NOTHING
    assert f"{name}.toml: students do not grade themselves" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["export.zip", "--selfgrades", "folder"]])
def test_either_submissions_or_self_grades(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        commands.main(["class", "--out", "x", *arguments])
    assert exit.value.code == Exit.NOTHING and "say what to grade" in capsys.readouterr().err


# The empty table


def test_the_table_that_students_get():
    content = selfgrade.table(COURSE)
    assert content.startswith(b'\xef\xbb\xbf"question","title","points","own points","why"\r\n')
    heading, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    asked = [COURSE.asked_in(section) for section in COURSE.sections]
    labels = [[*(task.number for task in tasks), *(one.label for one in questions)] for tasks, questions in asked]
    assert [row[0] for row in rows] == [label for part in labels for label in part]
    assert all(row[1] and row[3:] == ["", ""] for row in rows)
    assert sum(float(row[2]) for row in rows) == COURSE.total
    assert judged_empty(content).problems == ("nothing is filled in under 'own points'",)


def judged_empty(content: bytes) -> selfgrades.SelfGrade:
    return selfgrades.judged(rows(content), selfgrade.items(COURSE))


def test_titles_are_no_formulas(monkeypatch):
    monkeypatch.setattr(selfgrade, "items", lambda course: [Asked("1.1", "=cmd()", 0.75)])
    assert selfgrade.table(COURSE).decode().splitlines()[1] == '"1.1","\'=cmd()","0.75","",""'


@pytest.mark.parametrize(("name", "there"), [("000", True), ("003", False)])
def test_it_comes_with_the_model_answers(tmp_path, monkeypatch, name, there):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "metrics.json").write_text("{}")
    monkeypatch.setattr(pdf, "dist", lambda course, root: tmp_path / course)
    monkeypatch.setattr(pdf, "lay_out", lambda folder, results, course: (folder / "report.ipynb").write_text("{}"))
    monkeypatch.setattr(pdf.subprocess, "run", lambda *_, **__: type("Done", (), {"returncode": 0}))
    assert pdf.report(["--course", name, "--results", str(tmp_path / "results")]) == Exit.DONE
    assert (tmp_path / name / "report" / "selfgrade.csv").is_file() == there
