"""Exports of Moodle: a folder for each student, or all files in one, called after the student and a number."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import Found, Submission
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree
from autograder.sandbox.text import safe_text

# As Moodle's assign/locallib.php writes them, with folders and without; "Participant" where marking is blind.
FILE = re.compile(r"(?P<name>[^/]+?)_(?P<user>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?")


def read(tree: Tree) -> Found | None:
    """The submissions of an export; None if it is not one of Moodle's."""
    by_user: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    notes = []
    for entry in tree.entries:
        match = FILE.fullmatch(entry.path.parts[0])
        if match is None:
            if entry.path.suffix.lower() != ".csv":
                notes.append(f"{entry.path} is not named as Moodle names files, so it belongs to no student")
            continue
        inside = PurePosixPath(*entry.path.parts[1:]) if len(entry.path.parts) > 1 else match["file"]
        if str(inside or "."):
            by_user[match["user"], match["name"]].append(entry.at(inside or match["kind"]))
    if not by_user:
        return None
    return [
        Submission(slug="", students=(Student(name=_name(name, user), id=user),), entries=tuple(entries))
        for (user, name), entries in by_user.items()
    ], notes


def _name(name: str, user: str) -> str:
    """The name in a folder's name; where marking is blind, everybody is called "Participant" (in some language)."""
    return safe_text(name if " " in name else f"{name} {user}", 200)
