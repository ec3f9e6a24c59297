"""The real suites through the real command: the reference submission earns everything, the starter nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from autograder.points import load
from autograder.reference_submission import hand_in
from autograder.release import write_zip
from autograder.starter import make_starter

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "autograder" / "results.schema.json").read_text())


def grade(submission: Path, folder: Path, *options: str) -> tuple[dict, subprocess.CompletedProcess]:
    """results.json and the finished process of `python -m autograder grade`."""
    out = folder / "results.json"
    command = [sys.executable, "-m", "autograder", "grade", str(submission), "--out", str(out), *options]
    environment = os.environ | {"AUTOGRADER_SECRET": "not much of a secret"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    document = json.loads(out.read_text())
    jsonschema.validate(document, SCHEMA)
    return document, run


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    archive = tmp_path_factory.mktemp("reference") / "reference.zip"
    write_zip(hand_in(load()), archive, top="")
    return archive


def test_the_reference_submission_earns_every_point_every_time(reference, tmp_path):
    page = tmp_path / "report.html"
    document, run = grade(reference, tmp_path, "--html", str(page))
    failed = [(row["name"], row["output"]) for row in document["tests"] if row["status"] != "passed"]
    assert failed == []
    assert document["score"] == sum(row["max_score"] for row in document["tests"]) == 100
    assert document["output"] == ""
    assert [entry["name"] for entry in document["leaderboard"]] == ["Negative ELBO"]
    assert "100 / 100" in run.stdout
    assert "100 / 100" in page.read_text()
    assert "not much of a secret" not in json.dumps(document) + run.stdout + run.stderr

    again, _ = grade(reference, tmp_path)
    for results in (document, again):
        assert results.pop("execution_time") > 0
    assert document == again


def test_the_untouched_starter_earns_nothing_and_reads_what_to_do(tmp_path):
    """Checks of provided code pass; they are worth no points."""
    points = load()
    submission = tmp_path / "starter"
    submission.mkdir()
    for name in {task.file for task in points.tasks if task.file.endswith(".py")}:
        source = (ROOT / "solution" / name).read_text(encoding="utf-8")
        (submission / name).write_text(make_starter(source, name).text, encoding="utf-8")
    document, _ = grade(submission, tmp_path)
    assert document["score"] == 0
    unfinished = ("Not implemented yet: Task ", "Missing file: ")
    for row in document["tests"]:
        if row["max_score"]:
            assert row["status"] == "failed", row
        assert row["status"] == "passed" or row["output"].startswith(unfinished), row
    assert any(row["status"] == "passed" for row in document["tests"])
