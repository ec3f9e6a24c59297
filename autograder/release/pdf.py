"""PDFs for people: the handout, and the report with the answers as graders have it beside them."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.exits import Exit
from autograder.release import notebook
from autograder.release.starter import SourceError
from autograder.release.student import notebooks, pdf_maker
from autograder.release.typeset import Pdf, TypesetError, typeset
from autograder.repository import ROOT

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def handout_pdf(root: Path = ROOT) -> Pdf:
    """The handout, from student/README.md.

    Raises:
        TypesetError: it cannot be typeset.
        OSError: the handout is missing.
    """
    text = (root / "student" / "README.md").read_text(encoding="utf-8")
    title = TITLE.search(text)
    return typeset(text, root / "student", title.group(1) if title else "Assignment")


def handout(arguments: list[str], root: Path = ROOT) -> int:
    """Write dist/handout.pdf."""
    description = "Write dist/handout.pdf from student/README.md."
    argparse.ArgumentParser(prog="python -m autograder handout", description=description).parse_args(arguments)
    try:
        pdf = handout_pdf(root)
    except (TypesetError, OSError) as error:
        print(f"no handout: {error}", file=sys.stderr)
        return Exit.FAILED
    out = root / "dist" / "handout.pdf"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(pdf.content)
    for warning in pdf.warnings:
        print(f"not converted: {warning}", file=sys.stderr)
    print(f"wrote {out}: {len(pdf.content):,} bytes")
    return Exit.FAILED if pdf.warnings else Exit.DONE


def lay_out(folder: Path, results: Path, root: Path = ROOT) -> None:
    """Fill a folder as a student has it who is finished: code, results, and the notebook, with its answers.

    Raises:
        SourceError: the notebook cannot be made.
    """
    for file in (root / "solution").glob("*.py"):
        shutil.copy(file, folder)
    for name in ("lab", "figures"):
        shutil.copytree(root / "solution" / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in pdf_maker().items():
        (folder / name).write_bytes(content)
    for name, content in notebooks(root).answers.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    if results.is_dir():
        (folder / "results").symlink_to(results.resolve(), target_is_directory=True)


def report(arguments: list[str], root: Path = ROOT) -> int:
    """Write dist/report/: the notebook with answers and rubrics, run, as report.ipynb and as report.pdf."""
    parser = argparse.ArgumentParser(
        prog="python -m autograder report",
        description="Run the report's notebook with its answers; write it and its PDF to dist/report/.",
    )
    default = root / "solution" / "results"
    parser.add_argument("--results", type=Path, default=default, help="of a run of main.py (default: solution/results)")
    options = parser.parse_args(arguments)
    if not notebook.exists(root):
        print(f"this assignment has no report: there is no {notebook.SOURCE}", file=sys.stderr)
        return Exit.NOTHING
    if not (options.results / "metrics.json").is_file():
        print(f"{options.results} has no metrics.json: `make run` first", file=sys.stderr)
        return Exit.NOTHING
    out = root / "dist" / "report"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            lay_out(folder, options.results, root)
        except SourceError as error:
            print(error, file=sys.stderr)
            return Exit.FAILED
        out.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "export_report.py", "--save", "--out", str(out.resolve() / "report.pdf")]
        status = subprocess.run(command, cwd=folder, check=False).returncode
        shutil.copy(folder / notebook.NOTEBOOK, out / notebook.NOTEBOOK)
    return Exit.FAILED if status else Exit.DONE
