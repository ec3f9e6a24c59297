"""A class graded from end to end: here by a stand-in for the grader, which is quick, or for real on a small suite; what
a run leaves behind, what the next one does not do again, and what becomes of runs that are interrupted or killed."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import tasks
from autograder.classroom import command, grading
from autograder.classroom.command import ClassSettings, grade_class
from autograder.classroom.grading import ParcelOutcome, grade_parcel, out_of_time
from autograder.classroom.origin import Keys, origin
from autograder.classroom.results_folder import BusyError, Store
from autograder.exits import Exit
from autograder.grading.files import UnreadableError
from autograder.grading.results import Results
from autograder.grading.session import Session
from autograder.repository import ROOT
from autograder.writing import write_files
from tests.kit.courses import write_course
from tests.kit.gradebooks import records, rows
from tests.kit.hostile import HOSTILE, strings, unseen
from tests.kit.processes import alive, descendants, let_others_in, nothing_left_running, until

RIGHT = "def one():\n    return 1\n\n\ndef twice(x):\n    return 2 * x\n"
PUBLIC = """
    import pytest
    from autograder.door.diagnose import check

    pytestmark = pytest.mark.task{n}

    def test_one(submission):
        '''public check of <b>task</b> {n}'''
        check(submission.call("task{n}.one") == 1, "one() should be 1. Did you start from zero?")
"""
HIDDEN = """
    import pytest
    from autograder.door.diagnose import check

    pytestmark = pytest.mark.task{n}

    def test_twice(submission):
        '''hidden check of <b>task</b> {n}'''
        check(submission.call("task{n}.twice", 31337) == 62674, "twice(x) is wrong for large x.")
"""
# A process of its own, to be interrupted or killed; its argument is a ClassSettings in JSON.
DRIVER = """
    import json, sys
    from pathlib import Path
    sys.path.insert(0, {root!r})
    from autograder.classroom import command
    from autograder.grading.session import Grading
    settings = json.loads(sys.argv[1])
    session = Grading.from_json(settings.pop("session") | {{"submission": "", "out": ""}}).session
    paths = {{name: Path(settings.pop(name)) for name in ("submissions", "out")}}
    try:
        command.grade_class(command.ClassSettings(**paths, **settings, session=session))
    except KeyboardInterrupt:
        sys.exit(130)
"""


class Course:
    """A suite with two tasks of two checks each, and a class."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tests = folder, folder / "course" / "tests"
        self.submissions, self.out = folder / "submissions", folder / "out"
        self.file = write_course(folder / "course", {"public": PUBLIC, "hidden": HIDDEN}, n=2, worth=10)
        self.session = Session(secret="not much of a secret", course=self.file, provided=None)

    def hand_in(self, student: str, **files: str) -> None:
        """A folder with task1.py and task2.py, right unless given; None for a file that is missing."""
        folder = self.submissions / student
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in ({"task1": RIGHT, "task2": RIGHT} | files).items():
            (folder / f"{name}.py").write_text(textwrap.dedent(source))

    def grade(self, **settings) -> command.Summary:
        return grade_class(ClassSettings(self.submissions, self.out, self.session, **settings))

    def is_the_commands(self, monkeypatch) -> None:
        """Have the command grade this course, with this session."""
        monkeypatch.setattr(command, "load_secret", lambda _: "not much of a secret")
        monkeypatch.setattr(command, "chosen", lambda name: self.session.load())
        monkeypatch.setattr(Session, "of", lambda *_, **__: self.session)

    def start(self, **settings) -> subprocess.Popen:
        document = {
            "submissions": str(self.submissions),
            "out": str(self.out),
            "session": self.session.to_json() | settings.pop("session", {}),
            **settings,
        }
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(DRIVER).format(root=str(ROOT)), json.dumps(document)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(self.folder)},
        )

    def score(self, slug: str) -> float:
        return json.loads((self.out / "students" / slug / "results.json").read_text())["score"]


@pytest.fixture
def course(tmp_path):
    let_others_in(tmp_path)
    return Course(tmp_path)


