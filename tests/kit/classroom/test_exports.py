"""Exports of Gradescope, Canvas, Moodle and GitHub Classroom, built as the platforms build them, and what is read."""

import random
import tempfile
from dataclasses import replace
from datetime import timezone
from pathlib import Path, PurePosixPath

import pytest

from autograder.classroom import parcel
from autograder.classroom.exports.counting import slug
from autograder.classroom.exports.reading import read_export
from autograder.classroom.parcel import pack, version
from autograder.clock import moment
from autograder.grading import intake
from autograder.grading.files import UnreadableError, read_tree
from autograder.writing import write_files
from tests.kit.archives import write_zip, zipped

EXPECTED = ("kl.py", "gmm.py", "gmvae.safetensors")
KL, GMM = b"def kl(): ...\n", b"def gmm(): ...\n"


def export(tmp_path: Path, files: dict[str, bytes], form: str, name: str = "export") -> Path:
    """The same files as a folder or as a zip."""
    if form == "zip":
        return write_zip(tmp_path / f"{name}.zip", files)
    write_files(tmp_path / name, files)
    return tmp_path / name


def taken_in(submission, tmp_path) -> tuple[intake.Intake, dict[str, bytes]]:
    """What intake makes of a submission's parcel, and the files that it copies."""
    into = Path(tempfile.mkdtemp(dir=tmp_path))
    archive = into.with_suffix(".zip")
    archive.write_bytes(pack(submission.entries, EXPECTED).content)
    found = intake.unpack(archive, into, EXPECTED, None)
    return found, {name: (into / name).read_bytes() for name in found.files}


def taken(submission, tmp_path) -> dict[str, bytes]:
    """The files that are graded of a submission."""
    found, files = taken_in(submission, tmp_path)
    # Of what has no file to hand in, intake says so.
    assert bool(found.errors) == (not set(EXPECTED) & set(found.files))
    return files


both_forms = pytest.mark.parametrize("form", ["folder", "zip"])

# As an export of 2024 has it, colons of Ruby's symbols and all; results are long and of no use here.
METADATA = b"""---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0017'
    :email: ada@example.edu
  :created_at: 2026-11-20 21:59:00.123456000 Z
  :score: 12.0
  :status: processed
  :results:
    tests:
    - score: 1
      output: |
        submission_999:
          :submitters: none of this counts
  :history:
  - :id: 99
    :created_at: !ruby/object:ActiveSupport::TimeWithZone
      utc: 2026-11-19 10:00:00.000000000 Z
submission_102:
  :submitters:
  - :name: Emmy Noether
    :sid: '18'
    :email: emmy@example.edu
  - :name: "O'Neil, \\u00c9va"
    :sid: '19'
    :email: eva@example.edu
  :created_at: 2026-11-21 00:30:00.000000000 Z
submission_103:
  :submitters:
  - :name: No Files
    :sid: '20'
    :email:
  :created_at: 2026-11-20 00:30:00.000000000 Z
"""


@both_forms
def test_gradescope(tmp_path, form):
    files = {
        "assignment_7_export/submission_metadata.yml": METADATA,
        "assignment_7_export/submission_101/kl.py": KL,
        "assignment_7_export/submission_101/gmm.py": GMM,
        "assignment_7_export/submission_102/mine/kl.py": KL,
        "assignment_7_export/.DS_Store": b"",
        "__MACOSX/assignment_7_export/._submission_metadata.yml": b"",
    }
    found = read_export(export(tmp_path, files, form), EXPECTED, due=moment("2026-11-20T23:59+00:00", timezone.utc))
    assert found.platform == "gradescope"
    by_name = {submission.name: submission for submission in found.submissions}
    assert set(by_name) == {"Ada Lovelace", "Emmy Noether, O'Neil, Éva", "No Files"}
    ada, group = by_name["Ada Lovelace"], by_name["Emmy Noether, O'Neil, Éva"]
    assert (ada.students[0].sid, ada.students[0].email) == ("0017", "ada@example.edu")
    assert [student.sid for student in group.students] == ["18", "19"]
    assert not ada.late and group.late
    assert taken(ada, tmp_path) == {"kl.py": KL, "gmm.py": GMM}
    assert taken(group, tmp_path) == {"kl.py": KL}
    assert by_name["No Files"].doubt == "the export has no files of this submission: export the submissions again"


