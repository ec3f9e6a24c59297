"""The checks' infrastructure as a student meets it: a folder of their own, a stub, a mistake, the table at the end."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.repository import DOOR

ROOT = Path(__file__).resolve().parents[3]
STUB = 'raise NotImplementedError("Task 1.1: kl_univariate_normal, see README section 1.1")'
FORMULA = "return 0.5 * (var1 / var2 + (mu1 - mu2) ** 2 / var2 - 1 + torch.log(var2) - torch.log(var1))"
KL = """import torch

def kl_univariate_normal(mu1, var1, mu2, var2):
    {body}

def kl_categorical(p, q):
    return {sign}(torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)

def triangle_violation():
    return 3.0, 2.0, 1.0
"""
REPORT = """
import sys

def pytest_collection_finish(session):
    conftest = next(p for p in session.config.pluginmanager.get_plugins() if hasattr(p, "check_id"))
    print("ids:", *(conftest.check_id(item) for item in session.items))
    print("torch imported:", "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A student's folder with kl.py alone; call it with the body of kl_univariate_normal to run pytest there."""
    folder = tmp_path_factory.mktemp("student")
    (folder / "tests").mkdir()
    for name in ("conftest.py", "public/test_kl.py"):
        shutil.copy(ROOT / "tests" / name, folder / "tests")
    shutil.copy(ROOT / "student" / "tasks.json", folder)
    shutil.copytree(ROOT / "tests" / "support", folder / "tests" / "support")
    shutil.copytree(DOOR, folder / "tests" / "autograder" / "door")
    (folder / "report.py").write_text(REPORT)

    def run(body: str, *options: str, sign: str = "") -> subprocess.CompletedProcess:
        (folder / "kl.py").write_text(KL.format(body=body, sign=sign))
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)  # of the kl.py before
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        return subprocess.run([*command, *options], cwd=folder, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def right(student):
    """A run of right code, which also shows what pytest's capture would hide."""
    return student(FORMULA, "-s", "-p", "report")


@pytest.fixture(scope="module")
def unfinished(student):
    """A run in which one function is still to be written and the other has the wrong sign."""
    return student(STUB, sign="-")


def test_right_code_passes(right):
    assert right.returncode == 0, right.stdout
    assert re.search(r"^  1  Kullback-Leibler divergences +5 of 5$", right.stdout, re.MULTILINE)
    assert "Every public check passes." in right.stdout and "Gradescope" in right.stdout


def test_ids_do_not_depend_on_the_folder_and_collecting_needs_no_torch(right):
    assert "public/test_kl.py::test_triangle_violation" in right.stdout
    assert "torch imported: False" in right.stdout


def test_stub_says_which_task_is_next(unfinished):
    assert unfinished.returncode == 1
    assert "Task 1.1: kl_univariate_normal, see README section 1.1" in unfinished.stdout
    assert "Next: Task 1.1" in unfinished.stdout
    assert re.search(r"^  1  Kullback-Leibler divergences +1 of 5$", unfinished.stdout, re.MULTILINE)


def test_mistake_is_named_instead_of_shown(unfinished):
    assert "The sign is wrong." in unfinished.stdout
    for source in ("Traceback", "def test_", "assert "):
        assert source not in unfinished.stdout


@pytest.mark.slow
def test_missing_file_fails_every_check_without_an_error(student):
    finished = student("return 1 +")  # a syntax error
    assert "5 failed" in finished.stdout and "SyntaxError" in finished.stdout and "kl.py, line 4" in finished.stdout


def test_unknown_folder_is_a_usage_error(student):
    finished = student(FORMULA, "--impl", "nowhere")
    assert finished.returncode != 0
    assert "there is no folder" in finished.stdout + finished.stderr
