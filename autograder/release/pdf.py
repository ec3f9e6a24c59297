"""PDFs for people: the handout, and the report with the answers as graders have it beside them."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from autograder.exits import Exit
from autograder.release import measured, notebook, selfgrade
from autograder.release.contents import PICTURE, Release, generate, pdf_maker, shown_parts, solved
from autograder.release.numbers import values
from autograder.release.starter import SourceError
from autograder.release.student import reporting
from autograder.release.typeset import Pdf, TypesetError, typeset
from autograder.repository import ROOT, dist, solved_folder
from autograder.scratch import temporary_folder
from autograder.tasks import Course, CourseError, chosen, course_option, the_course
from autograder.writing import write_atomically, write_files

NOT_WHOLE = """\
{results}: {count} numbers of the answers are missing.
This run was not a whole one (--quick, or some parts only): `{run}` first."""
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def handout_pdf(made: Release) -> Pdf:
    """The handout as students get it.

    Raises:
        TypesetError: it cannot be typeset.
    """
    text = made.files["README.md"].decode()
    title = TITLE.search(text)
    return typeset(text, made.course.root / "solution", title.group(1) if title else "Assignment")


def handout(arguments: list[str], root: Path = ROOT) -> int:
    """Write dist/COURSE/handout.pdf."""
    try:
        course = the_course("handout", "Write handout.pdf, the handout for print.", arguments, root)
        pdf = handout_pdf(generate(root, course))
    except (TypesetError, SourceError, CourseError) as error:
        print(f"no handout: {error}", file=sys.stderr)
        return Exit.FAILED
    out = dist(course.name, root) / "handout.pdf"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, pdf.content, mode=0o644)
    for warning in pdf.warnings:
        print(f"not converted: {warning}", file=sys.stderr)
    print(f"wrote {out}: {len(pdf.content):,} bytes")
    return Exit.FAILED if pdf.warnings else Exit.DONE


def solved_with_answers(course: Course, results: Path) -> dict[str, bytes]:
    """What a student has who is finished: the code, and the notebook with its answers and the pictures that it shows.

    Args:
        results: of a run, for the numbers in the answers; without metrics.json, only what recorded runs gave is known.

    Raises:
        SourceError: something is not in order.
    """
    files = solved(course)
    metrics = measured.read(results / "metrics.json", course.root / measured.RUNS)
    answers = notebook.make(course.root, course, values(course), shown_parts(files), metrics).answers
    shown = {name.decode() for content in answers.values() for name in PICTURE.findall(content)}
    paths = {name: course.root / "solution" / name for name in sorted(shown)}
    pictures = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    return {**files, **pdf_maker(), **answers, **pictures}


def lay_out(folder: Path, results: Path, course: Course) -> None:
    """Fill a folder as a student has it who is finished: code, results, and the notebook, with its answers.

    Raises:
        SourceError: the notebook cannot be made.
    """
    write_files(folder, solved_with_answers(course, results))
    if results.is_dir():
        (folder / "results").symlink_to(results.resolve(), target_is_directory=True)


@reporting
def report(arguments: list[str], root: Path) -> int:
    """Write dist/COURSE/report/: the notebook with answers and rubrics, run, as report.ipynb and as report.pdf.

    Where students grade themselves, selfgrade.csv is there, too.
    """
    parser = argparse.ArgumentParser(
        prog="python -m autograder report",
        description="Run the report's notebook with its answers; write it and its PDF to dist/COURSE/report/.",
    )
    parser.add_argument(
        "--results", type=Path, help="of a run of the main program (default: where `make run` leaves them)"
    )
    course_option(parser)
    options = parser.parse_args(arguments)
    course = chosen(options.course, root)
    if not course.questions:
        print(f"{course.path.name} asks no questions: there is no report", file=sys.stderr)
        return Exit.NOTHING
    results = options.results or solved_folder(course.name, root) / "results"
    run = "make run" + (f" COURSE={options.course}" if options.course else "")
    if course.tasks and not (results / "metrics.json").is_file():
        print(f"{results} has no metrics.json: `{run}` first", file=sys.stderr)
        return Exit.NOTHING
    out = dist(course.name, root) / "report"
    with temporary_folder("report") as folder:
        try:
            lay_out(folder, results, course)
        except SourceError as error:
            if not all(problem.lacks for problem in error.problems):
                raise
            print(NOT_WHOLE.format(results=results, count=len(error.problems), run=run), file=sys.stderr)
            return Exit.NOTHING
        form = selfgrade.table(course) if course.grading == "self" else b""
        out.mkdir(parents=True, exist_ok=True)
        if form:
            write_atomically(out / selfgrade.FILE, form, mode=0o644)
        command = [sys.executable, "export_report.py", "--save", "--out", str(out.resolve() / "report.pdf")]
        status = subprocess.run(command, cwd=folder, check=False).returncode
        shutil.copy(folder / notebook.NOTEBOOK, out / notebook.NOTEBOOK)
    return Exit.FAILED if status else Exit.DONE