@both_forms
def test_canvas(tmp_path, form):
    archive = zipped({"vae/kl.py": KL, "vae/gmm.py": GMM, "__MACOSX/vae/._kl.py": b"rubbish"})
    files = {
        "lovelaceada_501_9001_submission.zip": archive,
        # Late, single files, one uploaded again: Canvas then adds a number.
        "noetheremmy_LATE_502_9002_kl.py": b"old",
        "noetheremmy_LATE_502_9005_kl-1.py": KL,
        "noetheremmy_LATE_502_9003_gmm.py": GMM,
        # Two zips, the newer one counts; a text entry; an anonymous one; underscores in a name.
        "turingalan_503_9004_submission.zip": zipped({"kl.py": b"old"}),
        "turingalan_503_9010_submission-1.zip": zipped({"kl.py": KL}),
        "gausscarl_504_text.html": b"<p>see my mail</p>",
        "anon_x1Y2z_9006_kl.py": KL,
        "van_der_waerden_505_9007_my_kl_final.zip": zipped({"kl.py": KL}),
    }
    found = read_export(export(tmp_path, files, form), EXPECTED)
    assert found.platform == "canvas"
    by_id = {submission.students[0].id: submission for submission in found.submissions}
    assert set(by_id) == {"501", "502", "503", "504", "505", "anon_x1Y2z"}
    assert {id for id, submission in by_id.items() if submission.late} == {"502"}
    assert by_id["501"].name == "lovelaceada" and by_id["505"].name == "van_der_waerden"
    assert taken(by_id["501"], tmp_path) == {"kl.py": KL, "gmm.py": GMM}
    assert taken(by_id["502"], tmp_path) == {"kl.py": KL, "gmm.py": GMM}
    assert taken(by_id["503"], tmp_path) == {"kl.py": KL}
    assert pack(by_id["503"].entries, EXPECTED).notes == ("of 2 zips, submission-1.zip was taken",)
    assert pack(by_id["504"].entries, EXPECTED).notes == ("there is no Python file and no zip in it, only text.html",)
    assert taken(by_id["505"], tmp_path) == {"kl.py": KL}


@both_forms
def test_moodle(tmp_path, form):
    files = {
        "Ada Lovelace_3001_assignsubmission_file_/submission.zip": zipped({"kl.py": KL}),
        "Ada Lovelace_3001_assignsubmission_onlinetext_/onlinetext.html": b"<p>done</p>",
        "Éva Ő_3002_assignsubmission_file_/kl.py": KL,
        "Éva Ő_3002_assignsubmission_file_/sub/gmm.py": GMM,
        "Participant_3003_assignsubmission_file/kl.py": KL,  # blind marking, newer releases
        "Emmy Noether_3004_assignsubmission_file_kl.py": KL,  # without folders
        "Emmy Noether_3004_assignsubmission_file_gmm.py": GMM,
    }
    found = read_export(export(tmp_path, files, form), EXPECTED)
    assert found.platform == "moodle"
    by_id = {submission.students[0].id: submission for submission in found.submissions}
    assert {id: submission.name for id, submission in by_id.items()} == {
        "3001": "Ada Lovelace",
        "3002": "Éva Ő",
        "3003": "Participant 3003",
        "3004": "Emmy Noether",
    }
    assert taken(by_id["3001"], tmp_path) == {"kl.py": KL}
    assert taken(by_id["3002"], tmp_path) == {"kl.py": KL, "sub/gmm.py": GMM}
    assert taken(by_id["3004"], tmp_path) == {"kl.py": KL, "gmm.py": GMM}
    assert [submission.slug for submission in found.submissions] == [
        "ada-lovelace-3001",
        "emmy-noether-3004",
        "participant-3003",
        "eva-o-3002",
    ]


