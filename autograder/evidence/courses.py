"""`python -m autograder courses` (`make courses`): makes everything of every course, and proves that it fits together.

For each course: what students get mentions nothing that they do not get and holds no hidden check; the handout can be
set; the solved files pass the public checks; the main program runs; and in the Gradescope zip, unpacked and started as
there, the reference submission gets every point and the untouched starter none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autograder.exits import Exit
from autograder.gradescope import bundle
from autograder.release import pdf, reference, student
from autograder.release.archive import zip_files
from autograder.release.contents import Release, generate, solved
from autograder.release.starter import SourceError
from autograder.repository import COURSES, DEFAULT_COURSE, student_folder
from autograder.scratch import temporary_folder
from autograder.tasks import Course, CourseError, course_file, load
from autograder.writing import write_files

LEFT_OVER = re.compile(rb"\{\{\w+:[^}]*\}\}|BEGIN SOLUTION|# (?:FOR|UNLESS) \w|# END (?:FOR|UNLESS)")
HIDDEN = re.compile(r"^def (test_\w+)", re.MULTILINE)
SECONDS = 900  # for one program


class Unproven(Exception):
    """Something about a course does not hold; the message says what."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder courses", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="COURSE", help="which ones (default: all of courses/)")
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.names or [path.stem for path in sorted(COURSES.glob("*.toml"))]:
        try:
            course = load(course_file(name))
            made = generate(course.root, course)
        except (CourseError, SourceError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{course.name}: {course.title}", flush=True)
        failed += not prove(made)
    return Exit.FAILED if failed else Exit.DONE


def prove(made: Release) -> bool:
    """Whether everything about a course holds; says so, line by line."""
    proven = True
    with temporary_folder("course") as scratch:
        for what, proof in PROOFS.items():
            began = time.monotonic()
            try:
                said = proof(made, scratch)
            except (Unproven, SourceError, CourseError, bundle.BundleError, OSError) as error:
                proven, said = False, f"NO: {error}"
            if said:
                print(f"  {what:<10} {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return proven


def release(made: Release, scratch: Path) -> str:
    """What students get, written where the other commands look for it."""
    for name, content in made.files.items():
        found = LEFT_OVER.search(content) if not name.startswith("tests/autograder/") else None
        if found:
            raise Unproven(f"{name} still has {found.group(0).decode()!r}")
    shown = b"\n".join(content for name, content in made.files.items() if name.startswith("tests/test_"))
    given = set(HIDDEN.findall(shown.decode())) - public_functions(made.course)
    if given:
        raise Unproven(f"students get checks that no task of theirs has: {', '.join(sorted(given))}")
    write_student_folder(made)
    questions = f", {len(made.course.questions)} questions" if made.course.questions else ""
    return f"{len(made.files)} files{questions}"


def public_functions(course: Course) -> set[str]:
    """Names of the public checks' functions."""
    ids = (check.id for check in course.checks)
    return {id.partition("::")[2].split("[")[0] for id in ids if id.startswith("public/")}


def write_student_folder(made: Release) -> None:
    course = made.course
    folder = student_folder(course.name, course.root)
    if course.name == DEFAULT_COURSE and student.differences(made, folder):
        raise Unproven("student/ is out of date: run `make student`")
    if course.name != DEFAULT_COURSE:
        student.write_folder(made, folder)


def handout(made: Release, scratch: Path) -> str:
    paper = pdf.handout_pdf(made)
    if paper.warnings:
        raise Unproven(f"pandoc could not convert: {paper.warnings[0]}")
    return f"{len(paper.content) // 1024} KiB of PDF"


def public_checks(made: Release, scratch: Path) -> str:
    """The public checks in a finished student's folder."""
    course = made.course
    if not course.tasks:
        return ""
    folder = scratch / "finished"
    write_files(folder, {**made.files, **finished(course)})
    if course.dataset:
        (folder / "data").symlink_to(course.root / "data", target_is_directory=True)
    options = ["-q", "-p", "no:cacheprovider", "--tb=short"]
    done = run([sys.executable, "-m", "pytest", *options], folder)
    if "of no task" in done:
        raise Unproven("the table of the public checks has some that are of no task")
    passed = re.search(r"(\d+) passed", done)
    return f"{passed.group(1)} pass" if passed else "pass"


def program(made: Release, scratch: Path) -> str:
    """The main program, cut short, in the folder with every answer."""
    course = made.course
    if student.MAIN not in course.programs:
        return ""
    folder = scratch / "solution"
    student.write_solved(course, folder)
    run([sys.executable, student.MAIN, "--quick"], folder)
    pictures = len(list((folder / "results").rglob("*.png")))
    return f"--quick: {pictures} pictures"


def graded(made: Release, scratch: Path) -> str:
    """The zip as Gradescope unpacks and starts it, without its set-up."""
    course = made.course
    if course.ungraded:
        return ""
    archive = scratch / "autograder.zip"
    bundle.write(archive, course)
    write_files(scratch / "source", zip_files(archive))
    handed_in = {name: made.files[name] for name in course.files if name in made.files}
    best = grade(course, scratch, "reference", reference.hand_in(course))
    least = grade(course, scratch, "starter", handed_in)
    if abs(best - course.graded) > 1e-6 or least:
        raise Unproven(f"the reference gets {best:g} of {course.graded:g} points, the starter {least:g}")
    return f"reference {best:g} of {round(course.graded, 6):g}, starter {least:g}"


def grade(course: Course, scratch: Path, name: str, files: Mapping[str, bytes]) -> float:
    """The score of a submission in the unpacked zip.

    Raises:
        Unproven: the rows do not add up, or are not those of the course.
    """
    folder = scratch / name
    write_files(folder / "submission", files)
    run([sys.executable, "-I", str(scratch / "source" / "files" / "grader"), "rehearse", str(folder)], scratch)
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    rows = document["tests"]
    if {row["extra_data"]["id"] for row in rows} != {check.id for check in course.checks}:
        raise Unproven(f"the rows of the {name} are not those of the course")
    if abs(sum(row["max_score"] for row in rows) - course.graded) > 1e-4:
        raise Unproven("the rows' points do not add up to the course's")
    return float(document["score"])


def finished(course: Course) -> dict[str, bytes]:
    """What a perfect student's folder has beside what everybody gets."""
    models = {name: path.read_bytes() for name, path in reference.examples(course).items() if name in course.files}
    return {**solved(course), **models}


def run(command: Sequence[str], folder: Path) -> str:
    """What a program printed, on one thread.

    Raises:
        Unproven: it failed, or took too long; with the end of what it printed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}
    environment = {**kept, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Unproven(f"{Path(command[1]).name} took more than {SECONDS} s") from None
    if done.returncode:
        end = (done.stdout + done.stderr)[-1500:]
        raise Unproven(f"{' '.join(command[1:3])} ended with status {done.returncode}:\n{end}")
    return done.stdout


Proof = Callable[[Release, Path], str]
# Each says what it found, or nothing where the course has nothing of the kind.
PROOFS: dict[str, Proof] = {
    "students": release,
    "handout": handout,
    "checks": public_checks,
    "main.py": program,
    "zip": graded,
}
