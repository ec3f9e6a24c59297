"""The real suites through the real commands: the reference submission earns everything, the starter nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.classroom.command import ClassSettings, grade_class
from autograder.gradescope import rehearsal
from autograder.grading.session import Session
from autograder.release.archive import write_zip
from autograder.release.reference import hand_in
from autograder.repository import ROOT
from autograder.tasks import load

pytestmark = pytest.mark.slow

SECRET = "not much of a secret"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A folder with a class of two, the reference and the starter, in `submissions`, and graded in `out`."""
    folder = tmp_path_factory.mktemp("class")
    submissions = folder / "submissions"
    submissions.mkdir()
    write_zip(hand_in(load()), submissions / "reference.zip")
    shutil.copytree(ROOT / "student", submissions / "starter")
    summary = grade_class(ClassSettings(submissions, folder / "out", Session(SECRET), workers=2))
    assert sorted(summary.graded) == ["reference", "starter"] and not summary.failed
    return folder


def document_of(course: Path, name: str) -> dict:
    """What a member of the class reads."""
    document = json.loads((course / "out" / "students" / name / "results.json").read_text())
    assert rehearsal.validate(document) == []
    return document


def test_the_reference_submission_earns_every_point_every_time(course, tmp_path):
    """By the command for one submission and by that for a class, which must agree in every word."""
    out, page = tmp_path / "results.json", tmp_path / "report.html"
    submission = course / "submissions" / "reference.zip"
    command = [sys.executable, "-m", "autograder", "grade", str(submission), "--out", str(out), "--html", str(page)]
    environment = os.environ | {"AUTOGRADER_SECRET": SECRET}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    document = json.loads(out.read_text())
    failed = [(row["name"], row["output"]) for row in document["tests"] if row["status"] != "passed"]
    assert failed == []
    assert document["score"] == load().graded
    assert sum(row["max_score"] for row in document["tests"]) == pytest.approx(load().graded, abs=1e-4)
    assert document["output"] == "All checks pass."
    assert [entry["name"] for entry in document["leaderboard"]] == ["Negative ELBO"]
    full_marks = f"{load().graded:g} / {load().graded:g}"
    assert full_marks in run.stdout
    assert full_marks in page.read_text()
    assert SECRET not in json.dumps(document) + run.stdout + run.stderr

    again = document_of(course, "reference")
    for results in (document, again):
        assert results.pop("execution_time") > 0
    assert document == again


def test_the_untouched_starter_earns_nothing_and_reads_what_to_do(course):
    """Checks of provided code pass; they are worth no points."""
    document = document_of(course, "starter")
    assert document["score"] == 0
    unfinished = ("passed", "not_implemented", "missing")
    for row in document["tests"]:
        if row["max_score"]:
            assert row["status"] == "failed", row
        assert row["extra_data"]["kind"] in unfinished, row
    assert any(row["status"] == "passed" for row in document["tests"])