def test_moodle_with_its_grading_worksheet(tmp_path):
    worksheet = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (submission)\n"
        "Participant 3001,Ada Lovelace,ada@example.edu,Submitted for grading - 1 day late,,100,"
        '"Friday, 20 November 2026, 11:58 PM"\n'
        "Participant 3009,Abe Absent,abe@example.edu,No submission,,100,-\n"
    )
    roster = tmp_path / "worksheet.csv"
    roster.write_text(worksheet)
    files = {"Ada Lovelace_3001_assignsubmission_file_/kl.py": KL}
    found = read_export(export(tmp_path, files, "folder"), EXPECTED, roster=roster)
    (ada,) = found.submissions
    assert ada.late and ada.time == "2026-11-20T23:58:00" and ada.students[0].email == "ada@example.edu"
    assert [student.name for student in found.absent] == ["Abe Absent"]


@both_forms
def test_github_classroom(tmp_path, form):
    files = {
        "vae-submissions/vae-ada-l/kl.py": KL,
        "vae-submissions/vae-ada-l/.git/config": b"[core]\n",
        "vae-submissions/vae-ada-l/data/MNIST/raw/big": b"0" * 1000,
        "vae-submissions/vae-emmy/src/kl.py": KL,
        "vae-submissions/vae-emmy/.git/HEAD": b"ref: refs/heads/main\n",
    }
    grades = (
        '"assignment_name","github_username","roster_identifier","student_repository_name","submission_timestamp"\n'
        '"vae","ada-l","Ada Lovelace","vae-ada-l","2026-11-21 08:00:00 UTC"\n'
        '"vae","emmy","Emmy Noether","vae-emmy","2026-11-20 08:00:00 UTC"\n'
        '"vae","abe","Abe Absent","",""\n'
    )
    roster = tmp_path / "grades.csv"
    roster.write_text(grades)
    path = export(tmp_path, files, form)
    found = read_export(path, EXPECTED, roster=roster, due=moment("2026-11-20T23:59Z", timezone.utc))
    assert found.platform == "github"
    assert [(one.name, one.students[0].login, one.late) for one in found.submissions] == [
        ("Ada Lovelace", "ada-l", True),
        ("Emmy Noether", "emmy", False),
    ]
    assert [student.name for student in found.absent] == ["Abe Absent"]
    assert taken(found.submissions[0], tmp_path) == {"kl.py": KL}
    # Without the list, the user names follow from the folders.
    assert [one.name for one in read_export(path, EXPECTED).submissions] == ["ada-l", "emmy"]


@both_forms
def test_plain_folders_and_zips(tmp_path, form):
    files = {
        "ada/kl.py": KL,
        "ada/venv/pyvenv.cfg": b"",
        "ada/venv/lib/kl.py": b"not mine",
        "Emmy (1).zip": zipped({"kl.py": KL}),
        "notes.txt": b"",
    }
    found = read_export(export(tmp_path, files, form), EXPECTED)
    assert found.platform == "plain"
    assert [one.name for one in found.submissions] == ["ada", "Emmy"]
    assert taken(found.submissions[1], tmp_path) == {"kl.py": KL}
    assert found.unread == ["notes.txt belongs to no student: put it into a student's folder, or delete it"]


def test_downloads_of_two_days_in_one_folder(tmp_path):
    """The same student in both: the later one counts."""
    first = METADATA.replace(b"submission_101", b"submission_91").replace(b"2026-11-20 21:59", b"2026-11-18 08:00")
    early = zipped({"a/submission_metadata.yml": first, "a/submission_91/kl.py": b"old"})
    late = zipped({"b/submission_metadata.yml": METADATA, "b/submission_101/kl.py": KL})
    found = read_export(export(tmp_path, {"monday.zip": early, "friday.zip": late}, "folder"), EXPECTED)
    ada = next(one for one in found.submissions if one.name == "Ada Lovelace")
    assert taken(ada, tmp_path) == {"kl.py": KL}
    assert ada.notes == ("Ada Lovelace (0017) handed in 2 times: this one, the last, counts",)


