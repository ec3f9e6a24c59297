"""`python -m autograder next-term` (`make next-term`): what a new term begins with, done or shown step by step.

It makes a new secret, and names the due dates that are past. docs/maintaining.md says what else there is to do.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from autograder.exits import Exit
from autograder.grading.secret import SECRET_FILE, VARIABLE, SecretError, renew
from autograder.repository import ROOT
from autograder.tasks import CourseError, load
from autograder.toml_source import TomlSource

BY_HAND = (
    "Dates, rules and people: make release COURSE=... lists what each page leaves you to decide.",
    "Newer libraries, once a year: make lock UPGRADE=1, then make setup and make test SLOW=1.",
    "Machines that have nothing, once a year: tools/fresh_machine.sh stable.",
    "A number for the release: version in pyproject.toml, and its heading in CHANGELOG.md.",
    "For each course: make student, make release, make autograder; upload, and try dist/COURSE/reference.zip.",
)


def main(arguments: Sequence[str], root: Path = ROOT, secret: Path = SECRET_FILE) -> int:
    """Make a new secret, name the due dates that are past, and print what is left."""
    description = "Make a new secret, name the due dates that are past, and say what else a new term needs."
    argparse.ArgumentParser(prog="python -m autograder next-term", description=description).parse_args(arguments)
    try:
        old = renew(secret)
    except SecretError as error:
        print(f"next-term: {error}", file=sys.stderr)
        return Exit.FAILED
    name = secret.relative_to(root) if secret.is_relative_to(root) else secret
    print(f"1. {name} is new: hidden inputs differ from last term's.")
    if old is not None:
        print(f"   The old one is {old.name}, beside it: to grade last term's work again, move it back.")
    if VARIABLE in os.environ:
        print(f"   The variable {VARIABLE} is set, and it is what counts: set it to the new file's content.")
    print("2. Due dates:")
    now, broken = datetime.now(timezone.utc), []
    for path in sorted((root / "courses").glob("*.toml")):
        try:
            print(f"   courses/{path.name}{due(path, now)}")
        except CourseError as error:
            broken.append(str(error))
    for number, step in enumerate(BY_HAND, start=3):
        print(f"{number}. {step}")
    print("docs/maintaining.md says more on each.")
    if broken:
        print(*broken, sep="\n", file=sys.stderr)
    return Exit.FAILED if broken else Exit.DONE


def due(path: Path, now: datetime) -> str:
    """What there is to say on a course's due date, to be put after the name of its file.

    Raises:
        CourseError: the course does not hold together.
    """
    date = load(path).due
    if date is None:
        return ": none, so the platform's counts"
    line = TomlSource(path).line_of_key("due")
    return f":{line}: {date.isoformat()}" + (" is past: write this term's" if date < now else "")
