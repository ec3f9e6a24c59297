"""Between Otter's test files and the trusted grader. Loaded by itself, from its path, in Otter's own processes.

In `otter run` the test files are executed in a notebook kernel whose folder is `.../submission`; the grader lies in
`.../source/files/grader` beside it. It runs once, as a process of its own; every case then asks for its row.
Nothing of the autograder package is imported here: it may not be importable where Otter runs.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]

# The interpreter that has torch and the grader's other dependencies, if it is not the one that runs Otter.
PYTHON_VARIABLE = "AUTOGRADER_PYTHON"


class GraderFailed(Exception):
    """The trusted grader could not do its work: nothing is known about the submission."""


@functools.cache
def graded(folder: Path) -> dict[str, Row]:
    """Grade FOLDER/submission, once for all test files: check id -> row of results.json.

    Raises:
        GraderFailed: with what the grader said.
    """
    grader = folder / "source" / "files" / "grader"
    python = os.environ.get(PYTHON_VARIABLE, sys.executable)
    done = subprocess.run(
        [python, "-I", str(grader), "otter", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        said = done.stdout[-1000:] + done.stderr[-3000:]
        raise GraderFailed(f"the grader ended with status {done.returncode}:\n{said}")
    return rows_of(folder / "results" / "graded.json")


def rows_of(file: Path) -> dict[str, Row]:
    document = json.loads(file.read_text(encoding="utf-8"))
    return {row["extra_data"]["id"]: row for row in document["tests"]}


def here() -> Path:
    """The folder that Otter grades in: test files run with its `submission` as their working directory."""
    return Path.cwd().resolve().parent


def require(check_id: str) -> None:
    """Fail, with the grader's explanation, unless the check passed."""
    row = graded(here())[check_id]
    assert row["status"] == "passed", row["output"]


def require_some(check_id: str) -> None:
    """Fail, with the grader's explanation, unless the check earned some of its points."""
    row = graded(here())[check_id]
    assert row["score"] > 0, row["output"]


def earned(check_id: str) -> float:
    """Points that a check with partial credit earned."""
    return graded(here())[check_id]["score"]


def missed(check_id: str) -> float:
    """Points that a check with partial credit did not earn."""
    row = graded(here())[check_id]
    return row["max_score"] - row["score"]


def write_otter_results(folder: Path) -> None:
    """From FOLDER/results/results.json make the results.pkl that `otter grade` reads: one test file per task."""
    import dill
    from otter.test_files import GradingResults
    from otter.test_files.abstract_test import TestCase, TestCaseResult
    from otter.test_files.exception_test import ExceptionTestFile

    results = json.loads((folder / "results" / "results.json").read_text(encoding="utf-8"))
    names = json.loads((folder / "source" / "files" / "grader" / "task_names.json").read_text(encoding="utf-8"))
    files: dict[str, ExceptionTestFile] = {}
    for row in results["tests"]:
        name = names[row["number"]]
        file = files.setdefault(name, ExceptionTestFile(name, f"tests/{row['number']}.py", [], all_or_nothing=False))
        passed = row["status"] == "passed"
        # Otter's cases pass or fail: partial credit makes two.
        parts = [(row["score"], True)] if row["score"] and not passed else []
        for points, outcome in [*parts, (row["max_score"] - sum(points for points, _ in parts), passed)]:
            case = TestCase(row["name"], None, "hidden" in row["tags"], points, None, None)
            file.test_cases.append(case)
            file.test_case_results.append(TestCaseResult(case, row["output"], outcome))
    if "problem" in results["extra_data"]:
        graded = GradingResults.without_results(RuntimeError(results["extra_data"]["problem"]))
    else:
        graded = GradingResults(list(files.values()))
    (folder / "results" / "results.pkl").write_bytes(dill.dumps(graded))
