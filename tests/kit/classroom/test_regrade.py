"""A class graded a second time: what is kept, what is not graded again, and who is told what has changed and why.

A stand-in for the grader judges, which is quick; what the real one needs for it is in the last test.
"""

import csv
import errno
import hashlib
import html
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from autograder import __main__ as program
from autograder.classroom import class_list, command, difference, grading
from autograder.classroom.class_list import Member, matched
from autograder.classroom.difference import Earlier, ScoreChange
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.grading import ParcelOutcome
from autograder.classroom.letters import letters
from autograder.classroom.named import submissions_of
from autograder.classroom.results_folder import FAILED, GRADED, Store
from autograder.classroom.roster import Student
from autograder.exits import Exit
from autograder.grading.files import UnreadableError
from tests.kit import documented
from tests.kit.classroom.test_class import Course as SmallClass
from tests.kit.classroom.test_class import graded, judged
from tests.kit.courses import TINY
from tests.kit.hostile import HOSTILE, unseen
from tests.kit.processes import let_others_in, usual_environment
from tests.kit.test_own_assignment import Tree

WRONG = "wrong = 1\n"


class Course(SmallClass):
    """A class, with a grader that notes what it grades and fails for what is in `broken`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.parcels: list[bytes] = []
        self.broken = False

    def judge(self, content, session, stop=None, lane=None) -> ParcelOutcome:
        self.parcels.append(content)
        return ParcelOutcome(None, problem="the sandbox is broken") if self.broken else judged(content, session)

    def grade(self, out="out", **settings) -> command.Summary:
        self.parcels.clear()
        self.out = self.folder / out
        against = self.folder / settings.pop("against") if "against" in settings else None
        return super().grade(**{"similarity": False, "against": against, **settings})

    def run(self, monkeypatch, *options: str) -> int:
        """As the command, with the words that it prints."""
        self.is_the_commands(monkeypatch)
        return program.main(["class", str(self.submissions), "--no-similarity", *options])

    def store(self, out="out") -> Store:
        return Store(self.folder / out, self.session.load())

    def rewrite(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def change_check(self) -> None:
        checks = self.tests / "hidden" / "test_task1.py"
        checks.write_text(checks.read_text() + "# changed\n")

    def move_points(self) -> None:
        """From 10 and 10 to 12 and 10."""
        self.rewrite(self.file, "total = 20", "total = 22")
        self.rewrite(self.file, '"task1", points = 10', '"task1", points = 12')

    def differences(self, out="again") -> dict[str, list[dict[str, str]]]:
        """The rows of difference.csv, by student."""
        found: dict[str, list[dict[str, str]]] = {}
        with (self.folder / out / "difference.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["Student"], []).append(row)
        return found


@pytest.fixture
def course(tmp_path, monkeypatch, request):
    """A class of two; without its page, which takes long to draw, unless the test looks at it."""
    made = Course(tmp_path)
    monkeypatch.setattr(grading, "grade_parcel", made.judge)
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("autograder.classroom.page.write", lambda *_: None)
    made.hand_in("ada")
    made.hand_in("ben", task2=WRONG)
    return made


@pytest.fixture
def drawn():
    """Asks for the class page."""


# What fails, and what is kept


def test_a_regrade_that_fails_keeps_the_earlier_result_and_says_so(course, drawn, monkeypatch, capsys):
    course.grade()
    before = {path: path.read_bytes() for path in course.out.glob("students/*/re*")}
    course.change_check()
    course.broken = True
    assert course.run(monkeypatch, "--out", str(course.out)) == Exit.FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert {path: path.read_bytes() for path in before} == before and len(before) == 4
    kept = "result of an earlier grader, kept because grading it again failed: the sandbox is broken"
    assert f"failed: ada: {kept}" in said and "2 failed" in said
    assert kept in (course.out / "class.html").read_text()
    grades = graded(course.out / "grades.csv")
    assert grades == {"ada": ("20", "Graded, by an earlier grader"), "ben": ("10", "Graded, by an earlier grader")}
    record = course.store().record("ada")
    assert (record.status, record.score, record.kept) == (GRADED, 20, "the sandbox is broken")
    # Kept again if it fails again, with another submission too; and forgotten as soon as it does not.
    course.hand_in("ada", task1="other = 1\n")
    assert sorted(course.grade().kept) == ["ada", "ben"]
    assert "result of another submission, by an earlier grader" in course.store().record("ada").remark
    assert course.store().record("ben").remark == kept
    course.broken = False
    assert sorted(course.grade().graded) == ["ada", "ben"]
    assert not course.store().record("ada").kept and "earlier grader" not in (course.out / "grades.csv").read_text()


def test_a_kept_result_whose_grader_comes_back_is_a_result_like_any_other(course):
    course.grade()
    course.session, session = replace(course.session, seconds=100.0), course.session
    course.broken = True
    assert course.grade().kept
    course.session = session
    assert course.grade().reused == ["ada", "ben"] and not course.parcels
    assert not course.store().record("ada").kept


def test_where_there_was_no_result_none_is_kept(course):
    course.broken = True
    assert course.grade().kept == [] and course.store().record("ada").status == FAILED
    assert course.grade().kept == []
    # Nor one that somebody has changed, or that an older version wrote without saying what became of each check.
    course.broken = False
    course.grade()
    for slug, old, new in (("ada", '"score": 20', '"score": 21'), ("ben", '"kind"', '"sort"')):
        course.rewrite(course.out / "students" / slug / "results.json", old, new)
    record = course.out / "students" / "ben" / "grading.json"
    sha = course.store().record("ben").results_sha256
    course.rewrite(record, sha, hashlib.sha256(record.with_name("results.json").read_bytes()).hexdigest())
    course.change_check()
    course.broken = True
    assert course.grade().kept == [] and course.store().record("ben").status == FAILED


def test_against_another_folder_its_result_is_kept(course, drawn):
    course.grade("first")
    course.change_check()
    course.broken = True
    summary = course.grade("again", against="first")
    assert sorted(summary.kept) == ["ada", "ben"] == sorted(summary.failed) and course.score("ben") == 10
    assert "result of an earlier grader" in (course.out / "class.html").read_text()
    found = course.differences()
    assert [row["Why"] for row in found["ada"]] == ["a failure of ours"] and found["ada"][0]["Difference"] == "0"
    assert "kept because grading it again failed" in found["ada"][0]["Remark"]
    assert not list((course.out / "letters").iterdir())
    # Its origin came along, so that a third grading can say what has changed since the first.
    course.broken = False
    course.grade("third", against="again")
    course.change_check()
    course.rewrite(course.tests / "hidden" / "test_task1.py", "62674", "62675")
    course.grade("fourth", against="third")
    assert "the sandbox is broken" not in (course.out / "difference.html").read_text()


@pytest.mark.parametrize("place", range(1, 9))
def test_a_disk_that_fills_up_loses_nothing(course, monkeypatch, capsys, place):
    """At whichever file it does."""
    course.grade()
    before = course.store().records()
    course.change_check()
    files, sync = [], os.fsync

    def full(descriptor):
        files.append(descriptor)
        if len(files) >= place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr("autograder.writing.os.fsync", full)
    assert course.run(monkeypatch, "--out", str(course.out)) == Exit.FAILED
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.fullmatch(r"class: there is no space left on the disk: free some \(.*\)", said)
    monkeypatch.setattr("autograder.writing.os.fsync", sync)
    store = course.store()
    for slug, record in store.records().items():
        assert store.whole(slug, record) and record.score == before[slug].score
    assert store.records().keys() == before.keys()
    left = [path.name for path in course.out.rglob("*") if path.name.startswith(".") and path.name != ".lock"]
    assert left == []
    assert course.grade().failed == []


def test_what_had_ended_when_a_run_is_interrupted_is_not_graded_twice(course, monkeypatch):
    """Also what ended while another result was being written."""
    course.hand_in("cyd", task1=WRONG)
    save, tries = Store.save, []

    def interrupted(self, *arguments, **more):
        tries.append(arguments[0])
        if len(tries) == 1:
            import time

            time.sleep(0.5)  # the others end meanwhile
            raise KeyboardInterrupt
        return save(self, *arguments, **more)

    monkeypatch.setattr(Store, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        course.grade(workers=3)
    monkeypatch.setattr(Store, "save", save)
    summary = course.grade()
    assert sorted(summary.reused) == ["ada", "ben", "cyd"] and not course.parcels


# One sentence each


@pytest.mark.parametrize(
    ("options", "said", "status"),
    [
        (["--roster", "none.csv"], "the roster none.csv cannot be read: No such file", Exit.NOTHING),
        (["--roster", "."], "the roster . cannot be read: Is a directory", Exit.NOTHING),
        (["--against", "none"], "there is no folder none with earlier results", Exit.NOTHING),
        (["--against", "submissions"], "submissions has no results of `make class`", Exit.NOTHING),
        (["--against", "out"], "--against and --out are the same folder", Exit.NOTHING),
        (["--again", "Bem"], "nobody of this class is called Bem: did you mean ben?", Exit.NOTHING),
        (["--again", "x"], "nobody of this class is called x", Exit.NOTHING),
    ],
)
def test_one_sentence_says_what_is_wrong(course, monkeypatch, capsys, options, said, status):
    monkeypatch.chdir(course.folder)
    assert course.run(monkeypatch, "--out", "out", *options) == status
    lines = capsys.readouterr().err.strip().splitlines()
    assert " ".join(map(str.strip, lines)).startswith(f"class: {said}") and len(lines) <= 2
    assert max(map(len, lines)) <= 80 and not course.parcels


def test_a_folder_that_cannot_be_written_to_is_found_out_first(course, monkeypatch, capsys):
    def read_only(*_, dir=None, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))

    monkeypatch.setattr("autograder.scratch.tempfile.mkstemp", read_only)
    assert course.run(monkeypatch, "--out", str(course.folder / "out")) == Exit.FAILED
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("class: the disk cannot be written to") and not course.parcels


def test_keeping_higher_scores_needs_earlier_ones(course, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        course.run(monkeypatch, "--out", "out", "--keep-higher")
    assert ended.value.code == Exit.NOTHING and "add --against FOLDER" in capsys.readouterr().err


def test_a_folder_of_an_older_version(course):
    """Its records say less, and there is no class.json: points are compared, and the reasons said to be unknown."""
    course.grade("first")
    for path in (course.folder / "first").glob("students/*/grading.json"):
        path.write_text(
            re.sub(r',\n "(judged|submission|origin|kept|other_submission)": [^,\n]*', "", path.read_text())
        )
        assert "judged" not in path.read_text()
    (course.folder / "first" / "class.json").unlink()
    shutil.rmtree(course.folder / "first" / "graders")
    assert course.grade("first").reused == ["ada", "ben"]
    (course.folder / "first" / "class.json").unlink()
    course.hand_in("ben")
    summary = course.grade("again", against="first")
    assert any("of an older version" in line for line in summary.changes)
    found = course.differences()
    assert set(found) == {"ben"} and found["ben"][0]["Difference"] == "10"
    assert {row["Why"] for row in found["ben"]} == {"not known: the earlier results are of an older version"}
    # A record by a version to come is read, too.
    path = course.folder / "again" / "students" / "ada" / "grading.json"
    course.rewrite(path, '"status"', '"news": 1,\n "status"')
    assert course.grade("again").reused == ["ada", "ben"]


# Some students again


def test_named_students_are_graded_again(course, monkeypatch, capsys):
    roster = course.folder / "roster.csv"
    roster.write_text("Name,SID,Email\nada,7,ada@example.edu\nben,8,\nZoe Zed,9,\n")
    course.grade(roster=roster)
    for name in ("ada", "Ada", "7", "ADA@example.edu", "ada-7"):
        assert course.grade(roster=roster, again=[name]).graded == ["ada-7"] and len(course.parcels) == 1
    assert sorted(course.grade(roster=roster, again=["ada", "8"]).graded) == ["ada-7", "ben-8"]
    with pytest.raises(UnreadableError, match="Zed, Zoe has handed in nothing"):
        course.grade(roster=roster, again=["Zed, Zoe"])
    with pytest.raises(UnreadableError, match="nobody of this class is called adda: did you mean ada"):
        course.grade(roster=roster, again=["adda"])
    # Where grading again fails, the result stays.
    course.broken = True
    assert course.grade(roster=roster, again=["ada"]).kept == ["ada-7"] and course.score("ada-7") == 20
    course.broken = False
    assert course.grade(roster=roster).reused == ["ada-7", "ben-8"]


def test_a_name_of_two_is_not_guessed():
    people = (Student("Jo", id="1"), Student("Jo", id="2"))
    export = Export("canvas", [HandedIn(f"jo-{one.id}", (one,)) for one in people])
    assert submissions_of(export, ["2", "jo-1"]) == {"jo-1", "jo-2"}
    with pytest.raises(UnreadableError, match="jo is the name of several: write one of jo-1, jo-2"):
        submissions_of(export, ["jo"])


# What is not graded again


def documents(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in folder.glob("students/*/results.json")}


def test_new_points_need_no_grading(course):
    """The results are those, to the byte, that a grading gives."""
    course.hand_in("cyd", task1=WRONG)
    (course.submissions / "cyd" / "task2.py").unlink()
    course.grade("first")
    course.move_points()
    registry = course.tests / "tasks.toml"
    course.rewrite(registry, "[task.public]\ntest_one = 1", "[task.public]\ntest_one = 2")
    summary = course.grade("again", against="first")
    assert summary.weighed == ["ada", "ben", "cyd"] and not course.parcels
    course.grade("anew")
    assert len(course.parcels) == 3
    assert documents(course.folder / "again") == documents(course.folder / "anew")
    assert course.score("ada") == 22
    # In the same folder, too; then nothing is left to do.
    assert course.grade("first").weighed == ["ada", "ben", "cyd"] and not course.parcels
    assert documents(course.folder / "first") == documents(course.folder / "anew")
    assert course.grade("first").reused == ["ada", "ben", "cyd"]


def test_what_no_check_can_see_costs_no_grading(course):
    course.grade()
    report = course.out / "students" / "ada" / "report.html"
    for old, new, way in (
        ("total = 20", "# A remark.\ntotal    = 20", "reused"),
        (
            "total    = 20",
            'total = 20\ndue = 2026-01-01T12:00:00\nlate = { days = 1 }\ntimezone = "Europe/Berlin"',
            "reused",
        ),
        ('"Group 1"', '"Group one"', "weighed"),
        ('"A small course"', '"A smaller course"', "weighed"),
    ):
        course.rewrite(course.file, old, new)
        assert getattr(course.grade(), way) == ["ada", "ben"] and not course.parcels
    assert "Group one" in report.read_text()
    for old, new in (
        ("points = 10 }]", 'points = 10, forbids = ["numpy.linalg"] }]'),
        ("# A remark.", "[options]\nn = 1"),
    ):
        text = course.file.read_text()
        course.file.write_text(f"{text}\n{new}\n" if new.startswith("[") else text.replace(old, new))
        assert len(course.grade().graded) == 2
        course.file.write_text(text)


def test_part_of_the_points_cannot_be_weighed_anew(course, monkeypatch, capsys):
    """A judge's share is known only roughly: it is graded again, and that is said."""
    from autograder.classroom import reweighing

    course.grade()
    loaded = course.session.load()
    document = course.store().document("ada")
    row = document["tests"][0]
    row |= {"score": 2.0, "extra_data": {**row["extra_data"], "kind": "wrong"}}
    judge = replace(loaded.checks[0], id="task1")
    row["extra_data"]["id"] = "task1"
    same = replace(loaded, checks=(judge, *loaded.checks[1:]))
    more = replace(loaded, checks=(replace(judge, points=6.0), *loaded.checks[1:]))
    assert reweighing.reweighed(document, same)["score"] == 17
    assert reweighing.reweighed(document, more) is None
    monkeypatch.setattr("autograder.classroom.planning.reweighed", lambda *_: None)
    course.move_points()
    assert len(course.grade().graded) == 2
    assert "2 of these for new points alone" in capsys.readouterr().out


