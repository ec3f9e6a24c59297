"""Whose is what in a class's export: every platform in every wrapping, every file accounted for, no student's work or
score given to another one, rosters, pairs and times."""

import io
import math
import tarfile
import zipfile
from dataclasses import replace
from datetime import timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder import tasks
from autograder.classroom import command, gradebook
from autograder.classroom.exports import tar
from autograder.classroom.exports.reading import read_export
from autograder.classroom.exports.submission import TITLES, Export
from autograder.classroom.exports.tar import as_zip
from autograder.clock import moment
from autograder.grading.files import UnreadableError, read_tree, zip_tree
from autograder.tasks import Late
from autograder.writing import write_files
from tests.kit.archives import write_zip, zipped
from tests.kit.classroom.test_exports import taken

EXPECTED = ("kl.py", "gmm.py")
KL, GMM = b"def kl(): ...\n", b"def gmm(): ...\n"
BERLIN = ZoneInfo("Europe/Berlin")


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def read(tmp_path: Path, files: dict[str, bytes], **settings) -> Export:
    """The export of these files in a folder; `roster` as text."""
    folder = tmp_path / "hw1"
    write_files(folder, files)
    if "roster" in settings:
        (tmp_path / "roster.csv").write_text(settings["roster"])
        settings["roster"] = tmp_path / "roster.csv"
    return read_export(folder, EXPECTED, **settings)


def names(found: Export) -> dict[str, list[str]]:
    """Names of all who handed in something that can be graded -> names of their files."""
    return {one.name: sorted(str(entry.path) for entry in one.entries) for one in found.submissions if not one.doubt}


CANVAS = {
    "lovelaceada_LATE_501_90001_kl.py": b"old",
    "lovelaceada_LATE_501_90007_kl-1.py": KL,
    "noetheremmy_502_90002_submission.zip": zipped({"kl.py": KL}),
    "turingalan_503_90003_work_2026_11_03.py": KL,  # a date is no second reading of the name
    "gausscarl_504_text.html": b"<p>see my mail</p>",
}
MOODLE = {
    "Ada Lovelace_501_assignsubmission_file_/kl.py": KL,
    "Emmy Noether_502_assignsubmission_file_/x_503_assignsubmission_file_/kl.py": KL,
    "Alan Turing_503_assignsubmission_file/kl.py": KL,
    "Carl Gauss_504_assignsubmission_onlinetext_/onlinetext.html": b"",
}
MOODLE_FLAT = {
    "Ada Lovelace_501_assignsubmission_file_kl.py": KL,
    "Emmy Noether_502_assignsubmission_file_x_503_assignsubmission_file_kl.py": KL,
    "Alan Turing_503_assignsubmission_file_kl.py": KL,
    "Carl Gauss_504_assignsubmission_file_kl.py": KL,
}
BRIGHTSPACE = {
    "index.html": b"<html>",
    "3501-77 - Ada Lovelace - Oct 2, 2026 1159 PM/kl.py": b"old",
    "3501-77 - Ada Lovelace - Oct 3, 2026 901 AM/kl.py": KL,
    "3502-77 - Mary-Ann O'Neil - Oct 3, 2026 926 PM/kl.py": KL,
    "3503-77 - Alan - Turing - Oct 3, 2026 926 PM/kl.py": KL,
    "3504-77 - Carl Gauss - 3 oct. 2026 21:26/kl.py": KL,
}
BRIGHTSPACE_FLAT = {name.replace("/", " - "): content for name, content in BRIGHTSPACE.items()}
BLACKBOARD = {
    "HW 1_a_lovelace_attempt_2026-10-02-23-59-00.txt": b"Name: Ada Lovelace (a_lovelace)\nAssignment: HW 1\n",
    "HW 1_a_lovelace_attempt_2026-10-02-23-59-00_kl.py": b"old",
    "HW 1_a_lovelace_attempt_2026-10-03-09-01-00.txt": b"Name: Ada Lovelace (a_lovelace)\nAssignment: HW 1\n",
    "HW 1_a_lovelace_attempt_2026-10-03-09-01-00_kl.py": KL,
    "HW 1_b_lovelace_attempt_2026-10-03-09-02-00.txt": b"Name: Ben (a_lovelace) (b_lovelace)\n",
    "HW 1_b_lovelace_attempt_2026-10-03-09-02-00_kl.py": KL,
    "HW 1_turing_attempt_2026-10-03-21-26-00_kl.py": KL,
    "HW 1_eve_attempt_2026-10-03-21-26-00_HW 1_turing_attempt_2026-11-03-21-26-00.txt": b"Name: Alan (turing)\n",
}
GRADESCOPE = {
    "submission_metadata.yml": b"".join(
        b"submission_%d:\n  :submitters:\n  - :name: S%d\n    :sid: '0%d'\n    :email:\n"
        b"  :created_at: 2026-10-03 21:26:00.1 Z\n" % (n, n, n)
        for n in (501, 502, 503, 504)
    ),
    **{f"submission_{n}/kl.py": KL for n in (501, 502, 503, 504)},
}
GITHUB = {f"hw1-{name}/kl.py": KL for name in ("ada", "x-ada", "emmy", "alan")} | {
    f"hw1-{name}/.git/HEAD": b"ref: refs/heads/main\n" for name in ("ada", "x-ada", "emmy", "alan")
}
PLAIN = {
    "ada/kl.py": KL,
    "Emmy Noether.zip": zipped({"kl.py": KL}),
    "alan.tar.gz": tarred({"kl.py": KL}),
    "eve.rar": b"Rar!",
    "Thumbs.db": b"",
}
EXPORTS = {
    "canvas": CANVAS,
    "moodle": MOODLE,
    "moodle, one folder": MOODLE_FLAT,
    "brightspace": BRIGHTSPACE,
    "brightspace, one folder": BRIGHTSPACE_FLAT,
    "blackboard": BLACKBOARD,
    "gradescope": GRADESCOPE,
    "github": GITHUB,
    "plain": PLAIN,
}