def test_a_student_in_a_group_and_alone_counts_once(tmp_path):
    alone = b"submission_104:\n  :submitters:\n  - :name: Emmy Noether\n    :sid: '18'\n    :email: emmy@example.edu\n"
    files = {
        "submission_metadata.yml": METADATA + alone + b"  :created_at: 2026-11-22 00:00:00.000000000 Z\n",
        "submission_102/kl.py": b"old",
        "submission_104/kl.py": KL,
    }
    found = read_export(export(tmp_path, files, "folder"), EXPECTED)
    names = [one.name for one in found.submissions]
    assert sorted(names) == ["Ada Lovelace", "Emmy Noether", "No Files", "O'Neil, Éva"]


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"a.zip": zipped({"in/b.zip": zipped({"c/kl.py": KL})})}, "the files to grade lie in b.zip inside a.zip"),
        ({"gmvae.safetensors": b"w", "a.zip": zipped({"x/kl.py": KL})}, "gmvae.safetensors handed in beside a.zip"),
        (
            {"kl.py": KL, "report.zip": zipped({"kl.py": b"old"})},
            "not opened, because the files to grade lie beside it",
        ),
        ({"kl (2).py": KL, "kl.py": b"old"}, "kl (2).py was taken as kl.py"),
    ],
)
def test_unusual_uploads(tmp_path, files, note):
    path = export(tmp_path, {f"ada/{name}": content for name, content in files.items()}, "folder")
    (ada,) = read_export(path, EXPECTED).submissions
    assert any(note in said for said in pack(ada.entries, EXPECTED).notes)
    assert taken(ada, tmp_path)["kl.py"] == KL
    if "gmvae.safetensors" in files:
        assert taken(ada, tmp_path)["gmvae.safetensors"] == b"w"


def test_what_cannot_be_opened_still_makes_a_parcel(tmp_path):
    """A broken zip, a nest without an end, other formats: intake tells the student, we tell the instructor."""
    bottomless = zipped({"nothing.txt": b""})
    for _ in range(6):
        bottomless = zipped({"in.zip": bottomless})
    files = {"a/broken.zip": b"PK\x03\x04nonsense", "b/deep.zip": bottomless, "c/work.rar": b"Rar!", "d/x.txt": b""}
    path = export(tmp_path, files, "folder")
    notes = {one.name: pack(one.entries, EXPECTED).notes for one in read_export(path, EXPECTED).submissions}
    assert notes["a"] == ("broken.zip is not a readable zip",)
    assert notes["c"] == ("there is no Python file and no zip in it, only work.rar",)


def test_the_same_files_make_the_same_parcel(tmp_path):
    files = {"ada/kl.py": KL, "ada/gmm.py": GMM}
    one = read_export(export(tmp_path, files, "folder")).submissions[0]
    other = read_export(export(tmp_path, dict(reversed(files.items())), "zip")).submissions[0]
    assert pack(one.entries, EXPECTED).content == pack(other.entries, EXPECTED).content


def test_too_large_files_are_left_to_intake(tmp_path):
    """Not a gigabyte of them is read."""
    one = read_export(export(tmp_path, {"ada/kl.py": b"#" * (3 << 20)}, "folder")).submissions[0]
    assert len(pack(one.entries, EXPECTED).content) < (2 << 20)
    found, _ = taken_in(one, tmp_path)
    assert found.unusable == ("kl.py",) and "a Python file may take 1 MiB" in found.notes[0]


@both_forms
def test_of_a_large_zip_only_what_is_graded_is_passed_on(tmp_path, form, monkeypatch):
    monkeypatch.setattr(parcel, "LIMITS", replace(parcel.LIMITS, nested_bytes=10_000))
    archive = zipped({"work/kl.py": KL, "work/report.pdf": random.randbytes(20_000), "work/data/x": b""})
    (ada,) = read_export(export(tmp_path, {"ada/work.zip": archive}, form), EXPECTED).submissions
    assert len(pack(ada.entries, EXPECTED).content) < 2000
    found, _ = taken_in(ada, tmp_path)
    assert found.files == ("kl.py",) and "work/data/ (1 file)" in found.notes[1]