def judged(content: bytes, session: Session, lane: grading.Lane | None = None) -> ParcelOutcome:
    """What a stand-in for the grader says: a file with "wrong" in it loses its task."""
    import io
    import zipfile

    results = Results.of(session.load())
    results.seconds = 1.0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for check in session.load().checks:
        source = files.get(f"{check.task}.py")
        if source is None:
            results.set(check.id, 0.0, "It is not in the submission.", kind="missing")
        elif b"wrong" in source:
            results.set(check.id, 0.0, f"twice(x): {len(source)} of 300 values are wrong. Was {{x}} squared?")
        else:
            results.set(check.id, 1.0)
    if any(b"grader's fault" in source for source in files.values()):
        return ParcelOutcome(None, problem="the sandbox is broken", log="said the grader", may_pass=True)
    return ParcelOutcome(results.document(), seconds=1.0, cpu_seconds=0.5, peak_mib=100.0, host="here")


@pytest.fixture
def quick(monkeypatch):
    """The stand-in; a list of the parcels that it was given."""
    given = []

    def grade(content, session, stop=None, lane=None):
        given.append(content)
        return judged(content, session)

    monkeypatch.setattr(grading, "grade_parcel", grade)
    return given


def graded(path: Path) -> dict[str, tuple[str, str]]:
    """Name of a student -> score and status, in a plain grades.csv."""
    return {row["Name"]: (row["Total Score"], row["Status"]) for row in records(path)}


def test_a_class(course, quick):
    course.hand_in("ada")
    course.hand_in("ben", task2="wrong = 1\n")
    (course.submissions / "cyd").mkdir()
    (course.submissions / "cyd" / "report.pdf").write_text("no code")
    course.hand_in("<script>alert(1)", task1="grader's fault\n")
    summary = course.grade(workers=2)
    assert sorted(summary.graded) == ["ada", "ben", "cyd"] and summary.failed == ["script-alert-1"]
    assert [course.score(slug) for slug in ("ada", "ben")] == [20, 10]

    grades = graded(course.out / "grades.csv")
    assert grades["ada"] == ("20", "Graded") and grades["ben"] == ("10", "Graded")
    assert grades["<script>alert(1)"] == ("", "Ungraded")

    failed = course.out / "students" / "script-alert-1"
    assert not (failed / "results.json").exists() and (failed / "grader.log").read_text() == "said the grader"
    report = (course.out / "students" / "ada" / "report.html").read_text()
    assert "20 / 20" in report and "<h1>ada</h1>" in report

    page = (course.out / "class.html").read_text()
    assert page.count("<script") == 1 and "&lt;script&gt;alert(1)" in page and "of <b>task</b>" not in page
    assert "the sandbox is broken" in page and "there is no Python file and no zip in it, only report.pdf" in page
    assert "of 300 values are wrong. Was {x} squared?" in page
    # Nothing is loaded from anywhere, and every link leads to a file that is there.
    assert "http" not in page.replace("http-equiv", "") and "src=" not in page and "<svg" in page
    links = set(re.findall(r'href="([^#"][^"]*)"', page))
    assert "students/ben/report.html" in links and all((course.out / link).exists() for link in links)
    # Only the owner may read any of it.
    assert all(path.stat().st_mode & 0o077 == 0 for path in course.out.rglob("*"))


def test_what_is_finished_is_not_graded_again(course, quick):
    for student in ("ada", "ben", "cyd"):
        course.hand_in(student, task1=f"# {student}\n{RIGHT}")
    course.hand_in("dot", task1="grader's fault\n")

    def graded(**settings):
        quick.clear()
        summary = course.grade(**settings)
        assert len(summary.graded) + len(summary.known) + len(summary.failed) == 4
        # One that fails is given a second try.
        assert len(quick) == len(summary.graded) + 2 * len(summary.failed)
        return sorted(summary.graded)

    assert graded() == ["ada", "ben", "cyd"]
    first = (course.out / "students" / "ada" / "results.json").stat().st_mtime_ns
    assert graded() == []
    assert (course.out / "students" / "ada" / "results.json").stat().st_mtime_ns == first
    course.hand_in("ben", task1="changed = 1\n")
    assert graded() == ["ben"]
    # A grading that somebody meddled with, or that broke off, does not count.
    (course.out / "students" / "ada" / "results.json").write_text('{"score": 1000}')
    (course.out / "students" / "cyd" / "grading.json").unlink()
    assert graded() == ["ada", "cyd"]
    assert course.score("ada") == 20
    course.hand_in("dot")  # now it can be graded
    assert graded() == ["dot"]
    assert graded() == []  # nothing to do at all
    # Checks, tasks and secret decide on results, too.
    checks = course.tests / "hidden" / "test_task1.py"
    checks.write_text(checks.read_text() + "# changed\n")
    assert graded() == ["ada", "ben", "cyd", "dot"]
    registry = course.tests / "tasks.toml"
    registry.write_text(registry.read_text().replace('"Task 1"', '"Task one"'))
    assert graded() == ["ada", "ben", "cyd", "dot"]
    course.session = replace(course.session, secret="another secret altogether")
    assert graded() == ["ada", "ben", "cyd", "dot"]