@pytest.mark.parametrize("wrapped", ["", "HW 1 Download/", "a/b/"])
@pytest.mark.parametrize("kind", EXPORTS)
def test_every_platform_in_every_wrapping(tmp_path, kind, wrapped):
    """Four students each; all files accounted for; the sum is what lies there.

    Names as the platforms write them. Canvas: github.com/instructure/canvas-lms, lib/content_zipper.rb. Moodle:
    github.com/moodle/moodle, mod/assign/classes/downloader.php. Gradescope: an export of 2024. The vendors' pages on
    Brightspace (community.d2l.com/brightspace/kb/articles/3529-evaluate-assignments-using-the-assignments-tool) and on
    Blackboard (und.teamdynamix.com/TDClient/2048/IT/KB/ArticleDet?ID=59084) do not say what is in their zips; names are
    those that instructors' scripts read (github.com/kwurst/bb-file-cleanup, github.com/vangef/BBGradebookOrganiser).
    All read on 2026-11-30.
    """
    files = {f"{wrapped}{name}": content for name, content in EXPORTS[kind].items()}
    files |= {"__MACOSX/._x": b"", ".DS_Store": b"", f"{wrapped}desktop.ini": b"", f"{wrapped}list.csv": b"Name\nA\n"}
    write_files(tmp_path / "hw1", files)
    write_zip(tmp_path / "hw1.zip", files)
    for path in (tmp_path / "hw1", tmp_path / "hw1.zip"):
        found = read_export(path, EXPECTED)
        assert found.platform == kind.partition(",")[0]
        assert len(found.submissions) == 4 and not any(one.doubt for one in found.submissions)
        assert sum(found.files.values()) == len(files)
        assert [said.partition(" ")[0] for said in found.unread] == [f"{wrapped}list.csv".replace(" ", " ").split()[0]]
        assert found.files["unread"] == 1
        first, second, *_ = found.summary()
        assert ": 4 students, for example " in first and second.startswith(f"{len(files)} files: ")
        for one in found.submissions:  # each has the file that counts, and none has another's
            assert sum("kl" in entry.path.name or "zip" in entry.path.suffix for entry in one.entries) <= 2


