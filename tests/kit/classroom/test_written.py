"""The written part of a class: sheets, the table that people fill in, and what becomes of it."""

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autograder.classroom import command, marks, written
from autograder.classroom.answers import Answers
from autograder.classroom.exports.joining import with_reports
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.marks import FilledRow, read_tables, taken
from autograder.classroom.roster import Student
from autograder.classroom.written import COLUMNS
from autograder.exits import Exit
from autograder.grading.files import UnreadableError
from autograder.release.selfgrade import Asked
from autograder.sandbox.zygote import Zygote
from autograder.tables import csv_text
from autograder.tasks import load
from autograder.writing import write_files
from tests.kit.classroom.test_answers import pdf
from tests.kit.courses import TINY
from tests.kit.gradebooks import by_submission, records
from tests.kit.written_course import PROMPT, cell, document, heading, notebook, perfect, write_course

ASKED = (Asked("W1", "Why so?", 4), Asked("2.10", "A long one", 6))
CLASS = (
    HandedIn("jane-doe", (Student("Jane Doe", id="1"),)),
    HandedIn("007", (Student("James", id="007"),)),
    HandedIn("roe", (Student("Al Roe"), Student("Bo Roe"))),
)
LINES = "submission,question,title,points\njane-doe,W1,Why so?,{}\njane-doe,2.10,A long one,{}\n"


def rows(text: str, file: str = "a.csv") -> list[FilledRow]:
    return [FilledRow(file, {"student": "", **line}) for line in csv.DictReader(io.StringIO(text))]


# Reading tables back


@pytest.mark.parametrize(
    ("text", "points", "complaints"),
    [
        (LINES.format(3, '"2,5"'), {"W1": 3, "2.10": 2.5}, []),
        (LINES.format("", 2), {"W1": None, "2.10": 2}, []),
        (LINES.format(5, 2), {"W1": None, "2.10": 2}, ["a.csv: jane-doe, W1: '5' is more than the 4 that it is worth"]),
        (LINES.format("all", -1), dict.fromkeys(("W1", "2.10")), ["'all' is not a number", "'-1' is less than 0"]),
        (
            LINES.format(3, 2) + "jane-doe,W1,,2\n",
            {"W1": None, "2.10": 2},
            ["a.csv: jane-doe, W1: occurs twice, with 3 and 2 points: neither counts"],
        ),
        (LINES.format(3, 2) + "jane-doe,W1,,\n", {"W1": 3, "2.10": 2}, []),
        (
            LINES.format(3, 2) + "zoe,W1,,2\nzoe,2.10,,2\n",
            {"W1": 3, "2.10": 2},
            ["no such submission: 'zoe' (2 lines)"],
        ),
        (LINES.format(3, 2) + "jane-doe,W9,,2\n", {"W1": 3, "2.10": 2}, ["no such question: 'W9' (1 line)"]),
        (LINES.format(3, 2) + "zoe,W1,,\n", {"W1": 3, "2.10": 2}, []),
    ],
    ids=["fine", "empty", "too many", "no numbers", "twice", "once empty", "unknown", "no question", "unknown, empty"],
)
def test_what_people_have_filled_in(text: str, points: dict[str, float | None], complaints: list[str]) -> None:
    found = taken(rows(text), ASKED, CLASS)
    assert {label: mark.points for label, mark in found.of["jane-doe"].items()} == points
    assert len(found.complaints) == len(complaints)
    assert all(end in said for said, end in zip(found.complaints, complaints, strict=True))


@pytest.mark.parametrize(
    "line",
    [
        "7,W1,Why so?,3,",
        "'007,w1,,3,",
        ",1 May,Why so?,3,James (007)",
        "7.0E+15,W1,,3,JAMES (007)",
    ],
    ids=["a number", "a text", "by names", "by the student's name"],
)
def test_lines_that_a_spreadsheet_has_changed(line: str) -> None:
    found = taken(rows(f"submission,question,title,points,student\n{line}\n"), ASKED, CLASS)
    assert found.of["007"]["W1"].points == 3 and not found.complaints


def test_points_of_somebody_else_are_nobodys() -> None:
    """Another James, who has left the course."""
    found = taken(rows("submission,question,title,points,student\njames-9,W1,,3,James (007)\n"), ASKED, CLASS)
    assert not found.of and found.complaints == ["a.csv: no such submission: 'james-9' (1 line)"]


