"""Exports of Canvas: all files in one folder, called after the student, the student's number and the file's."""

from __future__ import annotations

import re
from collections import defaultdict

from autograder.classroom.exports.submission import Found, Submission
from autograder.classroom.roster import Student
from autograder.grading.files import Entry, Tree
from autograder.sandbox.text import safe_text

# As Canvas's content_zipper.rb writes them: name, LATE, user (a letter code in anonymous assignments), file's id.
FILE = re.compile(
    r"(?:(?P<name>[^/]*?)_)??(?:(?P<late>LATE)_)?(?P<user>\d+|anon_\w{5})_(?:(?P<attachment>\d+)_(?P<file>.+)"
    r"|(?P<entry>text|link)\.html)"
)


def read(tree: Tree) -> Found | None:
    """The submissions of an export; None if it is not one of Canvas's."""
    matches = [(entry, FILE.fullmatch(entry.path.name)) for entry in tree.entries if len(entry.path.parts) == 1]
    if not any(match for _, match in matches):
        return None
    by_user: dict[str, list[tuple[int, Entry, re.Match[str]]]] = defaultdict(list)
    notes = []
    for entry, match in matches:
        if match is None:
            if entry.path.suffix.lower() != ".csv":
                notes.append(f"{entry.path} is not named as Canvas names files, so it belongs to no student")
            continue
        by_user[match["user"]].append((int(match["attachment"] or 0), entry, match))
    submissions = []
    for user, files in by_user.items():
        files.sort(key=lambda file: file[0])
        first = files[0][2]
        submissions.append(
            Submission(
                slug="",
                students=(Student(name=safe_text(first["name"] or user, 200), id=user),),
                entries=tuple(entry.at(match["file"] or f"{match['entry']}.html") for _, entry, match in files),
                late=any(match["late"] for *_, match in files),
            )
        )
    return submissions, notes