def test_names_and_attempts_of_brightspace_and_blackboard(tmp_path):
    """The last attempt counts, what it was is said; a name inside parentheses is no user name."""
    for kind in ("brightspace", "brightspace, one folder", "blackboard"):
        found = read(tmp_path / kind, EXPORTS[kind], zone=BERLIN)
        ada = next(one for one in found.submissions if one.name == "Ada Lovelace")
        assert ada.time == "2026-10-03T09:01:00"
        assert ada.notes == (f"{ada.shown} handed in 2 times: this one, the last, counts",)
        assert any(entry.read(99) == KL for entry in ada.entries)
        assert "times of submissions name no zone: taken as Europe/Berlin, the course's" in found.notes
    blackboard = {one.students[0].login: one.name for one in found.submissions}
    assert blackboard == {
        "a_lovelace": "Ada Lovelace",
        "b_lovelace": "Ben (a_lovelace)",
        "turing": "turing",
        "eve": "eve",
    }


@pytest.mark.parametrize(
    ("written", "time"),
    [("100 AM", "01:00"), ("110 PM", "13:10"), ("1259 AM", "00:59"), ("1200 PM", "12:00"), ("926 PM", "21:26")],
)
def test_times_of_brightspace(tmp_path, written, time):
    found = read(tmp_path, {f"3501-77 - Ada Lovelace - Nov 1, 2026 {written}/kl.py": KL})
    assert found.submissions[0].time == f"2026-11-01T{time}:00"


def test_of_whom_it_is_not_known_whether_they_are_late(tmp_path):
    """Canvas gives no times, and says who is late by its own due date."""
    found = read(tmp_path, CANVAS, due=moment("2026-11-01", BERLIN))
    assert [one.name for one in found.submissions if one.late] == ["lovelaceada"]
    assert "3 of the submissions have no time: whether they are late is not known" in found.notes


def test_folders_that_are_called_as_the_roster_has_them_leave_no_doubt(tmp_path):
    """Its numbers are others than the folders' names, of course."""
    roster = "Name,ID\nAda Lovelace,00123\nBen Doe,00124\n"
    found = read(tmp_path, {"Ada Lovelace/kl.py": KL, "doe_ben/kl.py": KL}, roster=roster)
    assert set(names(found)) == {"Ada Lovelace", "Ben Doe"}
    assert not [note for note in found.notes if "roster" in note]


# A hostile student


@pytest.mark.parametrize("display_name", ["x_101_9999_y", "adaada_101_9999_y", "x_101", "adaada_101_90009"])
def test_a_display_name_that_looks_like_another_student_of_canvas(tmp_path, display_name):
    """Canvas makes "x_101_9999_y" of "x_-101_-9999_-y": it takes _digits_ out before it takes the hyphens out."""
    files = {"adaada_101_90001_kl.py": KL, f"{display_name}_502_90002_gmm.py": GMM, "benben_503_90003_kl.py": KL}
    files["cydcyd_504_90004_kl.py"] = KL
    found = read(tmp_path, files)
    assert set(names(found)) == {"benben", "cydcyd"}
    doubted = {one.students[0].id: one.doubt for one in found.submissions if one.doubt}
    assert doubted.keys() >= {"101", "502"} and all("ask both" in said for said in doubted.values())
    # With Canvas's numbers of one of them, there is no doubt.
    found = read(tmp_path, files, roster="Student,ID\nAda,101\nBen,503\nCyd,504\nEve,502\n")
    assert set(names(found)) == {"Ben", "Cyd"}
    found = read(tmp_path, files, roster="Student,ID\nBen,503\nCyd,504\nEve,502\n")
    assert names(found)["Eve"] == ["gmm.py"]
    # Numbers that are not Canvas's decide nothing.
    found = read(tmp_path, files, roster="Student,ID\nAda,101\nBen,3\nEve,2\n")
    assert set(names(found)) == {"benben", "cydcyd"}


def test_a_user_of_github_called_almost_like_another(tmp_path):
    roster = "github_username,name\nada,Ada\nemmy,Emmy\nalan,Alan\nx-ada,Eve\n"
    for wrapping in ("", "hw1-submissions/"):
        files = {f"{wrapping}{name}": content for name, content in GITHUB.items()}
        files[f"{wrapping}hw1-x-ada/kl.py"] = b"evil"
        found = read(tmp_path / f"w{len(wrapping)}", files, roster=roster)
        works = {one.name: one.entries[-1].read(99) for one in found.submissions}
        assert works == {"Ada": KL, "Emmy": KL, "Alan": KL, "Eve": b"evil"}
        # Without a folder of her own, Ada has handed in nothing.
        found = read(
            tmp_path / f"v{len(wrapping)}", {k: v for k, v in files.items() if "hw1-ada" not in k}, roster=roster
        )
        assert "Ada" not in names(found) and [one.name for one in found.absent] == ["Ada"]
    # A number of Canvas's is no user name.
    found = read(
        tmp_path / "n",
        {f"hw1-submissions/hw1-{n}/kl.py": KL for n in ("ada", "501")},
        roster="github_username,ID,name\nada,9,A\nb,501,B\n",
    )
    assert [one.name for one in found.absent] == ["B"]


