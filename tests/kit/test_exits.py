"""The exit statuses: one table, and what each command makes of it."""

import json
import re

import pytest

from autograder import __main__ as commands
from autograder.exits import Exit
from autograder.gradescope import run as gradescope_run
from autograder.gradescope.settings import SettingsError
from autograder.grading import command, grade
from autograder.grading.results import Results
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
        ({"submission": TAKEN, "problem": "GradingError: x"}, 1),
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


@pytest.mark.parametrize("course", ["000", "003"])
@pytest.mark.parametrize("name", NOTHING_TO_DO)
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
