"""What the rehearsal says about a run that Gradescope would not have let through."""

import json

import pytest

from autograder.gradescope import rehearsal
from autograder.gradescope.rehearsal import Graded
from autograder.measuring import Usage
from autograder.tasks import load

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
    assert rehearsal.report(Graded(DOCUMENT, [], usage, ""), load(), 768, out) == (1 if problem else 0)
    said = capsys.readouterr()
    assert "what students read" in said.out
    assert f"peak memory of all processes together {usage.peak_mib} MiB" in said.out
    assert problem in said.err and bool(problem) == bool(said.err)
    assert json.loads(out.read_text()) == DOCUMENT


def test_without_results_the_output_is_shown(tmp_path, capsys):
    graded = Graded(None, ["The autograder failed to execute correctly"], Usage(1, 2, 1, 50, 0), "what it printed")
    assert rehearsal.report(graded, load(), 768, tmp_path / "results.json") == 1
    said = capsys.readouterr().err
    assert "what it printed" in said and "problem: The autograder failed to execute correctly" in said