def test_a_students_table_is_no_roster(tmp_path):
    """Beside the submissions, in one, or named like a gradebook: only a list that the instructor names is read."""
    evil = b"Student,ID,SIS User ID\nEve,501,1\nAda,502,2\n"
    files = {"adaada_501_90001_kl.py": KL, "eveeve_502_90002_grades.csv": evil, "eveeve_502_90003_kl.py": KL}
    found = read(tmp_path, files | {"gradebook.csv": evil})
    assert [(one.name, one.students[0].sid) for one in found.submissions] == [("adaada", ""), ("eveeve", "")]
    assert found.absent == [] and found.unread == [
        "gradebook.csv belongs to no student; if it is your list of students, name it with --roster"
    ]
    found = read_export(tmp_path / "hw1", EXPECTED, roster=tmp_path / "hw1" / "gradebook.csv")
    assert [one.name for one in found.submissions] == ["Ada", "Eve"] and found.unread == []
    assert found.files == {"of submissions": 3, "set aside": 1, "unread": 0}
    assert read(tmp_path / "alone", {"ada/kl.py": KL, "ada/roster.csv": evil}).absent == []


def test_a_student_called_like_a_group_or_a_number(tmp_path):
    """Nobody gets what another one handed in, whatever the one calls himself."""
    roster = "Name,Email,Group\nAda Lovelace,a@x.edu,red\nBen King,b@x.edu,red\nEve Evil,e@x.edu,\n"
    files = {"Ada Lovelace_501_assignsubmission_file_/kl.py": KL, "red_502_assignsubmission_file_/kl.py": b"evil"}
    found = read(tmp_path, files, roster=roster)
    assert names(found) == {} and all("may both be of Ada Lovelace" in one.doubt for one in found.submissions)
    roster = "github_username,ID,name\nada,501,Ada\nben,502,Ben\n"
    files = {f"hw1-{login}/kl.py": login.encode() for login in ("ada", "501", "ben")}
    found = read(tmp_path / "github", {f"hw1-submissions/{name}": text for name, text in files.items()}, roster=roster)
    assert {one.name: one.entries[0].read(9) for one in found.submissions} == {
        "Ada": b"ada",
        "501": b"501",
        "Ben": b"ben",
    }


def test_one_student_does_not_decide_what_the_export_is(tmp_path):
    """Names like those of a platform, in a plain folder: the others are graded all the same."""
    evil = {
        "submission_1/kl.py": KL,
        "submission_metadata.yml": GRADESCOPE["submission_metadata.yml"],
        "x_501_90001_kl.py": KL,
        "Eve_502_assignsubmission_file_/kl.py": KL,
        "HW_eve_attempt_2026-10-03-21-26-00_kl.py": KL,
        "3501-77 - Eve - Oct 2, 2026 1159 PM/kl.py": KL,
        "roster.csv": b"Name,SID\nAda,2\n",
    }
    found = read(tmp_path, {f"{name}/kl.py": KL for name in ("ada", "ben", "cyd", "dot", "eve", "fay", "gil")} | evil)
    assert found.platform == "plain" and {"ada", "ben", "cyd", "dot", "eve", "fay", "gil"} <= names(found).keys()
    assert {said.partition(" ")[0] for said in found.unread} == {"submission_metadata.yml", "roster.csv"}


@pytest.mark.parametrize("kind", ["canvas", "moodle", "brightspace", "blackboard", "gradescope", "github"])
def test_what_may_be_another_kind_is_said_in_a_line(tmp_path, kind):
    """By folders, archives and code; a table or a letter beside the submissions is no doubt."""
    found = read(tmp_path / "sure", EXPORTS[kind] | {"list.csv": b"", "letter.txt": b""})
    assert not any("looks like" in said for said in found.notes)
    ours = len({name.partition("/")[0] for name in EXPORTS[kind]} - {"index.html", "submission_metadata.yml"})
    found = read(tmp_path / "doubt", EXPORTS[kind] | {"jane/kl.py": KL, "joe.zip": b""})
    assert found.platform == kind
    said = f" in {ours} of {ours + 2} names, not in jane, joe.zip: else --export plain"
    assert found.notes[0] == f"looks like {TITLES[kind]}{said}" and len(found.unread) == 2
    found = read_export(tmp_path / "doubt" / "hw1", EXPECTED, platform=kind)
    assert not any("looks like" in said for said in found.notes)