def test_the_hash_covers_all_of_our_modules_that_a_grading_imports():
    code = (
        "import sys; from autograder.classroom import grade_one; from autograder.grading import intake, suites; "
        "from autograder.sandbox import backend, late_compiler, worker; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('autograder.')))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {Path(name) for name in run.stdout.split()} - {ROOT / "autograder" / "classroom" / "__init__.py"}
    assert len(imported) >= 20 and imported <= set(grading.grader_files(ROOT / "tests", None))


def test_one_run_at_a_time(course, quick):
    course.hand_in("ada")
    with Store(course.out, course.session.load()).locked(), pytest.raises(BusyError, match="another run"):
        course.grade()


def test_nothing_is_written_twice(course):
    store = Store(course.out, course.session.load())
    with store.locked():
        store.begin(origin(course.session, course.session.load()))
    store.save("ada", Keys("key"), ParcelOutcome(None, problem="x"))
    with pytest.raises(ValueError, match="graded already"):
        store.save("ada", Keys("key"), ParcelOutcome(None, problem="x"))


def test_a_canvas_class_gives_what_canvas_imports(course, quick):
    """By the rules of Canvas's gradebook_importer.rb: which columns come first, and how the points' row is known."""
    course.submissions.mkdir()
    for name in ("adaada_501_1", "benben_LATE_502_2"):
        for task in ("task1", "task2"):
            (course.submissions / f"{name}_{task}.py").write_text(RIGHT)
    (course.submissions / "=cmd()_503_3_task1.py").write_text(RIGHT)
    roster = course.folder / "gradebook.csv"
    roster.write_text('Student,ID,SIS User ID,SIS Login ID,Section\n"A, Ada",501,7,ada,Mo\n"Z, Abe",599,9,abe,Mo\n')
    course.grade(roster=roster, title="VAE (77)")
    header, possible, *students = rows(course.out / "grades.csv")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "VAE (77)"]
    assert "Points Possible" in possible[0] and possible[5] == "20"
    # An empty cell would take away a grade that Canvas has, so the absent have no row.
    assert {row[1]: row[5] for row in students} == {"501": "20", "502": "20", "503": "10"}
    assert ["A, Ada", "501", "7", "ada", "Mo", "20"] in students
    # A name that a spreadsheet would run stays a name.
    assert [row[0] for row in students if row[1] == "503"] == ["'=cmd()"]
    assert 'class="late"' in (course.out / "class.html").read_text()


def test_other_forms_of_grades(course, quick):
    course.hand_in("ada")
    course.grade(form="gradescope")
    assert rows(course.out / "grades.csv")[1][:8] == ["ada", "", "ada", "", "", "20", "20", "Graded"]
    with pytest.raises(UnreadableError, match="Moodle knows students by Identifier, which no student here has"):
        course.grade(form="moodle")


def test_the_command(course, quick, monkeypatch, capsys):
    """Exit status and words for whoever runs it."""
    monkeypatch.setattr(command, "load_secret", lambda _: "not much of a secret")
    loaded = tasks.load()
    monkeypatch.setattr(Session, "load", lambda self: loaded)
    assert command.main([str(course.folder / "nothing"), "--out", str(course.out)]) == 2
    assert "nothing at nothing" in capsys.readouterr().err
    assert command.main([str(course.folder), "--out", str(course.out), "--due", "soon"]) == 2
    assert "--due: 'soon' is not a time" in capsys.readouterr().err
    course.hand_in("ada")
    monkeypatch.setattr("autograder.classroom.cluster.ANSWER_SECONDS", 0.3)
    nowhere = ["--scheduler", "tcp://127.0.0.1:9"]
    assert command.main([str(course.submissions), "--out", str(course.out), *nowhere]) == Exit.FAILED
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
    assert command.main([str(course.submissions), "--out", str(course.out), "--workers", "1"]) == 0
    assert "1 submission: 1 graded" in capsys.readouterr().out
    course.hand_in("zoe")
    (course.submissions / "zoe" / "kl.py").write_text(RIGHT)
    (course.submissions / "zoe" / "old.zip").write_bytes(b"PK\x03\x04nonsense")
    assert command.main([str(course.submissions), "--out", str(course.out)]) == Exit.LEFT_OUT
    assert "something was left out; the report says what: zoe" in capsys.readouterr().out
    course.hand_in("ben", task1="grader's fault\n")
    assert command.main([str(course.submissions), "--out", str(course.out)]) == 1
    assert "failed: ben: the sandbox is broken" in capsys.readouterr().out


