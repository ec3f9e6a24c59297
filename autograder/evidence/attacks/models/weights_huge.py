"""Weights larger than the grader's memory.

Goal: deny
Means: a sparse file of 8 GiB.
Expected: refused by its size.
"""

from pathlib import Path


def build(file: Path, example: Path) -> None:
    with open(file, "wb") as stream:
        stream.truncate(8 << 30)