def test_half_of_the_names_decide_nothing(tmp_path):
    files = {"x_501_90001_kl.py": KL, "y_502_90002_kl.py": KL, "ada/kl.py": KL, "ben.zip": zipped({"kl.py": KL})}
    assert read(tmp_path, files | {"list.csv": b"", "a.txt": b""}).platform == "plain"
    found = read_export(tmp_path / "hw1", EXPECTED, platform="canvas")
    assert [one.students[0].id for one in found.submissions] == ["501", "502"]


def test_two_who_may_be_one(tmp_path):
    """Both are listed, neither is graded."""
    roster = "Name,SID\nAda Lovelace,1\nBen King,2\nBen King,3\n"
    files = {
        "ada/kl.py": KL,
        "ada (1).zip": zipped({"kl.py": b"evil"}),
        "Ben King/kl.py": KL,
        "2/kl.py": KL,
        "Ada Lovelace/kl.py": KL,
        "adal-ovelace.zip": zipped({"kl.py": b"evil"}),
    }
    found = read(tmp_path, files, roster=roster)
    assert names(found) == {"Ben King": ["kl.py"]}
    assert {one.source: one.doubt.partition(":")[0] for one in found.submissions if one.doubt} == {
        "ada": "ada and ada (1).zip may be one student's",
        "ada (1).zip": "ada and ada (1).zip may be one student's",
        "Ben King": "Ben King may be Ben King (2) or Ben King (3) of the roster",
        "Ada Lovelace": "Ada Lovelace and adal-ovelace may both be of Ada Lovelace (1) of the roster",
        "adal-ovelace.zip": "Ada Lovelace and adal-ovelace may both be of Ada Lovelace (1) of the roster",
    }
    lines = gradebook.lines(found, {})
    assert sorted(line.status for line in lines if line.student.number in ("1", "3")) == ["Missing", "Ungraded"]


# Rosters


def test_numbers_are_texts_and_an_equal_address_decides(tmp_path):
    metadata = b"".join(
        b"submission_%d:\n  :submitters:\n  - :name: %s\n    :sid: '%s'\n    :email: %s\n" % (n, name, sid, email)
        for n, (name, sid, email) in enumerate(
            [(b"Ada", b"00123", b"ada@x.edu"), (b"Ben", b"00124", b"ben@x.edu"), (b"Cyd", b"125", b"cyd@x.edu")]
        )
    )
    files = {"submission_metadata.yml": metadata, **{f"submission_{n}/kl.py": KL for n in range(3)}}
    roster = "Name,SID,Email\nAda,123,ADA@x.edu\nBen,124,\nCyd,125,old@x.edu\nDot,0125,\n"
    found = read(tmp_path, files, roster=roster)
    assert [student.name for student in found.absent] == ["Ben", "Dot"]
    assert [one.students[0].sid for one in found.submissions] == ["00123", "00124", "125"]
    assert [said.partition(":")[0] for said in found.notes] == [
        "Ada is 00123 in the export and 123 on the roster",
        "Ben (00124) of the export and Ben (124) of the roster may be one student",
    ]


ROSTERS = {
    "Canvas": ('Student,ID,SIS User ID,SIS Login ID,Section\n"Lovelace, Ada",501,S1,ada,Mo\n', CANVAS),
    "a list of one's own": ("Name;Group;Extension days\nLovelace Ada;;\n", CANVAS),
    "Moodle": ("Identifier,Full name,Email address,Status\nParticipant 501,Ada Lovelace,ada@x.edu,-\n", MOODLE),
    "Brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n#S1,#ada,Lovelace,Ada,#\n",
        BRIGHTSPACE,
    ),
    "Blackboard": ("Last Name\tFirst Name\tUsername\tStudent ID\nLovelace\tAda\ta_lovelace\tS1\n", BLACKBOARD),
    "Gradescope": (
        "First Name,Last Name,SID,Email,Role\nAda,Lovelace,0501,,Student\nIna,Structor,9,,Instructor\n",
        {"submission_metadata.yml": GRADESCOPE["submission_metadata.yml"][:95], "submission_501/kl.py": KL},
    ),
    "GitHub": ("identifier,github_username,github_id,name\nada-12,ada,77,\n", GITHUB),
}


