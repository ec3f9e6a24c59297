"""`python main.py --doctor`, and what a wrong folder or a wrong Python is told."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.repository import ROOT

STUDENT = ROOT / "student"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STUDENT, tmp_path / "work", ignore=shutil.ignore_patterns("__pycache__", "results")))


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_whole_folder(folder: Path) -> None:
    """What a student does to the files that are theirs is no damage, nor are other line ends."""
    (folder / "kl.py").write_text("mine = 1\n")
    (folder / "lab" / "parts" / "mixture.py").write_text("MEANS, COVS = [], []\n")
    (folder / "plotting.py").write_bytes((folder / "plotting.py").read_bytes().replace(b"\n", b"\r\n"))
    said = run(folder, "main.py", "--doctor").stdout
    assert "Nothing is wrong that can be seen from here." in said and "->" not in said
    assert max(map(len, said.splitlines())) < 80
    assert f"Python {sys.version.split()[0]}" in said and "torch 2." in said and "release 0." in said
    assert str(Path.home()) not in said and str(folder) not in said


def test_files_of_another_release_and_lost_ones(folder: Path) -> None:
    with (folder / "plotting.py").open("a") as file:
        file.write("OLD = True\n")
    (folder / "tests" / "support" / "mixture.py").unlink()
    said = run(folder, "main.py", "--doctor").stdout
    assert "-> tests/support/mixture.py is missing: keep a copy of your own files" in said
    assert max(map(len, said.splitlines())) < 80
    assert "-> plotting.py is not of this release, or changed: take it from" in said
    errors = run(folder, "main.py", "--list").stderr
    assert "main.py: plotting.py is not of this release" in errors and "Traceback" not in errors


def test_main_by_itself(folder: Path, tmp_path: Path) -> None:
    """As a viewer of zips unpacks it that is told to open main.py."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder / "main.py", alone)
    done = run(alone, "main.py")
    assert done.returncode == 1
    assert done.stderr == (
        "main.py: lab/ is not beside it: unpack all of student.zip into one folder, and work there\n"
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (["main.py"], "main.py: missing packages: torch, torchvision, numpy, "),
        (["-m", "pytest"], "The checks need Python 3.10 or newer and lab/requirements.txt; this is Python"),
    ],
)
def test_missing_packages_are_one_line(folder: Path, tmp_path: Path, program: list[str], said: str) -> None:
    """In a Python with nothing but pytest."""
    few = tmp_path / "few"
    few.mkdir()
    (few / "py.py").symlink_to(importlib.util.find_spec("py").origin)
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        (few / name).symlink_to(Path(importlib.util.find_spec(name).origin).parent)
    environment = {**os.environ, "PYTHONPATH": str(few)}
    done = subprocess.run(
        [sys.executable, "-S", *program], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2 and done.stderr.startswith(said), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
