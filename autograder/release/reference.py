"""Makes dist/reference.zip: what a perfect student would hand in, the trained model included. It scores 100 of 100."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.release.starter import BEGIN, END
from autograder.release.student import write_zip
from autograder.repository import CORPUS, DIST, ROOT, SOLUTION
from autograder.tasks import Points, PointsError, load

WEIGHTS = CORPUS / "reference" / "gmvae.safetensors"
ARCHIVE = DIST / "reference.zip"


def hand_in(points: Points, solution: Path = SOLUTION, weights: Path = WEIGHTS) -> dict[str, bytes]:
    """The files that students hand in, as the reference solution has them.

    Raises:
        FileNotFoundError: a file of points.toml does not exist.
    """
    files = {}
    for name in sorted(points.files):
        path = solution / name if name.endswith(".py") else weights
        content = path.read_bytes()
        files[name] = without_markers(content) if name.endswith(".py") else content
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
    except (FileNotFoundError, PointsError) as error:
        print(f"no reference submission: {error}", file=sys.stderr)
        return 1
    digest = write_zip(files, ARCHIVE, top="")
    print(f"{ARCHIVE.relative_to(ROOT)}: {len(files)} files, {ARCHIVE.stat().st_size:,} bytes\nSHA-256 {digest}")
    return 0
