"""A folder or a zip for each student, or a table, named after the student."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import Found, Submission
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree
from autograder.sandbox.text import safe_text


def read(tree: Tree, table: str = "") -> Found:
    """The submissions; copies such as "jane (1).zip" belong to the same student.

    Args:
        table: name of the table that is handed in instead of code: then files beside each other belong to students,
            too, such as "jane.csv" or "selfgrade_jane.csv".
    """
    by_name: dict[str, list[Entry]] = defaultdict(list)
    notes = []
    for entry in tree.entries:
        name = re.sub(r" ?\(\d+\)$", "", entry.path.stem)
        if len(entry.path.parts) > 1:
            by_name[entry.path.parts[0]].append(entry.at(PurePosixPath(*entry.path.parts[1:])))
        elif entry.path.suffix.lower() == ".zip":
            by_name[name].append(entry)
        elif entry.path.name.startswith("."):
            continue
        elif table:
            by_name[_without(PurePosixPath(table).stem, name) or tree.name].append(entry)
        elif entry.path.suffix.lower() != ".csv":
            notes.append(f"{entry.path} is neither a folder nor a zip, so it belongs to no student")
    return [
        Submission(slug="", students=(Student(name=safe_text(name, 200), id=name),), entries=tuple(entries))
        for name, entries in by_name.items()
    ], notes


def _without(word: str, name: str) -> str:
    """A name without a word and what joins the two: "jane" from "selfgrade_jane"."""
    return re.sub(rf"[\s_.-]*{re.escape(word)}[\s_.-]*", "", name, flags=re.IGNORECASE)
