"""A student's first hour on a terminal of 80 x 24: unpack, check, try, mend, run, interrupt, go on, hand in.

The first screens are read in full by the assertions here; whoever changes one looks at it: `pytest -s` prints them.
"""

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.release import student
from autograder.repository import ROOT
from autograder.tasks import load
from tests.kit.on_a_terminal import COLUMNS, ROWS, on_a_terminal

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="there is no pseudo-terminal")]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


def screen(folder: Path, *command: str, interrupt_at: str = "") -> tuple[int, list[str]]:
    """Exit status and lines, as they stand at the end, of a Python program on a terminal.

    Args:
        interrupt_at: press Ctrl-C as soon as this has been written.
    """
    status, text = on_a_terminal([sys.executable, *command], folder, interrupt_at)
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in ESCAPE.sub("", text).split("\n")]
    print(f"$ {' '.join(command)}", *lines, sep="\n")
    return status, lines[: -1 if lines[-1:] == [""] else None]


def test_the_first_hour(tmp_path):
    archive = tmp_path / "student.zip"
    student.write_folder(student.generate(), tmp_path / "made" / "vae-assignment")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted((tmp_path / "made").rglob("*")):
            file.write(path, path.relative_to(tmp_path / "made"))
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    folder = tmp_path / "vae-assignment"
    (folder / "data").symlink_to(ROOT / "data")

    status, lines = screen(folder, "-m", "pytest")
    assert status == 1 and len(lines) < ROWS and max(map(len, lines)) < COLUMNS, lines
    assert "Next: Task 1.1: kl_univariate_normal, see README section 1.1" in lines
    assert "      kl_univariate_normal in kl.py, line 7" in lines
    assert "More: pytest -m kl_univariate_normal           this task alone, in full" in lines

    kl, stub = folder / "kl.py", re.compile(r'    raise NotImplementedError\("Task 1.1: .*"\)')
    source = kl.read_text()
    kl.write_text(stub.sub("    return (var1 / var2 + (mu1 - mu2) ** 2 / var2 - 1 - torch.log(var1 / var2))", source))
    status, lines = screen(folder, "-m", "pytest", "-m", "kl_univariate_normal")
    said = "\n".join(lines)
    assert status == 1 and len(lines) <= 2 * ROWS
    for part in ("function: kl_univariate_normal in kl.py, line 7", "mu1: ", "returned: ", "expected: "):
        assert part in said, said
    status, lines = screen(folder, "-m", "pytest")
    assert status == 1 and len(lines) < ROWS and max(map(len, lines)) < COLUMNS, lines
    assert any(line.startswith("      expected: ") for line in lines)

    shutil.copy(ROOT / "solution" / "kl.py", kl)
    status, lines = screen(folder, "-m", "pytest", "-m", "task1")
    assert status == 0 and "These checks pass. `pytest` alone runs them all." in lines

    status, lines = screen(folder, "main.py", "--quick", "--jobs", "1", "kl", interrupt_at="[1/")
    said = "\n".join(lines)
    assert status == 130 and re.search(r"^interrupted: \d of \d parts are finished and kept; run again", said, re.M)
    status, lines = screen(folder, "main.py", "--quick", "--jobs", "1", "kl")
    assert status == 0 and len(lines) < ROWS and max(map(len, lines)) < COLUMNS, lines
    assert any("parts are finished already" in line for line in lines)
    kl.write_text(kl.read_text() + "\n# a thought\n")
    _, lines = screen(folder, "main.py", "--quick", "kl")
    assert any(re.match(r"(\d+) of \1 parts are finished already", line) for line in lines), lines

    status, lines = screen(folder, "submit.py")
    said = "\n".join(lines)
    assert status == 0 and len(lines) < ROWS and max(map(len, lines)) < COLUMNS, lines
    assert "  ok  kl.py, results/metrics.json (of your run)" in lines or "  ok  kl.py" in lines
    course = load()
    # kl.py is done, and what is judged over all files can be earned with it.
    most = sum(task.points for task in course.tasks if task.file in ("kl.py", ""))
    assert f"Code:    at most {most:g} of {course.graded:g} points as it is; you can hand in again later" in lines
    said = said.replace("\n        ", "")
    # The check of a trained model is skipped without its file.
    public = sum(len(course.public_of(task)) for task in course.tasks if not task.judge)
    assert re.search(rf"\d+ of {public} public checks pass \(run today \d\d:\d\d; changed since: kl.py\)", said), said
