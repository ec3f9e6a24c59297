"""A pipe in place of the weights: whoever opens it waits for ever.

Goal: deny
Means: mkfifo.
Expected: no regular file, not opened.
"""

import os
from pathlib import Path


def build(file: Path, example: Path) -> None:
    os.mkfifo(file)