def test_equal_work_is_taken_over_from_whoever_it_was(course):
    course.grade("first")
    course.hand_in("zoe")  # as ada
    course.hand_in("yan", task1="new = 1\n")
    (course.submissions / "ada" / "task1.py").write_text("changed = 1\n")
    summary = course.grade("again", against="first")
    assert summary.taken == ["ben", "zoe"] and sorted(summary.graded) == ["ada", "yan"] and len(course.parcels) == 2
    assert course.score("zoe") == 20 and (course.out / "students" / "zoe" / "report.html").exists()
    found = course.differences()
    assert set(found) == {"yan", "zoe"} and {row["Why"] for row in found["zoe"]} == {"not graded before"}
    assert not list((course.out / "letters").iterdir())


# Who changes, and why


@pytest.mark.parametrize(
    ("change", "why", "rows_of_ben"),
    [
        (lambda course: course.change_check(), set(), 0),
        (lambda course: course.move_points(), {"points moved"}, 2),
        (lambda course: course.hand_in("ben"), {"submission changed"}, 2),
    ],
)
def test_why_a_student_changes(course, change, why, rows_of_ben):
    course.grade("first")
    change(course)
    course.grade("again", against="first")
    found = course.differences().get("ben", [])
    assert {row["Why"] for row in found} == why and len(found) == rows_of_ben


