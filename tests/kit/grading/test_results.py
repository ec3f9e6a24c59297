"""results.json: Gradescope's specification, no NaN, no control characters, never a half-written file."""

import json
import math
from pathlib import Path

import jsonschema
import pytest

from autograder.grading.results import MAX_OUTPUT, MAX_TEXT, UNFINISHED, Results, safe_text
from autograder.tasks import Check, Group, Points, Task

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "autograder" / "gradescope" / "results.schema.json").read_text())

POINTS = Points(
    groups=(Group(1, "First"),),
    tasks=(Task("1.1", "One", "one.py", "one"), Task("1.10", "Ten", "ten.py", "ten")),
    checks=(
        Check("public/test_x.py::test_a", "1.1", 0.1, "visible", "A"),
        Check("public/test_x.py::test_b", "1.1", 0.2, "after_due_date", "B"),
        Check("model", "1.10", 2, "hidden", "C", "weights"),
    ),
)


def valid(document: dict) -> dict:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    return document


def test_before_anything_is_graded():
    document = valid(Results.of(POINTS).document())
    assert document["score"] == 0
    assert [row["score"] for row in document["tests"]] == [0, 0, 0]
    assert {row["output"] for row in document["tests"]} == {UNFINISHED}
    assert {row["status"] for row in document["tests"]} == {"failed"}


def test_rows_and_total():
    results = Results.of(POINTS)
    results.set("public/test_x.py::test_a", 1)
    results.set("public/test_x.py::test_b", 1)
    results.set("model", 0.25, "nearly")
    results.leaderboard = [{"name": "Negative ELBO", "value": 97.05, "order": "asc"}]
    document = valid(results.document())
    assert document["score"] == 0.8  # and not 0.30000000000000004 + 0.5
    a, b, model = document["tests"]
    assert (a["number"], a["name"], a["score"], a["max_score"]) == ("1.1", "A", 0.1, 0.1)
    assert (a["status"], a["visibility"], a["tags"]) == ("passed", "visible", ["task1", "public"])
    assert (b["visibility"], model["visibility"]) == ("after_due_date", "hidden")
    assert (model["number"], model["score"], model["status"]) == ("1.10", 0.5, "failed")
    assert (model["output"], model["tags"]) == ("nearly", ["task1", "hidden"])


@pytest.mark.parametrize("fraction", [math.nan, math.inf, -0.1, 1.1])
def test_impossible_scores_are_refused(fraction):
    results = Results.of(POINTS)
    results.set("model", fraction)
    with pytest.raises(ValueError, match="model"):
        results.document()


def test_withdrawing():
    results = Results.of(POINTS)
    results.set("model", 1)
    results.leaderboard = [{"name": "Negative ELBO", "value": 97.05, "order": "asc"}]
    results.withdraw("no")
    document = valid(results.document())
    assert document["score"] == 0 and document["leaderboard"] == []
    assert {(row["score"], row["status"], row["output"]) for row in document["tests"]} == {(0, "failed", "no")}


def test_no_nan_reaches_the_file(tmp_path):
    results = Results.of(POINTS)
    results.leaderboard = [{"name": "Negative ELBO", "value": math.nan, "order": "asc"}]
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(ValueError):
        results.write(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("plain text\nwith\ttab", "plain text\nwith\ttab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 null\x00 delete\x7f csi\x9b31m", "bell null delete csi31m"),
        ("right\u202eto left\u2066 zero\u200bwidth \ufeffmark", "rightto left zerowidth mark"),
        ("half a pair \ud800", "half a pair ?"),
        ("ünïcödé 数 ✓", "ünïcödé 数 ✓"),
    ],
)
def test_text_of_strangers(dirty, clean):
    assert safe_text(dirty) == clean


def test_long_texts_are_capped():
    assert len(safe_text("x" * 10**6)) == MAX_TEXT
    results = Results.of(POINTS)
    results.set("model", 0, "\x1b[31m" * 10**5 + "y" * 10**5)
    results.notes = ["z" * 10**5] * 10
    document = valid(results.document())
    assert len(document["tests"][2]["output"]) <= MAX_TEXT
    assert len(document["output"]) == MAX_OUTPUT
