"""Runs of the main job for the tests of it: a copy of the assignment, settings as small as can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solution"
DATA = ["--data", str(ROOT / "data" / "MNIST" / "raw")]
TINY = ["--quick", "--vae-iterations", "4", "--gmvae-iterations", "3"]
TINY += ["--latent-dims", "2", "3", "--shown-dims", "2", "3"]


def copy_assignment(folder: Path) -> Path:
    """A copy of the assignment's files, which nobody edits while a test runs."""
    folder.mkdir()
    for source in SOLUTION.glob("*.py"):
        shutil.copy(source, folder)
    shutil.copytree(SOLUTION / "lab", folder / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_main(folder: Path, *arguments: str, out: Path) -> subprocess.CompletedProcess:
    """Run the main.py of a folder on the repository's data."""
    command = [sys.executable, str(folder / "main.py"), *arguments, "--out", str(out), *DATA]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)