def judged_otherwise(monkeypatch, id: str, kind: str = "wrong", fraction: float = 0.0):
    """From now on the stand-in judges a check so."""

    def grade(content, session, stop=None, lane=None):
        from autograder.grading.results import Results

        outcome = judged(content, session)
        results = Results.of(session.load())
        for row in outcome.document["tests"]:
            check = results.rows[row["extra_data"]["id"]].check
            results.set(check.id, row["score"] / row["max_score"], row["output"], kind=row["extra_data"]["kind"])
        results.set(id, fraction, "Otherwise.", kind=kind)
        return replace(outcome, document=results.document())

    monkeypatch.setattr(grading, "grade_parcel", grade)


HIDDEN_ONE = "hidden/test_task1.py::test_twice"


def seconds_changed(course):
    course.session = replace(course.session, seconds=99.0)


def secret_changed(course):
    course.session = replace(course.session, secret="another secret altogether")


def helper_changed(course):
    (course.tests / "support").mkdir()
    (course.tests / "support" / "more.py").write_text("")


def other_file_changed(course):
    checks = course.tests / "hidden" / "test_task2.py"
    checks.write_text(checks.read_text() + "# changed\n")


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        (Course.change_check, "wrong", "check changed"),
        (seconds_changed, "wrong", "limits changed"),
        (secret_changed, "wrong", "secret changed"),
        (helper_changed, "wrong", "what checks share changed"),
        (other_file_changed, "wrong", "nothing that is known"),
        (other_file_changed, "timeout", "time ran out in one of them"),
        (other_file_changed, "grader", "a failure of ours"),
    ],
)
def test_what_has_changed_and_can_touch_a_row_is_named(course, monkeypatch, change, kind, why):
    course.grade("first")
    change(course)
    judged_otherwise(monkeypatch, HIDDEN_ONE, kind)
    course.grade("again", against="first")
    (row,) = course.differences()["ada"]
    assert (row["Why"], row["Points before"], row["Points now"], row["Difference"]) == (why, "5", "0", "-5")
    assert (row["Task"], row["Check"]) == ("1.1", "hidden check of <b>task</b> 1")
    page = (course.out / "difference.html").read_text()
    assert "hidden check of &lt;b&gt;task&lt;/b&gt; 1" in page and why in page and "letters/ada.txt" in page


