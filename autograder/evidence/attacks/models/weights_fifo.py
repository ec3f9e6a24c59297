"""A pipe in place of the weights: opening it waits for ever.

Goal: deny
Means: mkfifo.
Expected: not a regular file, so not opened.
"""

import os
from pathlib import Path


def build(file: Path, example: Path) -> None:
    os.mkfifo(file)
