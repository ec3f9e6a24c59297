"""A file without an end in place of the weights.

Goal: deny
Means: a symbolic link to /dev/zero.
Expected: links are not followed.
"""

from pathlib import Path


def build(file: Path, example: Path) -> None:
    file.symlink_to("/dev/zero")