def test_an_earlier_failure_of_ours_is_named_as_one(course):
    course.broken = True
    course.grade("first")
    course.broken = False
    course.grade("again", against="first")
    found = course.differences()
    assert {row["Why"] for row in found["ada"]} == {"an earlier failure of ours"}
    assert (found["ada"][0]["Score before"], found["ada"][0]["Score that counts"]) == ("", "20")
    letter = (course.out / "letters" / "ada.txt").read_text()
    assert "It has 20 of 20 points now; before, there were none." in " ".join(letter.split())
    assert "The earlier grading had failed, which was our fault." in letter


def test_what_cannot_be_graded_any_more_says_why(course):
    course.grade("first")
    shutil.rmtree(course.submissions / "ada")
    (course.submissions / "ada.tgz").write_bytes(b"\x1f\x8bnonsense")
    course.grade("again", against="first")
    (row,) = course.differences()["ada"]
    assert (row["Score before"], row["Score that counts"], row["Why"]) == ("20", "", "submission changed")
    assert "ada.tgz cannot be unpacked" in row["Remark"]
    letter = " ".join((course.out / "letters" / "ada.txt").read_text().split())
    assert "It has no points at the moment; before, there were 20." in letter and "Please hand in a zip." in letter
    course.grade("kept", against="first", keep_higher=True)
    assert course.differences("kept")["ada"][0]["Score that counts"] == "20"


