"""A link to the reference's weights, in place of one's own.

Goal: forge
Means: a symbolic link to the file in the autograder, absolute.
Expected: links are not followed.
"""

from pathlib import Path


def build(file: Path, example: Path) -> None:
    file.symlink_to(example)
