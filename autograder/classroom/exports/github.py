"""Clones of GitHub Classroom's repositories: a folder for each, called after the assignment and the student."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.roster import Roster, Student
from autograder.grading.files import Tree

FOLDER = re.compile(r"(?P<assignment>.+)-submissions")


def read(tree: Tree, people: Roster) -> list[HandedIn] | None:
    """The submissions of a folder of clones; None if it is not one.

    A user name is what follows the assignment's name in a folder's name, all of it: "hw1-x-ada" is of "x-ada", not of
    "ada". The assignment's name is that of the folder around the clones, or GitHub's list has it, or all clones share
    it.
    """
    folders = sorted({entry.path.parts[0] for entry in tree.entries if len(entry.path.parts) > 1} | _empty(tree))
    clones = {path.parts[0] for path in tree.repositories if len(path.parts) == 1}
    named = FOLDER.fullmatch(tree.name)
    listed = {row.get("assignment_name", "") for _, row in people} - {""}
    assignment = named["assignment"] if named else listed.pop() if len(listed) == 1 else ""
    prefix = f"{assignment}-"
    if folders == [f"{prefix}submissions"]:
        return None  # the clones are in it
    if not any(folder.startswith(prefix) for folder in folders):
        logins = {student.login.casefold() for student, row in people if "github_username" in row}
        prefix, on_list = _common_prefix(sorted(clones) or folders, logins)
        if 2 * max(len(clones), on_list) <= len(folders):
            return None
    ours = [folder for folder in folders if folder.startswith(prefix)]
    return [
        HandedIn(
            slug="",
            students=(Student(name=login, login=login),),
            entries=tree.below(PurePosixPath(folder)).entries,
            source=folder,
        )
        for folder in ours
        if (login := folder.removeprefix(prefix))
    ]


def _empty(tree: Tree) -> set[str]:
    return {path.parts[0] for path in tree.empty}


def _common_prefix(folders: Sequence[str], logins: Collection[str]) -> tuple[str, int]:
    """(what all names begin with, up to a hyphen, how many names go on with a user name that is known)."""
    common = os.path.commonprefix(list(folders)) if len(folders) > 1 else ""
    prefixes = ["", *(common[: hyphen.end()] for hyphen in re.finditer("-", common))]
    known = {prefix: sum(name.removeprefix(prefix).casefold() in logins for name in folders) for prefix in prefixes}
    best = max(prefixes, key=lambda prefix: (known[prefix], len(prefix)))
    return best, known[best]