def test_two_graders_share_a_table() -> None:
    """What one has left empty, the other has filled in. The same points twice are said, and count."""
    one, other = rows(LINES.format(3, ""), "anna.csv"), rows(LINES.format("", 2), "ben.csv")
    assert [mark.points for mark in taken([*one, *other], ASKED, CLASS).of["jane-doe"].values()] == [3, 2]
    same = taken([*one, *one], ASKED, CLASS)
    assert same.of["jane-doe"]["W1"].points == 3 and not same.complaints
    assert same.notes == ["anna.csv: jane-doe, W1: occurs twice, with the same points"]


FILLED = csv_text([COLUMNS, ["Jane", "1", "jane-doe", "W1", "Why so?", "4", "2,5", "a; b", "", "", "", "r1"]])


@pytest.mark.parametrize(
    "content",
    [
        FILLED.encode("utf-8-sig"),
        FILLED.encode("cp1252"),
        FILLED.replace('","', '";"').encode(),
        FILLED.replace('","', '"\t"').encode("utf-16"),
        b"a title above\r\n" + FILLED.encode() + b",,,,\r\n",
    ],
)
def test_tables_as_spreadsheets_save_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "filled.csv").write_bytes(content)
    for path in (tmp_path, tmp_path / "filled.csv"):
        found = taken(read_tables([path]), ASKED, CLASS)
        assert found.of["jane-doe"]["W1"] == marks.Mark(2.5, "a; b", "r1")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"PK\3\4", "a.xlsx is a workbook, not CSV: open it and save it as CSV"),
        ("a.csv", b"question,points\nW1,3\n", "a.csv has no column 'submission'"),
        ("a.csv", b"submission,question\n", "a.csv has no column 'question' and 'points' beside 'submission'"),
        ("b.csv", None, "a.csv No such file or directory"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError, match=re.escape(said)):
        read_tables([tmp_path / (name if content else "a.csv")])


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="there is no table"):
        read_tables([tmp_path])


