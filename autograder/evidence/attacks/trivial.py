"""Answers that need no knowledge. A check that finds nothing wrong with one of them gives everybody its points.

That is a property of the checks: they run as a student's pytest runs them, with no grader around them.
"""

from __future__ import annotations

import os

import pytest

from autograder.evidence.attacks.starters import taken_over
from autograder.grading.intake import PROVIDED
from autograder.grading.suites import GradingError
from autograder.repository import TESTS
from autograder.scratch import temporary_folder

ANSWERS = {
    "nothing": "None",
    "zero": "0.0",
    "true": "True",
    "text": "'passed'",
    "empty_list": "[]",
    "empty_tuple": "()",
    "empty_dict": "{}",
    "object": "object()",
    "first_argument": "next((a for a in arguments if isinstance(a, torch.Tensor)), None)",
    "all_arguments": "arguments",
    "zeros_like": "torch.zeros_like(next((a for a in arguments if isinstance(a, torch.Tensor)), torch.zeros(())))",
    "ones_like": "torch.ones_like(next((a for a in arguments if isinstance(a, torch.Tensor)), torch.zeros(())))",
    "not_a_number": "torch.tensor(float('nan'))",
    "infinite": "torch.tensor(float('inf'))",
    "no_elements": "torch.zeros(0)",
    "three_nans": "(torch.tensor(float('nan')),) * 3",
    "three_zeros": "(torch.zeros(()),) * 3",
    "three_empty": "(torch.zeros(0),) * 3",
}


def outcomes(answer: str) -> dict[str, bool]:
    """Check id -> whether it passes, where every function and method of the starters returns the same.

    Imports torch, so a process of its own has to call this, one after `grade.prepare_process`; it may do so repeatedly.

    Args:
        answer: an expression of the `arguments`.

    Raises:
        GradingError: pytest could not run the suites.
    """
    text = f"import torch\n\n\ndef target(*arguments, **options):\n    return {answer}\n"
    provided = {path.name: path.read_text(encoding="utf-8") for path in PROVIDED.glob("*.py")}
    with temporary_folder("trivial") as folder:
        for name, content in (provided | taken_over(text)).items():
            (folder / name).write_text(content, encoding="utf-8")
        found = _Outcomes()
        status = pytest.main([*_options(str(folder)), *(str(TESTS / part) for part in ("public", "hidden"))], [found])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise GradingError(f"pytest ended with {pytest.ExitCode(status).name}")
    return found.passed


def _options(folder: str) -> list[str]:
    options = [f"--impl={folder}", f"--rootdir={TESTS}", f"--config-file={os.devnull}", "--import-mode=importlib"]
    options += ["--assert=plain", "--hypothesis-profile=grading", "-p", "_hypothesis_pytestplugin"]
    # The last two collect garbage after every check.
    for plugin in ("terminal", "cacheprovider", "unraisableexception", "threadexception"):
        options += ["-p", f"no:{plugin}"]
    return options


class _Outcomes:
    """The pytest plugin that remembers which checks passed."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        session.config.option.tbstyle = "no"  # nobody reads pytest's tracebacks
        self.passed = {item.nodeid: False for item in session.items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.passed[report.nodeid] = report.passed
