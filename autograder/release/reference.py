"""Makes dist/reference.zip: what a perfect student would hand in, the trained model included. It scores 100 of 100."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.exits import Exit
from autograder.release.archive import write_zip
from autograder.release.numbers import put_in, values
from autograder.release.starter import BEGIN, END
from autograder.repository import DIST, ROOT
from autograder.tasks import Course, CourseError, load

ARCHIVE = DIST / "reference.zip"


def examples(course: Course, root: Path = ROOT) -> dict[str, Path]:
    """Files other than code, such as a trained model, as a perfect student hands them in: name to place."""
    return {Path(name).name: root / name for name in course.assignment.examples}


def hand_in(course: Course, root: Path = ROOT) -> dict[str, bytes]:
    """The files that students hand in, as the reference solution has them.

    Raises:
        FileNotFoundError: the solution, or the assignment's examples, lack a file.
    """
    kept, known = examples(course, root), values(course)
    files = {}
    for name in sorted(course.files):
        if name.endswith(".py"):
            text = without_markers((root / "solution" / name).read_bytes()).decode("utf-8")
            files[name] = put_in(text, name, known, []).encode()  # making student/ complains of what names nothing
        elif name in kept:
            files[name] = kept[name].read_bytes()
        else:
            raise FileNotFoundError(f"tests/tasks.toml: no example of {name}, which students hand in")
    return files


def without_markers(source: bytes) -> bytes:
    """A file of the solution without the lines that mark its regions: a student's file has none."""
    lines = source.decode("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() not in (BEGIN, END)).encode("utf-8")


def main(arguments: Sequence[str]) -> int:
    """The subcommand."""
    parser = argparse.ArgumentParser(prog="python -m autograder reference-submission", description=__doc__)
    parser.parse_args(arguments)
    try:
        files = hand_in(load())
    except (FileNotFoundError, CourseError) as error:
        print(f"no reference submission: {error}", file=sys.stderr)
        return 1
    digest = write_zip(files, ARCHIVE)
    print(f"{ARCHIVE.relative_to(ROOT)}: {len(files)} files, {ARCHIVE.stat().st_size:,} bytes\nSHA-256 {digest}")
    return Exit.DONE