def test_tables_are_refused_where_they_cannot_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Self-grades have tables of their own, and a course without questions has none."""
    with pytest.raises(SystemExit):
        command.main(["--selfgrades", str(tmp_path), "--written", str(tmp_path), "--out", str(tmp_path)])
    assert "not for self-grades" in capsys.readouterr().err
    course = load(TINY / "courses" / "full.toml")
    with pytest.raises(UnreadableError, match=r"full\.toml asks no questions"):
        written.grade(Export("plain"), course, tmp_path, [])
    assert written.grade(Export("plain"), course, tmp_path) is None


# Reports handed in apart from the code


def test_reports_join_the_code_of_their_students() -> None:
    def one(name: str, id: str = "", **more: object) -> HandedIn:
        return HandedIn("x", (Student(name, id=id),), source=name, **more)  # type: ignore[arg-type]

    code = Export("canvas", [one("Doe, Jane", "1"), one("Roe", "2")], [Student("Poe", id="3"), Student("Moe", id="4")])
    reports = Export("canvas", [one("Jane D.", "1", late=True), one("Poe", "3"), one("Zed", doubt="two of them")])
    reports.unread.append("a file")
    both = with_reports(code, reports)
    assert {one.slug: one.notes for one in both.submissions} == {
        "doe-jane-1": ("the report is late",),
        "roe-2": (),
        "poe-3": (),
    }
    assert [student.name for student in both.absent] == ["Moe"]
    assert both.unread == ["a file", "Zed: two of them"]


# A class


Class = Callable[..., tuple[int, str]]


@pytest.fixture
def grade(tmp_path: Path, capsys: pytest.CaptureFixture[str], zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> Class:
    """Grades a class of the small course: files, and options; the exit status, and what was printed."""
    monkeypatch.setattr("autograder.sandbox.zygote.Zygote", lambda settings: contextlib.nullcontext(zygote))
    course = write_course(tmp_path / "course")

    def run(files: Mapping[str, bytes | str], *options: str) -> tuple[int, str]:
        write_files(tmp_path / "class", files)
        out = str(tmp_path / "out")
        status = command.main([str(tmp_path / "class"), "--out", out, "--course", str(course.path), *options])
        return status, capsys.readouterr().out

    return run


def table(folder: Path, name: str = "written.csv") -> list[dict[str, str]]:
    return records(folder / "out" / "written" / name)


def fill(folder: Path, name: str = "written.csv", **points: str) -> None:
    """Fill in what is empty, by question."""
    lines = table(folder, name)
    filled = [{**line, "points": line["points"] or points.get(line["question"], "")} for line in lines]
    text = csv_text([COLUMNS, *([line[column] for column in COLUMNS] for line in filled)])
    (folder / "out" / "written" / name).write_text(text, encoding="utf-8")


def grades(folder: Path) -> dict[str, str]:
    return by_submission(folder / "out" / "grades.csv")


BOTH = {
    "Ann/report.ipynb": perfect(),
    "Ann/results/metrics.json": json.dumps({"circles": 7}),
    "Bob/report.pdf": pdf("Report", "W1, why"),
    "Cyd/notes.txt": "nothing",
}


def test_from_sheets_to_grades(grade: Class, tmp_path: Path) -> None:
    """What machines know stands in the table; people add the rest; nothing of theirs is written over."""
    status, said = grade(BOTH)
    assert status == Exit.DONE, said
    assert "written part, 10 points: 2 reports (notebooks: 1, PDFs: 1), 3 questions" in said
    assert "no report, 0 points in the table: cyd" in said
    lines = {(line["submission"], line["question"]): line for line in table(tmp_path)}
    assert [line["question"] for line in table(tmp_path)] == [label for label in ("W1", "N1", "N2") for _ in range(3)]
    assert {key: line["points"] for key, line in lines.items() if line["points"]} == {
        **{("ann", "N1"): "4", ("ann", "N2"): "2"},
        **{("cyd", label): "0" for label in ("W1", "N1", "N2")},
    }
    assert lines["ann", "N1"]["check"] == "passed (2 of 2 tests passed)"
    assert lines["bob", "W1"]["answer"] == "bob.html#W1"
    assert lines["cyd", "W1"]["answer"] == "no report was handed in"
    assert lines["ann", "W1"]["rubric"] == "2.67: a bound, such as $A < 4 r^2$; 1.33: the reason"
    assert set(grades(tmp_path).values()) == {""}

    fill(tmp_path, W1="3,5", N1="1", N2="0")
    before = (tmp_path / "out" / "written" / "written.csv").read_bytes()
    status, said = grade(BOTH)
    assert status == Exit.DONE and set(grades(tmp_path).values()) == {""}
    place = str(tmp_path / "out" / "written")
    assert f'  fill in the points; ARGS="--written {place}" then adds them\n' in said
    status, said = grade(BOTH, "--written", place)
    assert status == Exit.DONE and grades(tmp_path) == {"ann": "9.5", "bob": "4.5", "cyd": "0"}, said
    assert "; 3 of 3 submissions graded" in said.replace("\n    ", " ")

    status, said = grade(BOTH)
    assert "the last run added points of these tables, this one does not: add --written" in said.replace("\n    ", " ")

    late = {**BOTH, "Dan/report.ipynb": notebook(W1="Because.", N1="double = abs\nhalf = 2", N2="count = 7")}
    status, said = grade(late, "--written", place)
    assert status == Exit.LEFT_OUT and "dan: not graded yet: all 3 questions" in said
    assert (tmp_path / "out" / "written" / "written.csv").read_bytes() == before
    assert {line["submission"] for line in table(tmp_path, "written-2.csv")} == {"dan"}
    assert [line["points"] for line in table(tmp_path, "written-2.csv")] == ["", "0", "2"]
    fill(tmp_path, "written-2.csv", W1="4")
    status, said = grade(late, "--written", place)
    assert status == Exit.DONE and grades(tmp_path)["dan"] == "6", said
    assert not (tmp_path / "out" / "written" / "written-3.csv").exists()


def test_a_report_that_was_handed_in_anew_is_named(grade: Class, tmp_path: Path) -> None:
    files = {"Ann/report.pdf": pdf("A"), "Bob/report.pdf": pdf("B")}
    grade(files)
    fill(tmp_path, W1="4", N1="4", N2="2")
    place = str(tmp_path / "out" / "written")
    status, said = grade({**files, "Ann/report.pdf": pdf("A", "B")}, "--written", place)
    assert status == Exit.LEFT_OUT
    assert "ann: graded for an earlier report: W1, N1, N2" in said and "bob" not in said.partition("questions")[2]


def test_what_a_person_and_a_check_say_differently_is_said(grade: Class, tmp_path: Path) -> None:
    grade({**BOTH})
    fill(tmp_path, W1="4", N1="4", N2="2")
    lines = table(tmp_path)
    changed = next(line for line in lines if (line["submission"], line["question"]) == ("ann", "N1"))
    changed["points"] = "1"
    other = tmp_path / "anna.csv"
    other.write_text(csv_text([COLUMNS, *([line[column] for column in COLUMNS] for line in lines)]), encoding="utf-8")
    status, said = grade(BOTH, "--written", str(other))
    assert status == Exit.DONE and grades(tmp_path)["ann"] == "7"
    assert "ann: N1: 1 points by hand, 4 by the check that was run again" in said


def test_an_untouched_question_has_no_points_and_a_damaged_notebook_no_grade(grade: Class, tmp_path: Path) -> None:
    blank = notebook(W1=PROMPT, N1="double = ...\nhalf = ...", N2="count = ...")
    status, said = grade({"Ann/report.ipynb": blank, "Bob/report.ipynb": "{"})
    assert status == Exit.LEFT_OUT and "bob: report.ipynb is not a notebook that can be read" in said
    lines = {(line["submission"], line["question"]): (line["points"], line["answer"]) for line in table(tmp_path)}
    assert lines["ann", "W1"] == ("0", "not answered") and lines["ann", "N1"][0] == "0"
    assert [lines["bob", label] for label in ("W1", "N1")] == [("", "no report that can be read")] * 2


def test_nobody_with_a_report_is_refused(grade: Class, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _ = grade({"Ann/a.txt": "x", "Bob/b.txt": "y"})
    assert status == Exit.NOTHING and not (tmp_path / "out" / "grades.csv").exists()


HOSTILE = document(
    heading("W1"),
    cell("<script>alert(1)</script></section></body> <img src=x onerror=alert(1)>", "markdown"),
    cell("</pre><script>alert(2)</script>", outputs=[{"output_type": "stream", "text": "<script>alert(3)</script>"}]),
    heading("N1"),
    cell("raise ValueError('<script>alert(4)</script>')"),
)


def test_sheets_of_strangers(grade: Class, tmp_path: Path) -> None:
    """Everything is escaped, no table has a formula, and the way from one to the next is there."""
    files = {"=cmd<b>/report.ipynb": HOSTILE, "Ann/report.pdf": pdf("Report", "W1, why"), "Cyd/notes.txt": "x"}
    status, said = grade(files)
    assert status == Exit.DONE, said
    folder = tmp_path / "out" / "written"
    assert {path.name for path in folder.iterdir()} == {
        *("index.html", "record.json", "written.csv"),
        *("cmd-b.html", "ann.html", "ann.pdf", "cyd.html"),
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    assert not re.search(r'(^|,)"=', (folder / "written.csv").read_text(encoding="utf-8-sig"))
    for name in ("cmd-b.html", "index.html", "ann.html"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "<script" not in page and "<img src=x" not in page and "<b>/" not in page
        assert "default-src 'none'" in page
    page = (folder / "cmd-b.html").read_text(encoding="utf-8")
    for number in (1, 2, 3, 4):
        assert f"alert({number})" in page
    assert 'href="ann.html#W1"' in page and "Circles &amp; spheres" in page
    ann = (folder / "ann.html").read_text(encoding="utf-8")
    assert 'href="ann.pdf#page=2"' in ann and 'href="cmd-b.html#W1"' in ann, "students without a report are passed over"
    assert "the numeric checks could not be run again" in ann


def test_sheets_are_made_again_only_if_they_change(
    grade: Class, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks that have run do not run again either."""
    grade(BOTH)
    monkeypatch.setattr(written.rechecks, "recheck", None)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "written").glob("[abc]*.html")}
    assert len(times) == 3 and grade(BOTH)[0] == Exit.DONE
    assert {path: path.stat().st_mtime_ns for path in times} == times
    fill(tmp_path, W1="4", N1="4", N2="2")
    grade(BOTH, "--written", str(tmp_path / "out" / "written"))
    assert {path.name for path, time in times.items() if path.stat().st_mtime_ns != time} == {
        *("ann.html", "bob.html", "cyd.html")
    }