def test_the_late_rule(course):
    roster = course.folder / "roster.csv"
    roster.write_text("Name,Submission time\nada,2026-01-03T10:00\nben,2026-01-01T10:00\n")
    course.grade("first", roster=roster, due="2026-01-01")
    course.rewrite(course.file, "total = 20", "total = 20\nlate = { days = 1 }")
    summary = course.grade("again", roster=roster, due="2026-01-02", against="first")
    (row,) = course.differences()["ada"]
    assert row["Why"] == "late rule" and row["Remark"] == "late: 1 day now, 2 days before"
    assert "Late: 1 day now, 2 days before." in (course.out / "letters" / "ada.txt").read_text()
    said = " ".join(" ".join(summary.changes).split())
    assert "The late rule: any number of days before, at most 1 days now." in said and set(course.differences()) == {
        "ada"
    }


def test_who_is_gone_is_named(course):
    course.grade("first")
    shutil.rmtree(course.submissions / "ben")
    summary = course.grade("again", against="first")
    assert "  not in this class any more: ben" in summary.changes
    assert "Not in this class any more: ben" in (course.out / "difference.html").read_text()


def test_students_are_found_again_whatever_platform_they_are_known_from():
    old = [Member("a", "Ada", sid="7"), Member("b", "Ben"), Member("j", "Jo", sid="1"), Member("k", "Jo", sid="2")]
    new = [
        Member("a-7", "Ada L.", sid="7"),
        Member("b-x", "ben", login="x"),
        Member("jo", "Jo"),
        Member("k2", "Jo", sid="2"),
    ]
    found = {one.slug: other.slug for one, other in matched(old, new).items()}
    assert found == {"a-7": "a", "b-x": "b", "k2": "k", "jo": "j"}
    assert matched([Member("a", "Ada", sid="7")], [Member("a", "Ada", sid="8")]) == {}
    assert matched([Member("jane")], [Member("jane", "Jane")]).popitem()[1] == Member("jane")
    two = [Member("jo", "Jo"), Member("jo-2", "Jo")]
    assert matched(two, [Member("jo", "Jo")]) == {}


