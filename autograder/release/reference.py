"""Makes dist/COURSE/reference.zip: what a perfect student would hand in, the trained model included."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.exits import Exit
from autograder.release.archive import write_zip
from autograder.release.contents import solved
from autograder.release.starter import SourceError
from autograder.repository import ROOT, dist
from autograder.tasks import Course, CourseError, the_course


def examples(course: Course) -> dict[str, Path]:
    """Files other than code, such as a trained model, as a perfect student hands them in: name to place."""
    return {Path(name).name: course.root / name for name in course.assignment.examples}


def hand_in(course: Course) -> dict[str, bytes]:
    """The files that students hand in, as the reference solution has them.

    Raises:
        FileNotFoundError: the solution, or the assignment's examples, lack a file.
        SourceError: the solution is not in order.
    """
    kept, code = examples(course), solved(course)
    files = {}
    for name in sorted(course.files):
        if name in code:
            files[name] = code[name]
        elif name in kept:
            files[name] = kept[name].read_bytes()
        else:
            raise FileNotFoundError(f"tests/tasks.toml: no example of {name}, which students hand in")
    return files


def main(arguments: Sequence[str]) -> int:
    """The subcommand."""
    try:
        course = the_course("reference-submission", "Write reference.zip: what a perfect student hands in.", arguments)
        if course.ungraded:
            print(f"{course.ungraded}: there is nothing to hand in", file=sys.stderr)
            return Exit.NOTHING
        files = hand_in(course)
    except (FileNotFoundError, CourseError, SourceError) as error:
        print(f"no reference submission: {error}", file=sys.stderr)
        return Exit.FAILED
    archive = dist(course.name) / "reference.zip"
    digest = write_zip(files, archive)
    print(f"{archive.relative_to(ROOT)}: {len(files)} files, {archive.stat().st_size:,} bytes\nSHA-256 {digest}")
    return Exit.DONE
