"""The rows about manners: what they take for a fault, whom they judge, and that they are not earned by nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from autograder.door.diagnose import CheckFailed
from autograder.door.executor import Executor
from autograder.door.submission import NotImplementedYet, Submission
from autograder.repository import SOLUTION, STUDENT
from autograder.tasks import load
from support.checks import manners

KL = {"kl_univariate_normal", "kl_categorical", "triangle_violation"}
FAULTS = {  # manner -> a line for kl_univariate_normal that lacks it, and what is said then
    "inputs": ("mu1.add_(1)\n", "changes the tensors that it is given"),
    "dtype": ("mu1 = mu1.float()\n    var1, mu2, var2 = var1.float(), mu2.float(), var2.float()\n", "returns float32"),
    "generators": ("__import__('numpy').random.seed(0)\n", "seeds the random generator of NumPy"),
}


def judge(manner: str, folder: Path, asked: set[str]) -> None:
    """Judge the code of a folder."""
    submission = Submission(Executor(folder))
    try:
        manners.judge(manner, asked, submission, np.random.default_rng(1))
    finally:
        submission.close()


def changed(folder: Path, line: str) -> Path:
    """The solution with a line at the beginning of kl_univariate_normal."""
    shutil.copy(SOLUTION / "kl.py", folder)
    text = (folder / "kl.py").read_text()
    body = text.index("    # BEGIN SOLUTION")
    (folder / "kl.py").write_text(f"{text[:body]}    {line}{text[body:]}")
    return folder


@pytest.mark.parametrize("manner", FAULTS)
def test_the_function_that_lacks_a_manner_is_named(tmp_path, manner):
    line, complaint = FAULTS[manner]
    folder = changed(tmp_path, line)
    with pytest.raises(CheckFailed) as caught:
        judge(manner, folder, KL)
    assert f"kl_univariate_normal {complaint}" in str(caught.value)
    assert "kl_categorical" not in str(caught.value)


def test_only_what_the_course_asks_for_is_judged(tmp_path):
    folder = changed(tmp_path, FAULTS["generators"][0])
    judge("generators", folder, KL - {"kl_univariate_normal"})


def test_a_function_that_does_not_work_is_not_judged(tmp_path):
    judge("generators", changed(tmp_path, "raise ValueError\n"), KL)
    judge("generators", changed(tmp_path, "return torch.zeros(())\n"), KL)


def test_half_of_the_functions_must_work(tmp_path):
    folder = changed(tmp_path, "raise ValueError\n")
    with pytest.raises(CheckFailed, match="Fewer than half of the functions work so far"):
        judge("inputs", folder, {"kl_univariate_normal"})
    (folder / "gmm.py").write_text("raise ValueError\n")
    with pytest.raises(CheckFailed, match="Fewer than half of the functions work so far"):
        judge("inputs", folder, {"kl_univariate_normal", "kl_categorical", "gmm_log_prob"})


@pytest.mark.parametrize("manner", manners.MANNERS)
def test_a_starter_earns_nothing(manner):
    with pytest.raises(NotImplementedYet):
        judge(manner, STUDENT, {task.name for task in load().tasks})