# Nobody loses points


def test_higher_scores_are_kept_and_shown_everywhere(course, drawn, monkeypatch, capsys):
    course.grade("first")
    course.change_check()
    judged_otherwise(monkeypatch, HIDDEN_ONE)
    course.hand_in("ben")  # who gains
    options = ["--out", str(course.folder / "again"), "--against", str(course.folder / "first"), "--keep-higher"]
    assert course.run(monkeypatch, *options) == Exit.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "ada: 20 -> 20: check changed (keeps 20 points: this grading gives 15)" in said
    assert "2 students, 1 with more points, 1 with a higher score kept" in said
    again = course.folder / "again"
    grades = graded(again / "grades.csv")
    assert grades == {"ada": ("20", "Graded, higher score kept"), "ben": ("15", "Graded")}
    row = course.differences()["ada"][0]
    assert [row[name] for name in ("Score before", "Score of this grading", "Score that counts")] == ["20", "15", "20"]
    page = (again / "difference.html").read_text()
    assert "Nobody loses points" in page and "keeps 20 points: this grading gives 15" in page
    shown = (again / "class.html").read_text()
    assert '<td class="n">20</td>' in shown and "<td>higher score kept</td>" in shown
    assert 'href="difference.html"' in shown and 'href="class.html"' in page
    letter = " ".join((again / "letters" / "ada.txt").read_text().split())
    assert "This time it has 15 of 20 points. The 20 that it had before count." in letter
    # What counts is what the next grading is compared with; and that a run without the option takes it back is said.
    monkeypatch.setattr(grading, "grade_parcel", course.judge)
    course.change_check()
    course.grade("third", against="again")
    assert course.differences("third")["ada"][0]["Difference"] == "0" and course.score("ada") == 20
    assert course.run(monkeypatch, "--out", str(again)) == Exit.DONE
    assert "the last run into this folder kept higher scores" in " ".join(capsys.readouterr().out.split())


