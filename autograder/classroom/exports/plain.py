"""A folder or a zip for each student, named after the student."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import Found, Submission
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree
from autograder.sandbox.text import safe_text


def read(tree: Tree) -> Found:
    """The submissions; copies such as "jane (1).zip" belong to the same student."""
    by_name: dict[str, list[Entry]] = defaultdict(list)
    notes = []
    for entry in tree.entries:
        if len(entry.path.parts) > 1:
            by_name[entry.path.parts[0]].append(entry.at(PurePosixPath(*entry.path.parts[1:])))
        elif entry.path.suffix.lower() == ".zip":
            by_name[re.sub(r" ?\(\d+\)$", "", entry.path.stem)].append(entry)
        elif not entry.path.name.startswith(".") and entry.path.suffix.lower() != ".csv":
            notes.append(f"{entry.path} is neither a folder nor a zip, so it belongs to no student")
    return [
        Submission(slug="", students=(Student(name=safe_text(name, 200), id=name),), entries=tuple(entries))
        for name, entries in by_name.items()
    ], notes
