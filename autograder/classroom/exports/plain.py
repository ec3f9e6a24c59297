"""A folder or an archive for each student, or a file, named after the student."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree, shown
from autograder.sandbox.text import safe_text

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.(gz|bz2|xz)|tbz2|txz|rar|7z)$", re.IGNORECASE)
CODE = re.compile(r"\.(py|ipynb)$", re.IGNORECASE)
COPY = re.compile(r" ?\(\d+\)$")


def owner(top: str, is_folder: bool, table: str = "") -> str:
    """The student after whom a folder or file is called; "" if it is nobody's.

    Args:
        table: name of the table that is handed in instead of code: then each file is a student's, such as "jane.csv" or
            "selfgrade_jane.csv".
    """
    if is_folder:
        return top
    if ARCHIVE.search(top):
        return COPY.sub("", ARCHIVE.sub("", top))
    if table:
        name = COPY.sub("", PurePosixPath(top).stem)
        return re.sub(rf"[\s_.-]*{re.escape(PurePosixPath(table).stem)}[\s_.-]*", "", name, flags=re.IGNORECASE)
    return COPY.sub("", CODE.sub("", top)) if CODE.search(top) else ""


def read(tree: Tree, table: str = "") -> list[HandedIn]:
    """The submissions. What may be one student's twice, such as "jane" and "jane (1).zip", is in doubt."""
    inside: dict[str, list[Entry]] = {path.parts[0]: [] for path in tree.empty}
    for entry in tree.entries:
        inside.setdefault(entry.path.parts[0], []).append(entry)
    by_owner: dict[str, list[str]] = defaultdict(list)
    for top, entries in inside.items():
        is_folder = any(len(entry.path.parts) > 1 for entry in entries) or not entries
        name = owner(top, is_folder, table) or (tree.name if table else "")
        if name:
            by_owner[name].append(top)
    found = []
    for student_name, tops in sorted(by_owner.items()):
        several = f"{' and '.join(map(shown, tops))} may be one student's: delete what does not count"
        for place, top in enumerate(tops):
            who = top if place else student_name
            parts = ((entry, entry.path.parts[1:]) for entry in inside[top])
            own = tuple(entry.at(PurePosixPath(*rest)) if rest else entry for entry, rest in parts)
            student = Student(name=safe_text(who, 200), id=who)
            found.append(HandedIn("", (student,), own, source=top, doubt=several if len(tops) > 1 else ""))
    return found