def test_clear_errors(tmp_path):
    with pytest.raises(UnreadableError, match="nothing at"):
        read_export(tmp_path / "missing")
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(UnreadableError, match="neither a folder nor a readable zip"):
        read_export(tmp_path / "x.zip")
    with pytest.raises(UnreadableError, match="one submission: use `make grade`"):
        read_export(export(tmp_path, {"kl.py": KL}, "folder", "single"), EXPECTED)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match="there are no submissions"):
        read_export(tmp_path / "empty")
    roster = tmp_path / "bad.csv"
    roster.write_text("colour;size\nred;1\n")
    with pytest.raises(UnreadableError, match="no column with students' names"):
        read_export(export(tmp_path, {"ada/kl.py": KL}, "folder", "plain"), roster=roster)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "submission_metadata.yml").write_text("submission_1:\n  :submitters: [\n")
    with pytest.raises(UnreadableError, match="submission_metadata.yml cannot be read"):
        read_export(tmp_path / "broken")


def test_hostile_names_stay_in_their_place(tmp_path):
    """Names in files and on the page come from students: slugs are harmless, and paths lead nowhere."""
    files = {"../../etc_501_1_kl.py": KL, "..%2f_502_2_kl.py": KL}
    path = write_zip(tmp_path / "evil.zip", {**files, "<script>_503_3_kl.py": KL})
    assert not any(".." in entry.path.parts for entry in read_tree(path).entries)
    for submission in read_export(path, EXPECTED).submissions:
        assert PurePosixPath(submission.slug).name == submission.slug and slug(submission.slug) == submission.slug


def test_small_parts():
    assert version("kl-2.py") == ("kl.py", 2)
    assert version("kl (3).py") == ("kl.py", 3)
    assert version("task1-kl.py") == ("task1-kl.py", 0)
    assert slug("Éva O'Neil") == "eva-o-neil"


@both_forms
def test_what_lies_where_nobody_looks_is_named_in_the_students_report(tmp_path, form):
    """Whatever form a submission takes on its way, intake hears of all of its files."""
    files = {
        f"ada/{name}": b"x" for name in ("data/kl.py", "data/a.csv", ".git/config", "b.rar", "report.pdf", "gmm.py")
    }
    files |= {"ada/__MACOSX/._x": b"", "ben/kl.py": KL}
    found = read_export(export(tmp_path, files, form), EXPECTED)
    ada = next(one for one in found.submissions if one.name == "ada")
    report, _ = taken_in(ada, tmp_path)
    assert report.files == ("gmm.py",) and set(report.left_out) == {"data", "b.rar"}
    assert [note.partition(": ")[2] for note in report.notes] == [
        "b.rar. Hand in the files themselves, or one zip with nothing around it.",
        ".git/ (1 file).",
        "data/kl.py and 1 more in data/, __MACOSX/ (1 file). Move what should be graded out of them.",
        "report.pdf.",
    ]


def test_a_link_in_a_class_is_not_followed(tmp_path):
    """A student's folder, a zip, and an export inside an export."""
    write_files(tmp_path / "secret", {"kl.py": KL})
    write_zip(tmp_path / "secret.zip", {"kl.py": KL})
    write_files(tmp_path / "class", {"ada/kl.py": KL, "ben/gmm.py": GMM})
    for name, goal in {
        "eve": "secret",
        "eve.zip": "secret.zip",
        "ben/kl.py": "secret/kl.py",
        "ben/x.zip": "secret.zip",
    }.items():
        (tmp_path / "class" / name).symlink_to(tmp_path / goal)
    (tmp_path / "class" / "loop").symlink_to("loop")
    found = {one.name: one for one in read_export(tmp_path / "class", EXPECTED).submissions}
    assert taken(found["ada"], tmp_path) == {"kl.py": KL} and taken(found["ben"], tmp_path) == {"gmm.py": GMM}
    assert taken(found["eve"], tmp_path) == {}