def test_who_is_deleted_is_in_no_sheet_table_or_record(grade: Class, tmp_path: Path) -> None:
    """What people wrote about others stays, to the byte; what else names the student is listed."""
    mentioned = notebook(W1="As Bob told me.", N1="half = 1", N2="count = 7")
    files = {**BOTH, "Bob/report.ipynb": perfect(), "Eve/report.ipynb": mentioned}
    place = tmp_path / "out" / "written"
    grade(files)
    fill(tmp_path, W1="3,5", N1="1", N2="0")
    (place / "mine.csv").write_text("not;a table;of Bob's\n")
    (place / "copy.xlsx").write_bytes(b"PK\3\4")
    status, said = grade(files, "--written", str(place / "written.csv"))
    before = (place / "written.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    points = grades(tmp_path)
    assert points.keys() == {"ann", "bob", "cyd", "eve"} and "" not in points.values(), said

    assert grade(files, "--delete", "Bob")[0] == Exit.NOTHING, "everybody would lose the points of the written part"
    status, said = grade(files, "--delete", "bob", "--written", str(place / "written.csv"))
    assert status == Exit.LEFT_OUT, said  # mine.csv
    named = {place / "mine.csv", place / "eve.html"}
    assert all(f"\n  {path}\n" in said for path in named) and f"packed:\n  {place / 'copy.xlsx'}\n" in said
    assert {path for path in place.rglob("*") if b"bob" in (str(path).encode() + path.read_bytes()).lower()} <= {
        *(named | {place / "index.html"}),
    }
    assert (place / "written.csv").read_text(encoding="utf-8").splitlines(keepends=True) == [
        line for line in before if "bob" not in line
    ]
    del points["bob"]
    assert grades(tmp_path) == points


def test_who_is_deleted_from_a_group_is_in_no_name_of_a_file(grade: Class, tmp_path: Path) -> None:
    """What people wrote about the group goes with its sheet, also from a table that lies elsewhere."""
    (tmp_path / "roster.csv").write_text("Name,SID,Group\nAnn,11,red\nBob,22,red\n")
    options = ("--roster", str(tmp_path / "roster.csv"), "--written", str(tmp_path / "mine.csv"))
    place = tmp_path / "out" / "written"
    files = {"Ann/report.ipynb": perfect(), "Ann/report.pdf": pdf("A"), "Dan/report.pdf": pdf("B")}
    grade(files, *options[:2])
    fill(tmp_path, W1="3,5", N1="1", N2="0")
    (tmp_path / "mine.csv").write_bytes((place / "written.csv").read_bytes())
    grade(files, *options)
    points = grades(tmp_path)
    assert points == {"ann-bob-11": "7.5", "dan": "4.5"}
    status, said = grade(files, *options, "--delete", "Ann")
    assert status == Exit.DONE and grades(tmp_path) == {"bob-22": "7.5", "dan": "4.5"}, said
    assert "files and tables now call it bob-22" in said.replace("\n    ", " ")
    assert {path.name for path in place.iterdir()} == {
        *("index.html", "record.json", "written.csv", "bob-22.html", "bob-22.pdf", "dan.html", "dan.pdf"),
    }
    assert [path for path in place.iterdir() if b"ann-bob" in path.read_bytes()] == []
    assert {line["answer"] for line in table(tmp_path)} >= {"bob-22.html#W1", "dan.html#W1"}


@pytest.mark.parametrize("kind", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_others_of_a_group_keep_their_line(tmp_path: Path, kind: str) -> None:
    """With their own names; all other lines stay as some spreadsheet wrote them."""
    lines = ["a title;;\r\n", "student;SID;Submission;question;points;remark\r\n"]
    lines += ['"Al Roe, Bo Roe";1, 2;roe;W1;"2,5";"Bö said\r\n""no"""\r\n', "James;007;7;W1;1;\r\n", ";;;;;\r\n"]
    (tmp_path / "written").mkdir()
    table = tmp_path / "written" / "written.csv"
    table.write_bytes("".join([*lines, "Zoe;9;zoe;W1;2;\r\n"]).encode(kind))
    group = HandedIn("roe", (Student("Al Roe", sid="1"), Student("Bo Roe", sid="2")))
    left = HandedIn("al-roe-1", group.students[:1])
    written.forget(tmp_path, [*CLASS[:2], group], ["zoe"], {"roe": left})
    lines[2] = '"Al Roe (1)";"1";"al-roe-1";"W1";"2,5";"Bö said\r\n""no"""\r\n'
    assert table.read_bytes().decode(kind) == "".join(lines)


def test_the_totals_go_to_every_student_of_a_group() -> None:
    full = {"roe": {"W1": marks.Mark(4), "2.10": marks.Mark(2.5)}, "007": {"W1": marks.Mark(1)}}
    part = written.Written(None, Export("plain", list(CLASS)), ASKED, dict.fromkeys(("a",), Answers()), marks=full)  # type: ignore[arg-type]
    assert part.points == {"name al roe": 6.5, "name bo roe": 6.5}
    assert part.totals == {"jane-doe": None, "007": None, "roe": 6.5}
    assert part.open("007") == ["2.10"]
