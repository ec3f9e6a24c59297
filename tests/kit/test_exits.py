"""The exit statuses: one table, and what each command makes of it."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autograder import __main__ as commands
from autograder import exits
from autograder.exits import Exit
from autograder.gradescope import run as gradescope_run
from autograder.gradescope.settings import SettingsError
from autograder.grading import command, grade
from autograder.grading.results import Results
from autograder.grading.session import Grading, Session
from autograder.release import reference
from autograder.repository import ROOT

TAKEN = {"files": 1, "left_out": [], "notes": [], "errors": []}


def test_the_readme_has_the_table():
    text = (ROOT / "autograder" / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Exit statuses")[2].partition("\n## ")[0]
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == list(Exit)


def test_ctrl_c_ends_every_command_alike(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "main", interrupted)
    assert commands.main(["grade", "submission"]) == Exit.INTERRUPTED
    assert capsys.readouterr().err == "grade: interrupted\n"


def test_an_unknown_command_is_a_bad_argument(capsys):
    assert commands.main(["grad"]) == commands.main([]) == Exit.NOTHING
    assert commands.main(["--help"]) == Exit.DONE


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ({"submission": TAKEN}, 0),
        ({"refused_by_submission_limit": True}, 0),
        ({"submission": TAKEN, "problem": "GradingError: x"}, 1),
        ({"submission": TAKEN | {"files": 0}}, 2),
        ({"submission": TAKEN | {"errors": ["There is no submission."]}}, 2),
        ({"submission": TAKEN | {"left_out": ["numpy.py"]}}, 3),
    ],
)
def test_grade_says_what_became_of_the_files(tmp_path, monkeypatch, extra, status):
    monkeypatch.setattr(grade, "prepare_process", lambda: None)
    monkeypatch.setattr(grade, "grade", lambda grading: Results({}, extra=extra))
    monkeypatch.setattr(command.report, "write_terminal", lambda *_: None)
    monkeypatch.setenv("AUTOGRADER_SECRET", "not much of a secret")
    assert command.main([str(tmp_path), "--out", str(tmp_path / "results.json")]) == status


# What each command is told beside the course. There is no reference.zip of these courses.
NOTHING_TO_DO = {
    "grade": ["{folder}", "--out", "{folder}/out/results.json"],
    "class": ["{folder}", "--out", "{folder}/out"],
    "zip": ["--out", "{folder}/out/autograder.zip"],
    "gradescope": ["dist/{course}/reference.zip", "--out", "{folder}/out/results.json"],
    "reference-submission": [],
}


# A class of course 003 has a written part to grade.
@pytest.mark.parametrize(
    ("name", "course"), [(n, c) for n in NOTHING_TO_DO for c in ("000", "003") if n + c != "class003"]
)
def test_a_course_whose_code_nobody_grades(tmp_path, monkeypatch, capsys, name, course):
    """One sentence that says why, and nothing is written."""
    (tmp_path / "x.py").write_text("x = 1\n")
    monkeypatch.setattr(grade, "prepare_process", lambda: None)
    monkeypatch.setattr(reference, "dist", lambda course: tmp_path / "out")
    arguments = [word.format(folder=tmp_path, course=course) for word in NOTHING_TO_DO[name]]
    assert commands.main([name, "--course", course, *arguments]) == Exit.NOTHING
    out, err = capsys.readouterr()
    grading = {"000": "self", "003": "written"}[course]
    assert out == "" and err.startswith(
        f'{course}.toml: no code is graded in this course (grading = "{grading}"): there'
    )
    assert err.count("\n") == 1 and ("--selfgrades" in err) == (name == "class" and course == "000")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x.py"]


def test_a_class_that_hands_in_no_report_where_that_is_all_there_is(tmp_path, capsys):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "x.py").write_text("x = 1\n")
    status = commands.main(["class", "--course", "003", str(tmp_path / "export"), "--out", str(tmp_path / "out")])
    assert status == Exit.NOTHING
    assert "class: nobody has handed in a report" in capsys.readouterr().err


def test_a_course_without_code_has_nothing_to_run(capsys):
    assert commands.main(["run", "--course", "003"]) == Exit.NOTHING
    assert capsys.readouterr() == ("", "003.toml asks for no code: there is nothing to run\n")


def test_gradescopes_script_has_done_its_work_when_there_are_results(tmp_path, monkeypatch):
    def broken():
        raise SettingsError("total is missing")

    monkeypatch.setattr(gradescope_run, "load", broken)
    (tmp_path / "results").mkdir()
    assert gradescope_run.run(tmp_path) == Exit.DONE
    document = json.loads((tmp_path / "results" / "results.json").read_text())
    assert document["score"] == 0 and "total is missing" in document["extra_data"]["problem"]
    assert gradescope_run.rehearse(tmp_path) == Exit.FAILED


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Paths of every unusable kind, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop2")
    (tmp_path / "loop2").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(grade, "prepare_process", lambda: None)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("grade nothing", "there is no nothing: name a folder or a zip to grade"),
        ("grade loop", "loop' cannot be used: its symbolic links lead in a circle"),
        ("grade pipe", "pipe is a pipe or a device: name a file or a folder"),
        ("grade /dev/zero", "/dev/zero is a pipe or a device: name a file or a folder"),
        ("grade work --out folder", "folder is a folder, where a file is needed"),
        ("grade work --out=folder", "folder is a folder, where a file is needed"),
        ("grade work --out file/results.json", "file is in the way: a folder is needed there"),
        ("grade work --out file/below/results.json", "cannot be used: a part of this path is a file, not a folder"),
        ("grade work --out loop/results.json", "cannot be used: its symbolic links lead in a circle"),
        ("grade work --out /dev/null", "/dev/null is a pipe or a device: name a file or a folder"),
        ("grade work --html folder", "folder is a folder, where a file is needed"),
        ("grade work --secret-file pipe", "pipe is a pipe or a device: name a file or a folder"),
        ("class pipe --out grades", "pipe is a pipe or a device: name a file or a folder"),
        ("class nothing --out grades", "There is nothing at nothing."),
        ("class work --out file", "file/students cannot be used: a part of this path is a file, not a folder"),
        ("class work --out loop", "loop/students cannot be used: its symbolic links lead in a circle"),
        ("gradescope pipe", "pipe is a pipe or a device: name a file or a folder"),
        ("gradescope nothing", "there is no folder or file nothing to hand in"),
        ("gradescope work --out folder", "folder is a folder, where a file is needed"),
        ("zip --out folder", "folder is a folder, where a file is needed"),
        ("zip --out file/autograder.zip", "file is in the way: a folder is needed there"),
        ("audit --quick --out folder", "folder is a folder, where a file is needed"),
        ("bench --out file/bench.json", "file is in the way: a folder is needed there"),
    ],
)
def test_an_unusable_path_is_one_sentence_and_a_bad_argument(places, capsys, words, said):
    (places / "work" / "ada").mkdir()
    (places / "work" / "ada" / "x.py").write_text("x = 1\n")
    name, *arguments = words.split()
    before = {path: path.lstat().st_mode for path in places.rglob("*")}
    assert commands.main([name, *arguments]) == Exit.NOTHING
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"{name}: ") and said in err and err.count("\n") == 1
    assert {path: path.lstat().st_mode for path in places.rglob("*")} == before


@pytest.mark.parametrize("name", ["grade work", "class work --out x", "student", "release", "handout", "report", "zip"])
def test_a_course_that_is_not_there_is_a_bad_argument(places, capsys, name):
    with pytest.raises(SystemExit) as ended:
        commands.main([*name.split(), "--course", "no_such"])
    assert ended.value.code == Exit.NOTHING and "there is no course 'no_such'" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EROFS])
def test_what_the_machine_lacks_is_on_our_side(monkeypatch, capsys, number):
    def lacking(arguments):
        raise OSError(number, os.strerror(number), "/elsewhere/file")

    monkeypatch.setattr(command, "main", lacking)
    assert commands.main(["grade", "submission"]) == Exit.FAILED
    err = capsys.readouterr().err
    assert err.startswith("grade: ") and err.endswith(" (/elsewhere/file)\n")


def test_errors_that_may_be_our_own_mistakes_keep_their_traceback(monkeypatch):
    for error in (ValueError("x"), RuntimeError("x"), OSError("x")):

        def mistaken(arguments, error=error):
            raise error

        monkeypatch.setattr(command, "main", mistaken)
        with pytest.raises(type(error)):
            commands.main(["grade", "submission"])


def run(*words: str, **options) -> subprocess.CompletedProcess:
    """A command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "autograder", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no full device")