def test_without_landlock_an_open_folder_is_refused(course, monkeypatch):
    monkeypatch.setattr(command.layers, "landlock_abi", lambda: 0)
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    course.hand_in("ada")
    monkeypatch.setattr(Path, "parents", property(lambda self: ()))
    with pytest.raises(UnreadableError, match="chmod go="):
        command._refuse_open_folder(course.submissions)
    course.submissions.chmod(0o700)
    command._refuse_open_folder(course.submissions)


@pytest.mark.parametrize(
    ("kind", "outcome", "limits"),
    [
        ("wrong", {}, [(480, 20)]),
        ("timeout", {}, [(480, 20)]),  # the code is slow, not the machine
        ("timeout", {"waited_share": 0.5}, [(480, 20), (480, 80)]),
        ("", {"problem": "GradingError: a check is wrong"}, [(480, 20)]),
        ("", {"problem": "ZygoteDied: no more", "may_pass": True}, [(480, 20), (480, 20)]),
        ("", {"error": OSError("no space left")}, [(480, 20), (480, 20)]),
    ],
)
def test_a_second_try_is_for_trouble_of_the_machine_alone(monkeypatch, kind, outcome, limits):
    """One, whatever the trouble was, and the whole grading has no more time than the first."""
    tried = []

    def grade(content, session, stop=None, lane=None):
        tried.append((session.seconds, session.call_seconds))
        if "error" in outcome:
            raise outcome["error"]
        document = {"tests": [{"extra_data": {"kind": kind}}]} if kind else None
        return ParcelOutcome(document, **outcome)

    monkeypatch.setattr(grading, "grade_parcel", grade)
    found = grading.grade_fairly(b"", Session("secret"))
    assert tried == limits and found.again == (limits[-1][1] == 80)
    assert ("no space left" in found.problem) == ("error" in outcome)


def test_equal_submissions_are_graded_once(course, quick):
    for student in ("ada", "ben", "cyd"):
        course.hand_in(student)
    course.hand_in("dot", task1="wrong = 1\n")
    assert sorted(course.grade().graded) == ["ada", "ben", "cyd", "dot"] and len(quick) == 2
    assert [course.score(student) for student in ("ada", "ben", "cyd", "dot")] == [20, 20, 20, 10]


# With the real grader


def parcel(course: Course, student: str) -> bytes:
    from autograder.classroom.exports.reading import read_export
    from autograder.classroom.parcel import pack

    found = read_export(course.submissions, platform="plain").submissions
    return pack(next(one for one in found if one.name == student).entries, ("task1.py", "task2.py")).content


def test_one_grading_leaves_nothing_behind(course, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(course.folder / "temporary"))
    (course.folder / "temporary").mkdir()
    (course.folder / "temporary").chmod(0o711)
    monkeypatch.setattr("tempfile.tempdir", None)
    course.hand_in("ada", task2="def one():\n    return 0\n")
    outcome = grade_parcel(parcel(course, "ada"), course.session)
    assert outcome.problem == "" and outcome.document["score"] == 10, outcome.log
    assert outcome.cpu_seconds > 0 and outcome.peak_mib > 50 and outcome.host
    assert "not much of a secret" not in json.dumps(outcome.document) + outcome.log
    assert list((course.folder / "temporary").iterdir()) == []


def test_what_nobody_can_grade_is_no_zero(course, quick):
    """It is listed with a sentence for the student, has no score, and the others are graded."""
    course.hand_in("ada")
    course.hand_in("twice")
    write_files(course.submissions, {"twice (1).zip": b"PK\x03\x04", "broken.tgz": b"\x1f\x8bnonsense"})
    summary = course.grade(similarity=False)
    assert summary.ungradable == ["broken", "twice", "twice-1-zip"] and not summary.failed and len(quick) == 1
    store = Store(course.out, course.session.load())
    said = {slug: store.record(slug).problem for slug in summary.ungradable}
    assert said["broken"].startswith("broken.tgz cannot be unpacked") and "Please hand in a zip." in said["broken"]
    assert said["twice"] == "twice and twice (1).zip may be one student's: delete what does not count"
    grades = graded(course.out / "grades.csv")
    assert grades.pop("ada") == ("20", "Graded") and set(grades.values()) == {("", "Ungraded")} and len(grades) == 3
    page = (course.out / "class.html").read_text()
    assert "not gradable" in page and "students/twice/grader.log" in page