def test_of_a_group_each_keeps_the_highest(course):
    course.grade("first")
    earlier = Earlier(course.store("first"), [Member("pair", "ada"), Member("pair", "ben")])
    people = [Member("pair", "ada"), Member("pair", "ben"), Member("new", "zoe")]
    assert difference.higher({"pair": 12, "new": 3}, people, earlier) == {"pair": 20, "new": 3}
    assert difference.higher({"pair": None}, people, earlier) == {"pair": 20}


def test_who_is_deleted_is_in_no_comparison_and_the_others_keep_their_scores(course, monkeypatch):
    course.grade("first")
    course.change_check()
    judged_otherwise(monkeypatch, HIDDEN_ONE)
    course.grade("again", against="first", keep_higher=True)
    assert (course.out / "letters" / "ben.txt").exists()
    course.grade("again", delete="ben")
    left = [path for path in course.out.rglob("*") if path.is_file() and "ben" in path.read_text()]
    assert left == [] and not (course.out / "difference.html").exists()
    known = class_list.read(course.out)
    assert [(one.name, one.score) for one in known.people] == [("ada", 20)] and known.kept_higher
    assert graded(course.out / "grades.csv")["ada"][0] == "20"


# What people read


def change(**values) -> ScoreChange:
    row = difference.RowChange(
        "Task 1.1 (One)", "1.1", "a check", "fails now", True, 2.0, 0.0, 2.0, 2.0, (difference.CHECK,)
    )
    usual = {"before": 4.0, "graded": 2.0, "counts": 2.0, "late_before": "", "late": "", "rows": (row,)}
    return ScoreChange(**{"member": Member("jane", "Jane"), **usual, "why": (difference.CHECK,), **values})


def test_a_letter_names_no_check_that_students_may_not_see():
    ((name, text),) = letters([change()], "Lines", 4)
    assert name == "jane.txt" and "a check" not in text.replace("We have changed a check.", "")
    told = " ".join(text.split())
    assert "- Task 1.1 (One): 2 points less. We have changed a check. A check that is not shown fails now." in told
    row = replace(change().rows[0], hidden=False)
    assert '"a check" fails now.' in " ".join(letters([change(rows=(row,))], "Lines", 4)[0][1].split())


