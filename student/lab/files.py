"""The folder of the assignment, files that are whole or not there at all, and what may be printed (provided)."""

from __future__ import annotations  # programs have to come as far as to say that a Python is too old

import io
import json
import math
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

# Where the student's files lie.
HERE = Path(__file__).resolve().parents[1]
TASKS = Path("lab", "tasks.json")  # there: what the course asks for
COLUMNS = 79  # of a line on a terminal


def print_anything() -> None:
    """Have Python spell out the letters that the place where it prints has not: a file or a pipe on Windows, for one.

    Without this, the name of a folder may end a program.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # not in a notebook
        sys.stdout.reconfigure(errors="backslashreplace")  # as Python itself has it for sys.stderr


def wrapped(head: str, text: str, indent: int | None = None) -> list[str]:
    """A text in lines of a terminal, with something in front of it.

    Args:
        indent: of the lines below the first; None to have them begin below the text. A long name is not cut.
    """
    below = " " * (len(head) if indent is None else indent)
    lines = textwrap.TextWrapper(COLUMNS, head, below, break_long_words=False, break_on_hyphens=False)
    return lines.wrap(text)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, and its folder if that is missing.

    At every instant the file holds either what it held before or all of the new content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def strict(value: Any) -> Any:
    """The value with infinite and undefined numbers spelt out, which JSON cannot hold."""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON."""
    write_whole(path, (json.dumps(strict(value), indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """What a JSON file holds; None if it cannot be read or is not a whole JSON document."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
