"""A ZIP of the repository, downloaded without git: what asks about the tree itself passes there, too."""

import os
import shutil
import subprocess
import sys

from autograder.repository import ROOT

# Tests that read the tree: what is kept out of it, what is handed in, what the instructors' guide says of it.
REPRESENTATIVE = [
    "tests/kit/grading/test_secret.py::test_git_ignores_it",
    "tests/kit/release/test_reference_submission.py",
    "tests/kit/tools/test_documents.py",
]
LEFT_OUT = (".git", ".venv", ".*_cache", ".hypothesis", "results", "dist", "secret.txt", "*-ubyte")


def test_a_tree_without_git(tmp_path):
    tree = tmp_path / "vae-assignment-main"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *REPRESENTATIVE]
    run = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
