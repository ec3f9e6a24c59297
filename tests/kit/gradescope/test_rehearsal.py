"""What the rehearsal says about a run that Gradescope would not have let through."""

import hashlib
import json
import sys

import pytest

from autograder.gradescope import rehearsal
from autograder.gradescope.rehearsal import Rehearsed
from autograder.measuring import Usage
from autograder.tasks import load
from autograder.writing import write_files
from tests.kit.archives import zipped
from tests.kit.hostile import unseen

DOCUMENT = {"score": 0, "output": "what students read", "tests": []}


@pytest.mark.parametrize(
    ("usage", "problem"),
    [
        (Usage(0, 60, 30, 500, 0), ""),
        (Usage(0, 60, 30, 801, 0), "801 MiB are more than the 768 MiB of the container"),
        (Usage(None, 600, 30, 500, 0), "it was stopped after 600 s"),
        (Usage(0, 60, 30, 500, 2), "2 processes were left running"),
    ],
)
def test_what_gradescope_would_not_let_through(tmp_path, capsys, usage, problem):
    out = tmp_path / "results.json"
    assert rehearsal.print_report(Rehearsed(DOCUMENT, [], usage, ""), load(), 768, out) == (1 if problem else 0)
    said = capsys.readouterr()
    assert "what students read" in said.out
    assert f"peak memory of all processes together {usage.peak_mib} MiB" in said.out
    assert problem in said.err and bool(problem) == bool(said.err)
    assert json.loads(out.read_text()) == DOCUMENT


@pytest.mark.parametrize(
    "content",
    [
        zipped({"ä": "x"}).replace("ä".encode(), b"\xff\xff"),
        zipped({"x\x1b[31m" * 60: "x"}),
    ]
    + ([zipped({"": "x"})] if sys.version_info < (3, 12) else []),
)
def test_a_zip_that_cannot_be_unpacked_is_said(tmp_path, content):
    (tmp_path / "work.zip").write_bytes(content)
    (tmp_path / "into").mkdir()
    with pytest.raises(rehearsal.StandInError, match="work.zip cannot be unpacked") as raised:
        rehearsal.hand_in(tmp_path / "work.zip", tmp_path / "into")
    assert not unseen(str(raised.value))


def test_the_zip_that_is_tried_is_the_one_to_upload(tmp_path, monkeypatch, capsys):
    """And that a folder with all of PyTorch is being deleted is said before."""
    tried = []

    class Nothing(rehearsal.StandIn):
        def __init__(self, archive, folder):
            tried.append(archive)
            raise rehearsal.StandInError("no more than that")

    monkeypatch.setattr(rehearsal, "dist", lambda name: tmp_path / name)
    monkeypatch.setattr(
        rehearsal.bundle, "write", lambda archive, course: write_files(archive.parent, {archive.name: b"z"})
    )
    monkeypatch.setattr(rehearsal, "StandIn", Nothing)
    assert rehearsal.main([str(tmp_path), "--out", str(tmp_path / "results.json")]) == 1
    assert tried == [tmp_path / "full" / "autograder.zip"]
    said = capsys.readouterr()
    assert f"{tried[0]}, SHA-256 {hashlib.sha256(b'z').hexdigest()}" in said.out and "no more than that" in said.err
    assert said.out.splitlines()[-1].startswith("deleting ")


def test_without_results_the_output_is_shown(tmp_path, capsys):
    graded = Rehearsed(None, ["The autograder failed to execute correctly"], Usage(1, 2, 1, 50, 0), "what it printed")
    assert rehearsal.print_report(graded, load(), 768, tmp_path / "results.json") == 1
    said = capsys.readouterr().err
    assert "what it printed" in said and "problem: The autograder failed to execute correctly" in said