@pytest.mark.parametrize("kind", ROSTERS)
def test_lists_of_every_platform(tmp_path, kind):
    """Columns: community.d2l.com/brightspace/kb/articles/3538-importing-grades, und.teamdynamix.com (Blackboard's, tabs
    and UTF-16), read on 2026-11-30; the others as exported."""
    text, files = ROSTERS[kind]
    write_files(tmp_path / "hw1", files)
    (tmp_path / "list").write_bytes(text.encode("utf-16" if kind == "Blackboard" else "utf-8-sig"))
    found = read_export(tmp_path / "hw1", EXPECTED, roster=tmp_path / "list")
    assert found.absent == []
    assert {"Lovelace, Ada", "Lovelace Ada", "Ada Lovelace", "ada-12"} & names(found).keys()
    (tmp_path / "list").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnreadableError, match="is a workbook, not CSV: open it and save it as CSV"):
        read_export(tmp_path / "hw1", EXPECTED, roster=tmp_path / "list")


def test_a_pair_and_its_extension(tmp_path):
    """One submission, given to both; each is late by the own extension; days of the course's clock."""
    roster = (
        "Name,SID,Group,Extension days\nAda,1,red,\nBen,2,red,1\nCyd,3,blue,\nDot,4,blue,\nEve,5,,2.5\nFay,6,green,\n"
        "Gil,7,green,\n"
    )
    stamp = "2026-10-25-23-59-30"  # due a day before, at the end of the day on which clocks are put back
    files = {f"HW_{login}_attempt_{stamp}_kl.py": KL for login in ("1", "3", "4", "5", "green")}
    due = moment("2026-10-24", BERLIN)
    assert due.isoformat() == "2026-10-24T23:59:59+02:00"
    found = read(tmp_path, files, roster=roster.replace("SID", "Username"), due=due, zone=BERLIN)
    assert {one.name for one in found.submissions} == {"Ada, Ben", "Cyd", "Dot", "Eve", "Fay, Gil"}
    assert found.absent == []
    assert "several of a group handed in, each counts for who handed it in: blue" in found.notes
    lines = gradebook.lines(found, {one.slug: 7.0 for one in found.submissions})
    assert all(line.total == 7.0 for line in lines) and len(lines) == 7
    late = {line.student.name: line.late_days for line in lines}
    assert late == {"Ada": 1, "Ben": 0, "Cyd": 1, "Dot": 1, "Eve": 0, "Fay": 1, "Gil": 1}
    # As many hours later by UTC: without the course's clock, the day of 25 hours were two.
    assert (moment("2026-10-25T23:59:30", BERLIN) - due.astimezone(timezone.utc)).total_seconds() > 86_400
    with pytest.raises(UnreadableError, match="'soon', the extension of Ada, must be a number of days, such as 2"):
        read(tmp_path, files, roster="Name,Extension\nAda,soon\n")


def test_empty_folders_are_students_without_a_submission(tmp_path):
    write_files(tmp_path / "hw1", {"ada/kl.py": KL, "ben/.DS_Store": b"", "cyd/.git/HEAD": b"", "dot/kl.py": KL})
    (tmp_path / "hw1" / "eve").mkdir()
    found = read_export(tmp_path / "hw1", EXPECTED)
    assert [one.name for one in found.submissions] == ["ada", "dot"]
    assert sorted(student.name for student in found.absent) == ["ben", "cyd", "eve"]
    with zipfile.ZipFile(tmp_path / "hw1.zip", "w") as archive:
        for name in ("c/ada/", "c/ada/kl.py", "c/eve/", "c/dot/kl.py"):
            archive.writestr(name, KL if name.endswith("py") else b"")
    found = read_export(tmp_path / "hw1.zip", EXPECTED)
    assert ([one.name for one in found.submissions], found.absent[0].name) == (["ada", "dot"], "eve")
    (tmp_path / "roster.csv").write_text("Name\nAda\nEve\n")
    found = read_export(tmp_path / "hw1.zip", EXPECTED, roster=tmp_path / "roster.csv")
    assert [student.name for student in found.absent] == ["Eve"]