def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "autograder", "--help"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (Exit.FAILED, "--help: there is no space left on the disk: free some\n")


def test_a_name_that_is_no_text_can_be_complained_of():
    done = run("grade", b"not \xff there".decode("utf-8", "surrogateescape"))
    assert done.returncode == Exit.NOTHING and "grade: there is no not \\udcff there" in done.stderr


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_signals_that_ask_are_heeded_wherever_a_command_was_started(name):
    """As a shell starts what runs in the background: with Ctrl-C ignored."""
    code = (
        "import signal, sys, time; from autograder import exits\n"
        "exits.heed_signals()\n"
        "try: print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt: pass\n"
        "try: exits.raise_if_interrupted()\n"
        "except KeyboardInterrupt: sys.exit(exits.Exit.INTERRUPTED)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.wait(30) == Exit.INTERRUPTED
    process.stdout.close()


def test_an_interrupt_that_passes_through_exec_ends_with_130_too(tmp_path):
    """With -m, Python would end itself by SIGINT."""
    code = (
        "from autograder import exits\n"
        "try: exec('raise KeyboardInterrupt')\n"
        "except KeyboardInterrupt: exits.leave(exits.Exit.INTERRUPTED)\n"
    )
    (tmp_path / "ended.py").write_text(code)
    done = subprocess.run([sys.executable, "-m", "ended"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == Exit.INTERRUPTED


def test_what_an_interrupt_breaks_is_no_set_up_problem(tmp_path, monkeypatch):
    def broken(self):
        exits._asked.set()
        raise ValueError("broken off in the midst of something")

    monkeypatch.setattr(exits, "_asked", threading.Event())
    monkeypatch.setattr(Session, "load", broken)
    with pytest.raises(KeyboardInterrupt):
        grade.grade(Grading(Session("secret"), tmp_path, tmp_path / "results.json"))
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["output"] == grade.INTERRUPTED and "problem" not in document["extra_data"]


def test_a_signal_that_got_lost_ends_the_grading_at_the_next_check(monkeypatch):
    monkeypatch.setattr(exits, "_asked", threading.Event())
    exits.raise_if_interrupted()
    with pytest.raises(KeyboardInterrupt):
        exits._interrupt(2, None)
    with pytest.raises(KeyboardInterrupt):
        exits.raise_if_interrupted()