@pytest.mark.slow
def test_no_code_is_no_zero_either(course):
    """What the grader finds nothing in; it is not tried again. A .tar.gz is graded."""
    course.submissions.mkdir()
    notebook = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    write_files(course.submissions, {"rar/work.rar": b"Rar!", "notebook.ipynb": notebook})
    (course.folder / "right.py").write_text(RIGHT)
    with tarfile.open(course.submissions / "tar.tar.gz", "w:gz") as archive:
        for task in ("task1", "task2"):
            archive.add(course.folder / "right.py", f"work/{task}.py")
    for _ in range(2):
        summary = course.grade(similarity=False)
        assert sorted(summary.ungradable) == ["notebook", "rar"] and course.score("tar") == 20
    assert sorted(summary.reused) == ["notebook", "rar", "tar"] and not summary.graded
    store = Store(course.out, course.session.load())
    said = {slug: store.record(slug).problem for slug in summary.ungradable}
    assert all("none of the files to hand in is there (task1.py, task2.py)" in why for why in said.values())
    assert "work.rar. Hand in the files themselves, or one zip with nothing around it." in said["rar"]
    assert "students/rar/report.html" in (course.out / "class.html").read_text()


def test_what_strangers_write_reaches_nobody_with_characters_that_cannot_be_seen(course, monkeypatch, capfd):
    """Names of students and files, and a roster: in pages, tables, logs, and on the terminal."""
    course.is_the_commands(monkeypatch)
    monkeypatch.setenv("TMPDIR", str(course.folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    name = HOSTILE.replace("/", "")
    for folder in (name, f"=cmd(){name}"):
        (course.submissions / folder / "data").mkdir(parents=True)
        for file in (f"{name}.pdf", f"task1-2{name}.py", f"{name}.zip", f"task1{name}.ipynb", f"data/{name}.py"):
            (course.submissions / folder / file).write_text(HOSTILE)
    (course.submissions / f"{name}.txt").write_text("of no student")
    roster = course.folder / "roster.csv"
    roster.write_text(f"Name,SID,Email,Section\n{name},{HOSTILE},{HOSTILE},{HOSTILE}\nAbsent{HOSTILE},1{HOSTILE},,\n")
    for form in ("plain", "gradescope"):
        options = ["--out", str(course.out), "--roster", str(roster), "--form", form]
        assert command.main([str(course.submissions), *options]) in (Exit.LEFT_OUT, Exit.FAILED)
        made = {path: path.read_text("utf-8-sig") for path in course.out.rglob("*") if path.is_file()}
        assert {path.suffix for path in made} >= {".html", ".csv", ".json", ".log"}
        texts = {str(path): text for path, text in made.items() if path.suffix != ".json"}
        texts |= {
            f"{path} {text}": text
            for path in made
            if path.suffix == ".json"
            for text in strings(json.loads(made[path]))
        }
        texts |= dict(zip(("stdout", "stderr"), capfd.readouterr(), strict=True))
        assert {where: unseen(text) for where, text in texts.items() if unseen(text)} == {}
        assert "visible" in texts[str(course.out / "grades.csv")] and "visible" in texts[str(course.out / "class.html")]
        assert "\n=cmd" not in texts[str(course.out / "grades.csv")]
    assert command.main([str(course.submissions / name / f"{name}.pdf"), "--out", str(course.out)]) == Exit.NOTHING
    assert not unseen(capfd.readouterr().err)


@pytest.mark.slow
def test_a_grading_that_is_given_up_takes_its_processes_along(course):
    course.hand_in("ada", task1="import time\ntime.sleep(1000)\n")
    stop = threading.Event()
    threading.Timer(4.0, stop.set).start()
    began = time.monotonic()
    session = replace(course.session, call_seconds=900.0)
    with nothing_left_running(20):
        outcome = grade_parcel(parcel(course, "ada"), session, stop)
        assert outcome.document is None and outcome.problem == "interrupted"
        assert time.monotonic() - began < 60


@pytest.mark.slow
def test_a_grader_that_cannot_work_is_no_zero(course):
    course.hand_in("ada")
    checks = course.tests / "hidden" / "test_task1.py"
    checks.write_text("import nonsense\n" + checks.read_text())
    outcome = grade_parcel(parcel(course, "ada"), course.session)
    assert outcome.document is None and outcome.problem.startswith("GradingError")


@pytest.mark.slow
def test_what_ran_out_of_time_is_graded_again_with_more(course, monkeypatch):
    """On a busy machine right code may be slow; code that hangs stays without points."""
    monkeypatch.setattr(grading, "BUSY", -1.0)
    course.session = replace(course.session, call_seconds=2.0, task_seconds=8.0)
    slow = f"import time\n{RIGHT}".replace("return 1", "return time.sleep(3) or 1")
    course.hand_in("ada", task1=slow, task2="import time\ntime.sleep(1000)\n")
    course.grade()
    assert course.score("ada") == 10
    store = Store(course.out, course.session.load())
    assert store.record("ada").again
    checks = store.document("ada")["tests"]
    assert {check["status"] for check in checks if check["number"] == "1.1"} == {"passed"}
    assert all(out_of_time({"tests": [check]}) for check in checks if check["number"] == "2.1")
    assert "even with 4 times the time for a call" in (course.out / "class.html").read_text()


@pytest.mark.slow
def test_a_class_with_hostile_members(course):
    """Each is graded for what it is; none spoils the run or another one's results."""
    course.session = replace(course.session, call_seconds=3.0)
    course.hand_in("good")
    course.hand_in("exits", task1="import os\nos._exit(0)\n")
    course.hand_in("floods", task1="while True:\n    print('x' * 10000)\n")
    course.hand_in("spies", task1=SPY + RIGHT)
    (course.submissions / "broken.zip").write_bytes(b"PK\x03\x04nonsense")
    with nothing_left_running(20):
        summary = course.grade(workers=2)
    assert len(summary.graded) == 5 and not summary.failed
    scores = {slug: course.score(slug) for slug in summary.graded}
    assert scores == {"good": 20, "exits": 10, "floods": 10, "spies": 20, "broken": 0}
    assert summary.ungradable == ["broken"]
    # What it tried to read of the others did not come out anywhere.
    said = "".join(path.read_text() for path in (course.out / "students").rglob("*.*"))
    assert "SPIED" not in said


SPY = """
import os, pathlib
found = []
for folder in ("/tmp", os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
    for place, folders, files in os.walk(folder):
        found += [os.path.join(place, name) for name in files if name in ("submission.zip", "results.json")]
for name in found:
    try:
        open(name).read()
        raise SystemExit("SPIED " + name)
    except OSError:
        pass

"""


@pytest.mark.slow
def test_ctrl_c_and_again(course):
    course.hand_in("a-good")
    course.hand_in("b-hangs", task1="import time\ntime.sleep(1000)\n")
    process = course.start(session={"call_seconds": 300.0})
    until(lambda: (course.out / "students" / "a-good" / "grading.json").exists(), 120)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert not (course.out / "students" / "b-hangs" / "grading.json").exists()
    assert not [path for path in course.folder.iterdir() if path.name.startswith("autograder-")]
    course.hand_in("b-hangs", task1="def one(): return 1\n")
    course.session = replace(course.session, call_seconds=300.0)
    summary = course.grade()
    assert (summary.reused, summary.graded) == (["a-good"], ["b-hangs"])


@pytest.mark.slow
def test_a_killed_run_leaves_no_process_and_goes_on(course):
    course.hand_in("a-good")
    course.hand_in("b-hangs", task1="import time\ntime.sleep(1000)\n")
    process = course.start(session={"call_seconds": 300.0})
    until(lambda: (course.out / "students" / "a-good" / "grading.json").exists(), 120)
    until(lambda: len(descendants(process.pid)) >= 2, 60)
    children = descendants(process.pid)
    process.kill()
    process.communicate()
    # A zygote that was still loading torch notices when it has.
    until(lambda: not any(map(alive, children)), 120)
    course.hand_in("b-hangs", task1="def one(): return 1\n")
    course.session = replace(course.session, call_seconds=300.0)
    summary = course.grade()
    assert (summary.reused, summary.graded) == (["a-good"], ["b-hangs"])
