"""A course forbids a library: the handout says so, and whoever uses it reads a remark that costs no points."""

import json
import shutil
from pathlib import Path

import pytest

from tests.kit.test_own_assignment import Tree

ITEM = '{ name = "mean_squared_error", points = 2'
SUBMISSION = """
from torch.nn import functional as F

def predict(x, slope, intercept):
    return slope * x + intercept

def mean_squared_error(predicted, wanted):
    return F.mse_loss(predicted, wanted)
"""
REMARK = """\
Remark: line.py, line 8, uses torch.nn.functional, which task 1.2 forbids. No
points are taken for this by machine."""
ROW = "public/test_line.py::test_mean_squared_error_by_hand"


@pytest.mark.slow
def test_the_tiny_assignment_forbids_a_library(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "own")
    course = tree.folder / "courses" / "full.toml"
    text = course.read_text()
    assert text.count(ITEM) == 1
    course.write_text(text.replace(ITEM, f'{ITEM}, forbids = ["torch.nn.functional", "torch.dist"]'))
    tree.run("python -m autograder student")
    task = (tree.folder / "student" / "README.md").read_text().partition("### 1.2 ")[2].partition("### ")[0]
    assert task.endswith("Your code for this task must not use `torch.nn.functional` or `torch.dist`.\n\n")

    work = tree.folder / "submissions" / "ada"
    shutil.copytree(tree.folder / "student", work)
    (work / "line.py").write_text(SUBMISSION)
    # The student's own run, then the grader's.
    assert REMARK in tree.run("python -m pytest -p no:cacheprovider", cwd="submissions/ada")
    assert "Remark" not in tree.run("python -m pytest -p no:cacheprovider -m predict", cwd="submissions/ada")
    said = tree.run("python -m autograder class submissions --out grades --no-similarity")
    graded = tree.folder / "grades" / "students" / "ada"
    document = json.loads((graded / "results.json").read_text())
    assert document["score"] == 4
    rows = {row["extra_data"]["id"]: row for row in document["tests"] if row["output"]}
    assert rows[ROW]["output"] == rows[ROW]["extra_data"]["remark"] == REMARK
    assert (rows[ROW]["status"], rows[ROW]["score"]) == ("passed", rows[ROW]["max_score"])
    assert {id for id, row in rows.items() if row["status"] == "passed"} == {ROW}
    assert REMARK in (graded / "report.html").read_text()
    assert "uses torch.nn.functional" in (tree.folder / "grades" / "class.html").read_text(), said
