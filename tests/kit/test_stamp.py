"""Which release something belongs to: the same in everything that is made for a course."""

import re
from pathlib import Path

from autograder.grading import grade, report
from autograder.grading.results import Results
from autograder.repository import ROOT
from autograder.stamp import TASKS, Stamp, parse, stamp_in, stamp_of, version
from autograder.tasks import Course
from autograder.writing import write_files

OURS, THEIRS = Stamp("0.2.0", "0123abcd"), Stamp("0.1.0", "456789ef")


def test_every_change_of_a_file_changes_it():
    files = {"a.py": b"x = 1\n", "b/c.py": b""}
    changed = [{**files, "a.py": b"x = 2\n"}, {**files, "d.py": b""}, {"a.py": b"x = 1\n", "b/d.py": b""}]
    assert stamp_of(files) == stamp_of(dict(reversed(files.items())))
    assert len({stamp_of(one).hash for one in [files, *changed]}) == 4
    assert re.fullmatch(r"\d+\.\d+\.\d+ \([0-9a-f]{8}\)", str(stamp_of(files)))


def test_the_number_is_the_newest_of_the_changelog():
    headings = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version() == headings[0]


def test_a_folder_has_one_or_none(tmp_path):
    assert stamp_in(tmp_path) is None and version(tmp_path) == "0"
    for text in ("{}", "[]", "no JSON", '{"release": 1}'):
        write_files(tmp_path, {TASKS: text})
        assert stamp_in(tmp_path) is None
    write_files(tmp_path, {TASKS: '{"release": {"version": "0.2.0", "hash": "0123abcd"}}'})
    assert stamp_in(tmp_path) == OURS


def test_the_students_folder_says_it_in_two_places():
    stamp = stamp_in(ROOT / "student")
    assert stamp is not None and stamp.version == version()
    readme = (ROOT / "student" / "README.md").read_text(encoding="utf-8")
    assert readme.splitlines()[-1] == f"Course full, release {stamp}."


def test_older_checks_are_remarked_on():
    results = Results({})
    assert grade._of_release(OURS, OURS, results) == grade._of_release(OURS, None, results) == []
    assert results.extra["release"] == OURS.document()
    (remark,) = grade._of_release(OURS, THEIRS, results)
    assert str(OURS) in remark and str(THEIRS) in remark and "student.zip" in remark
    assert results.extra["release"] == {**OURS.document(), "submitted": THEIRS.document()}
    assert grade._of_release(None, THEIRS, results) == []


def test_the_report_says_it():
    results = Results({}, extra={"release": OURS.document()})
    said = "Graded for release 0.2.0 (0123abcd)."
    course = Course(Path("courses/x.toml"), "X", 0, (), (), ())
    for made in (report.page, report.terminal):
        assert said in made(results.document(), course)
        assert "release" not in made(Results({}).document(), course)


def test_what_a_stranger_claims_is_bounded():
    assert parse(b'{"version": "' + b"1" * 21 + b'", "hash": "0123abcd"}') is None
    assert parse(b"\xff") is None