def test_the_instructor_may_say_what_it_is(tmp_path):
    files = {"a_501_90001_kl.py": KL, "b.zip": zipped({"kl.py": KL}), "c.zip": zipped({"kl.py": KL})}
    assert read(tmp_path, files).platform == "plain"
    found = read(tmp_path, files, platform="canvas")
    assert found.platform == "canvas" and found.files == {"of submissions": 1, "set aside": 0, "unread": 2}
    with pytest.raises(UnreadableError, match="does not look like an export of moodle: correct --export"):
        read(tmp_path, files, platform="moodle")


# Archives of Unix


def test_tars_are_read(tmp_path):
    archive = tarred({"work/kl.py": b"old", "work/gmm.py": GMM, "work/./kl.py": KL})
    ada, _ = read(tmp_path, {"ada/work.tar.gz": archive, "ben/kl.py": KL}).submissions
    assert taken(ada, tmp_path)["gmm.py"] == GMM


def broken_tar(size: int) -> bytes:
    """A tar whose one header says that its content has this many bytes."""
    member = tarfile.TarInfo("kl.py")
    content = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    content[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    content[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(content[:512]))[0]
    return bytes(content) + bytes(1024)


def test_hostile_tars_cost_little_and_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "LARGEST", 1 << 20)
    monkeypatch.setattr(tar, "SUBMISSION", replace(tar.SUBMISSION, entries=100))
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for name, kind in (("kl.py", tarfile.SYMTYPE), ("gmm.py", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    hostile = {
        "links": (tmp_path / "links.tar").read_bytes(),
        "out": tarred({"../../kl.py": KL, "/kl.py": KL}),
        "bomb": tarred({"kl.py": bytes(1 << 20)}),
        "cut": tarred({"kl.py": KL})[:40],
        "no tar": b"PK\x03\x04",
        "negative": broken_tar(-1024),
        "long header": broken_tar(1 << 40).replace(b"kl.py", b"L" * 5),
        "many": tarred({f"{number}.txt": b"" for number in range(101)}, "w"),
    }
    for name, content in hostile.items():
        write_files(tmp_path / "in", {"work.tgz": content})
        (entry,) = map(as_zip, read_tree(tmp_path / "in").entries)
        assert entry.path.name == "work.zip"
        try:
            inside = zip_tree(entry.read(1 << 30), "").entries
        except UnreadableError as error:
            assert str(error).startswith("work.tgz ") and name not in ("links", "out"), name
            continue
        assert not any(one.regular and one.read(99) for one in inside) and name in (
            "links",
            "out",
            "negative",
            "long header",
        )


def test_the_due_date_is_by_the_courses_clock(tmp_path):
    """A date alone is the end of that day there; without one the course's counts; what was assumed is said."""
    stamps = ("2026-11-03-23-59-30", "2026-11-04-00-00-30", "2026-11-05-00-01-00")
    write_files(tmp_path / "hw1", {f"HW_s{place}_attempt_{stamp}_kl.py": KL for place, stamp in enumerate(stamps)})
    course = replace(tasks.load(), timezone="America/New_York", due=moment("2026-11-03T20:00Z", BERLIN), late=Late())
    for due, late, said in (
        ("2026-11-03", [0, 1, 2], "late is what came after 2026-11-03 23:59:59 EST (--due, America/New_York)"),
        ("2026-11-04T06:00+01:00", [0, 1, 2], "late is what came after 2026-11-04 00:00:00 EST"),
        ("", [1, 1, 2], "late is what came after 2026-11-03 15:00:00 EST (full.toml, America/New_York)"),
    ):
        found = command.read_class(tmp_path / "hw1", course, due=due, expected=EXPECTED)
        assert [math.ceil(one.students[0].days_late) for one in found.submissions] == late
        assert [one.late for one in found.submissions] == [days > 0 for days in late]
        assert any(note.startswith(said) for note in found.notes)
        assert "times of submissions name no zone: taken as America/New_York, the course's" in found.notes
    with pytest.raises(UnreadableError, match="--due: 'soon' is not a time: write it as 2026-11-20, or as"):
        command.read_class(tmp_path / "hw1", course, due="soon")
