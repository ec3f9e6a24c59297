"""`python -m autograder where TASK` (`make where TASK=...`): every place where a task lives, by its name."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.exits import Exit
from autograder.release.numbers import worth
from autograder.repository import ROOT
from autograder.tasks import CourseError, Task, load

# Where hand-written files lie; student/ is generated.
FOLDERS = ("courses", "solution", "tests", "docs")
ENDINGS = {".py", ".md", ".toml", ".ipynb"}


def places(task: Task, root: Path = ROOT) -> Iterator[tuple[str, list[int]]]:
    """Files below the root that name a task, or one of its functions, with the lines, in the order of their paths.

    A file that is named after the task need not mention it.
    """
    names = {task.name, *(function.split(".")[-1] for function in task.functions)}
    word = re.compile(rf"\b({'|'.join(map(re.escape, sorted(names)))})\b")
    files = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in ENDINGS]
    for path in sorted([*files, *(root / "tests" / "public" / "cases").glob("*.json")]):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [number for number, line in enumerate(lines, start=1) if word.search(line)]
        if found or path.stem == task.name:
            yield path.relative_to(root).as_posix(), found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder where", description="Every place where a task lives.")
    parser.add_argument("task", help="the name of a task, such as those of courses/full.toml")
    name = parser.parse_args(arguments).task
    try:
        course = load()
    except CourseError as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    names = [task.name for task in course.tasks]
    if name not in names:
        message = f"{course.path.name} asks for no task {name!r}. It asks for {', '.join(names)}."
        print(textwrap.fill(message, 80), file=sys.stderr)
        return Exit.NOTHING
    task = course.task(name)
    file = task.file or "all files"
    print(f"{task.name}: task {task.number}, {task.title}, {worth(task.points)}, in {file}")
    for path, lines in places(task):
        listed = ", ".join(map(str, lines[:5])) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
        print(f"  {path}:{listed}" if lines else f"  {path}")
    return Exit.DONE