def test_each_member_of_a_group_has_a_letter_and_whom_nothing_concerns_has_none():
    same = change(before=2.0, rows=(), why=())
    names = [name for name, _ in letters([change(), change(), same], "Lines", 4)]
    assert names == ["jane.txt", "jane-2.txt", ""]
    letter = letters([change(member=Member("j", "Jane " * 60, email="j@example.edu"))], "Lines " * 40, 4)[0][1]
    assert max(map(len, letter.splitlines()[3:])) <= 72


def test_letters_of_the_run_before_go(course):
    course.grade("first")
    course.move_points()
    course.grade("again", against="first")
    assert sorted(path.name for path in (course.out / "letters").iterdir()) == ["ada.txt", "ben.txt"]
    course.rewrite(course.file, "total = 22", "total = 20")
    course.rewrite(course.file, '"task1", points = 12', '"task1", points = 10')
    course.grade("again", against="first")
    assert not list((course.out / "letters").iterdir())


def test_strangers_names_do_no_harm(course, monkeypatch, capsys):
    name = HOSTILE.replace("/", "")
    course.hand_in(f"=cmd(){name}")
    course.hand_in("<script>alert(1)", task2=WRONG)
    course.grade("first")
    course.move_points()
    options = ["--out", str(course.folder / "again"), "--against", str(course.folder / "first")]
    assert course.run(monkeypatch, *options) == Exit.DONE
    again = course.folder / "again"
    made = [again / "difference.html", again / "difference.csv", *(again / "letters").iterdir()]
    texts = [capsys.readouterr().out, *(path.read_text() for path in made)]
    assert len(made) == 6 and [unseen(text) for text in texts if unseen(text)] == []
    assert "<script" not in texts[1] and "&lt;script&gt;alert(1)" in texts[1]
    table = texts[2]
    assert "\"'=cmd()" in table and all(re.fullmatch(r'("[^"]*",)*"[^"]*"', line) for line in table.splitlines())
    assert all(path.stat().st_mode & 0o077 == 0 for path in again.rglob("*"))
    assert all(len(line) <= 80 for line in texts[0].splitlines() if not line.startswith("/"))


# The commands of the page, with the real grader


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_page_s_commands_grade_again(tmp_path):
    """Word by word, on the tiny assignment: a check is corrected, and points are moved."""
    let_others_in(tmp_path)
    tree = Tree(tmp_path / "tree")
    tree.can_make()
    tree.run("python -m autograder student")
    for name in ("Jane Doe", "John Roe"):
        (tree.folder / "export" / name).mkdir(parents=True)
        shutil.copy(TINY / "solution" / "line.py", tree.folder / "export" / name)
    section = documented.section(documented.page("class.md"), "Grading again")
    first, *others = [shlex.split(line, comments=True) for line in documented.commands(section)]

    def make(words: list[str]) -> str:
        assert words[:2] == ["make", "class"]
        run = ["make", "--old-file", "setup", *words[1:]]  # the environment is that of this repository
        done = subprocess.run(run, cwd=tree.folder, env=usual_environment(), capture_output=True, text=True)
        assert done.returncode == Exit.DONE, done.stdout + done.stderr
        return " ".join(done.stdout.split())

    assert "2 to grade (1 different ones)" in make(first)
    course = tree.folder / "courses" / "full.toml"
    course.write_text(
        course.read_text().replace("total = 7", "total = 8").replace('"predict", points = 2', '"predict", points = 3')
    )
    against, keeping, again = others
    said = make(against)
    assert "2 with new points only" in said and "Jane Doe: 4 -> 5: points moved" in said
    assert (tree.folder / "grades2" / "letters" / "jane-doe.txt").exists()
    assert "2 students, 2 with more points" in make(keeping)
    assert "1 graded in" in make(again)
    assert asdict(class_list.read(tree.folder / "grades2"))["people"][0]["score"] == 5
    assert html.unescape((tree.folder / "grades2" / "difference.html").read_text()).count("points moved") >= 4
