"""results.json: Gradescope's specification, no NaN, no control characters, never a half-written file."""

import math

import pytest

from autograder.gradescope import rehearsal
from autograder.grading.results import MAX_OUTPUT, UNFINISHED, Results
from autograder.sandbox.text import MAX_TEXT
from autograder.tasks import Check, Task
from tests.kit.courses import course_of

COURSE = course_of(
    [Task("one", "1.1", "One", "one.py", ("one",)), Task("model", "1.10", "Ten", "m.bin", judge="a:b")],
    [
        Check("public/test_x.py::test_a", "one", "1.1", 0.1, "A"),
        Check("public/test_x.py::test_b", "one", "1.1", 0.2, "B", "after_due_date"),
        Check("model", "model", "1.10", 2, "C", "hidden"),
    ],
)


def valid(document: dict) -> dict:
    assert rehearsal.validate(document) == []
    return document


def test_before_anything_is_graded():
    document = valid(Results.of(COURSE).document())
    assert document["score"] == 0
    assert [row["score"] for row in document["tests"]] == [0, 0, 0]
    assert {row["output"] for row in document["tests"]} == {UNFINISHED}
    assert {row["extra_data"]["kind"] for row in document["tests"]} == {"not_run"}
    assert {row["status"] for row in document["tests"]} == {"failed"}


def test_a_remark_stays_and_takes_no_points():
    results = Results.of(COURSE)
    results.remark("public/test_x.py::test_a", "Remark: a.py, line 1.")
    results.remark("public/test_x.py::test_b", "Remark: b.py, line 2.")
    results.set("public/test_x.py::test_a", 1)
    results.set("public/test_x.py::test_b", 0, "It is wrong.", printed="7")
    a, b, model = valid(results.document())["tests"]
    assert (a["score"], a["status"], a["output"]) == (0.1, "passed", "Remark: a.py, line 1.")
    assert b["output"] == "It is wrong.\n\nYour code printed:\n7\n\nRemark: b.py, line 2."
    assert (b["extra_data"]["diagnosis"], b["extra_data"]["remark"]) == ("It is wrong.", "Remark: b.py, line 2.")
    assert "remark" not in model["extra_data"] and "diagnosis" not in a["extra_data"]
    results.withdraw("The grader has a problem.")
    assert {row["output"] for row in results.document()["tests"]} == {"The grader has a problem."}


def test_rows_and_total():
    results = Results.of(COURSE)
    results.set("public/test_x.py::test_a", 1)
    results.set("public/test_x.py::test_b", 1)
    results.set("model", 0.25, "nearly")
    results.leaderboard = [{"name": "Negative ELBO", "value": 97.05, "order": "asc"}]
    document = valid(results.document())
    assert document["score"] == 0.8  # and not 0.30000000000000004 + 0.5
    a, b, model = document["tests"]
    assert (a["number"], a["name"], a["score"], a["max_score"]) == ("1.1", "A", 0.1, 0.1)
    assert (a["status"], a["visibility"], a["tags"]) == ("passed", "visible", ["one", "public"])
    assert (b["visibility"], model["visibility"]) == ("after_due_date", "hidden")
    assert (model["number"], model["score"], model["status"]) == ("1.10", 0.5, "failed")
    assert (model["output"], model["tags"]) == ("nearly", ["model", "hidden"])
    assert [row["extra_data"]["kind"] for row in document["tests"]] == ["passed", "passed", "wrong"]


def test_a_row_says_as_data_what_its_output_says_in_words():
    results = Results.of(COURSE)
    results.set(
        "public/test_x.py::test_a", 0, "It is wrong.", cause="the sign", case={"x": "3"}, printed="hello\n\x1b[31mworld"
    )
    results.set("model", 0, "No such file.", kind="missing")
    a, _, model = valid(results.document())["tests"]
    assert a["output"] == "It is wrong.\nx: 3\n\nYour code printed:\nhello\nworld"
    assert a["extra_data"] == {
        "task": "one",
        "id": "public/test_x.py::test_a",
        "kind": "wrong",
        "cause": "the sign",
        "diagnosis": "It is wrong.",
        "case": {"x": "3"},
        "printed": "hello\nworld",
    }
    assert model["extra_data"] == {"id": "model", "task": "model", "kind": "missing", "cause": ""}


@pytest.mark.parametrize("fraction", [math.nan, math.inf, -0.1, 1.1])
def test_impossible_scores_are_refused(fraction):
    results = Results.of(COURSE)
    results.set("model", fraction)
    with pytest.raises(ValueError, match="model"):
        results.document()


def test_withdrawing():
    results = Results.of(COURSE)
    results.set("model", 1)
    results.leaderboard = [{"name": "Negative ELBO", "value": 97.05, "order": "asc"}]
    results.withdraw("no")
    document = valid(results.document())
    assert document["score"] == 0 and document["leaderboard"] == []
    found = {(row["score"], row["status"], row["output"], row["extra_data"]["kind"]) for row in document["tests"]}
    assert found == {(0, "failed", "no", "grader")}


def test_no_nan_reaches_the_file(tmp_path):
    results = Results.of(COURSE)
    results.leaderboard = [{"name": "Negative ELBO", "value": math.nan, "order": "asc"}]
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(ValueError):
        results.write(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_long_texts_are_capped():
    results = Results.of(COURSE)
    results.set("model", 0, "\x1b[31m" * 10**5 + "y" * 10**5)
    results.notes = ["z" * 10**5] * 10
    document = valid(results.document())
    assert len(document["tests"][2]["output"]) <= MAX_TEXT
    assert len(document["output"]) == MAX_OUTPUT
