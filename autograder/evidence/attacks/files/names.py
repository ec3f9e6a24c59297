"""File names made to break any program that prints or stores them.

Goal: deny
Means: newlines, escape sequences, invalid UTF-8, 255 bytes, bidirectional characters, leading dashes, 40 levels of
    folders.
Expected: refused, or shown in safe form.
"""

import os
from pathlib import Path

NAMES = (b"new\nline.py", b"\x1b[31mred.py", b"\xff\xfe.py", b"x" * 255, b"-rf", "\u202exe.py".encode(), b"<script>.py")


def build(submission: Path) -> None:
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(submission) + b"/" + name)).write_text("HOSTILE = True\n")
    deep = submission.joinpath(*["deep"] * 40)
    deep.mkdir(parents=True)
    (deep / "file.py").write_text("x = 1\n")
