"""Clones of GitHub Classroom's repositories: a folder for each, called after the assignment and the student."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import Found, Submission
from autograder.classroom.roster import Roster, Student
from autograder.grading.files import Tree

FOLDER = re.compile(r"(?P<assignment>.+)-submissions")


def read(tree: Tree, people: Roster) -> Found | None:
    """The submissions of a folder of clones; None if it is not one. The roster's user names help to tell."""
    logins = {student.login for student, row in people if "github_username" in row and student.login}
    folders = sorted({entry.path.parts[0] for entry in tree.entries if len(entry.path.parts) > 1})
    named = FOLDER.fullmatch(tree.name)
    clones = {path.parts[0] for path in tree.repositories if len(path.parts) == 1}
    prefix = f"{named['assignment']}-" if named else ""
    ours = [folder for folder in folders if prefix and folder.startswith(prefix)]
    listed = [folder for folder in folders if any(_is_login(folder, login) for login in logins)]
    if not folders or not (ours or listed or len(clones) * 2 > len(folders)):
        return None
    if not ours:
        prefix = _common_prefix(folders)
    submissions = []
    for folder in folders:
        # A user name may have hyphens itself: those on the roster are known in full.
        known = [login for login in logins if _is_login(folder, login)]
        login = max(known, key=len) if known else folder.removeprefix(prefix)
        own = tree.below(PurePosixPath(folder))
        submissions.append(
            Submission(slug="", students=(Student(name=login, id=login, login=login),), entries=own.entries)
        )
    return submissions, []


def _is_login(folder: str, login: str) -> bool:
    return folder == login or folder.endswith(f"-{login}")


def _common_prefix(folders: Sequence[str]) -> str:
    """What all names begin with, up to a hyphen: the assignment's name; "" for a single folder, which tells nothing."""
    if len(folders) < 2:
        return ""
    first, last = min(folders), max(folders)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind("-", 0, length) + 1]
