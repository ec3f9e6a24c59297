"""Whom an instructor means by a name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.roster import Student
from autograder.grading.files import UnreadableError, listed
from autograder.sandbox.text import safe_text

ALIKE = 0.5  # of difflib's ratio: a surname alone is near
LONGEST = 80  # letters of a name that are looked at
FIELDS = ("name", "id", "sid", "login", "email")


def submissions_of(export: Export, names: Iterable[str]) -> set[str]:
    """Slugs of the submissions of students who are named by name, number, login, e-mail address or slug.

    Raises:
        UnreadableError: a name is nobody's, that of several, or that of somebody who handed in nothing.
    """
    return {_submission_of(export, name).slug for name in names}


def _submission_of(export: Export, name: str) -> HandedIn:
    shown = safe_text(name, LONGEST)
    exact = [one for one in export.submissions if one.slug == name.strip()]
    found = exact or [one for one in export.submissions if any(is_called(student, name) for student in one.students)]
    if len(found) > 1:
        raise UnreadableError(f"{shown} is the name of several: write one of {listed([one.slug for one in found])}")
    if found:
        return found[0]
    if any(is_called(student, name) for student in export.absent):
        raise UnreadableError(f"{shown} has handed in nothing")
    called = [text for one in export.submissions for student in one.students for text in texts(student)]
    known = {text.casefold(): text for text in (*(one.slug for one in export.submissions), *called)}
    near = difflib.get_close_matches(name.casefold()[:LONGEST], known, n=1, cutoff=ALIKE)
    hint = f": did you mean {safe_text(known[near[0]], LONGEST)}?" if near else ""
    raise UnreadableError(f"nobody of this class is called {shown}{hint}")


def texts(student: Student) -> list[str]:
    """All that a student is called."""
    return [text for name in FIELDS if (text := getattr(student, name))]


def is_called(student: Student, name: str) -> bool:
    """Whether a student has this name, in any order of its words, number, login or e-mail address."""
    return _words(name) in map(_words, texts(student)) if _words(name) else False


def _words(text: str) -> list[str]:
    """ "Doe, Jane" is "jane doe"."""
    return sorted(re.findall(r"[\w@.+-]+", text.casefold()))
