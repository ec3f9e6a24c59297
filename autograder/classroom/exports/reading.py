"""Who handed in what: reads the exports of Gradescope, Canvas, Moodle and GitHub Classroom, and plain folders.

    gradescope  assignment_1_export/submission_2/...          names and times in submission_metadata.yml
    canvas      doejane_LATE_123_456_work.py                  student's id, then the file's; LATE where it was
    moodle      Jane Doe_123_assignsubmission_file_/...       or all files in one folder, so called
    github      hw1-submissions/hw1-janedoe/...               clones, named after the assignment and the student
    plain       jane/... or jane.zip                          one folder or zip a student

Each may be the downloaded zip or the folder that it was unpacked to. A roster (the platform's CSV of students or of
grades) gives names, e-mail addresses and times that the export lacks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from autograder.classroom.exports import canvas, counting, github, gradescope, moodle, plain
from autograder.classroom.exports.submission import Export, Found, Submission
from autograder.classroom.roster import Roster, known_as, read_roster
from autograder.grading.files import MIB, Entry, Tree, UnreadableError, read_tree, shown, zip_tree

LAYOUTS = ("gradescope", "canvas", "moodle", "github", "plain")
LARGEST_EXPORT_IN_EXPORT = 4096 * MIB

Reader = Callable[[Tree], Found | None]
# Readers of exports that are recognised for certain.
CERTAIN: dict[str, Reader] = {
    "gradescope": gradescope.read,
    "moodle": moodle.read,
    "canvas": canvas.read,
}
Read = tuple[str, list[Submission], list[str]]  # layout, submissions, notes


def read_export(
    path: Path,
    expected: Iterable[str] = (),
    layout: str | None = None,
    roster: Path | None = None,
    due: str = "",
    table: str = "",
) -> Export:
    """Read an export.

    Args:
        path: folder or zip.
        expected: names of the files to hand in; tell a single submission from a class.
        layout: one of LAYOUTS; None to find out.
        roster: a CSV of students, or None.
        due: ISO 8601; what was handed in later is late, where the export says when that was.
        table: name of the table that is handed in instead of code. Files beside each other then are a student's each,
            and none of them is a list of the class.

    Raises:
        UnreadableError: it cannot be read, or holds no submissions.
    """
    expected = frozenset(name.lower() for name in expected)
    tree = read_tree(path, wanted=expected)
    people = read_roster(_roster_bytes(roster), str(roster)) if roster else []
    for entry in _class_lists(tree) if not table else ():
        with contextlib.suppress(UnreadableError):  # some other table
            people += read_roster(entry.read(8 * MIB), str(entry.path))
    found = _read_tree(tree, layout, people)
    if found is None:
        if any(entry.path.name.lower() in expected for entry in tree.entries if len(entry.path.parts) == 1):
            raise UnreadableError(
                f"{path} holds the files of one submission: use `make grade`, or name the folder above it"
            )
        export, submissions, notes = "plain", *plain.read(_without_wrapping(tree, bool(table)), table)
        submissions = [_recognised(submission, people) for submission in submissions]
    else:
        export, submissions, notes = found
        notes = [*notes, *(_stray_tables(tree, submissions) if table else ())]
    submissions = [counting.with_roster(submission, people) for submission in submissions]
    submissions = [counting.with_due_date(submission, due) for submission in submissions]
    submissions = counting.with_slugs(counting.latest(submissions))
    if not submissions:
        raise UnreadableError(f"there are no submissions in {path} (taken as a {export} export)")
    present = {student.key for submission in submissions for student in submission.students}
    absent = [
        student
        for student, _ in people
        if not counting.matches_any(student, submissions) and student.key not in present
    ]
    return Export(export, submissions, list({student.key: student for student in absent}.values()), notes)


def _read_tree(tree: Tree, layout: str | None, people: Roster) -> Read | None:
    """(layout, submissions, notes); None for a plain folder."""
    if layout == "plain":
        return None
    readers: dict[str, Reader] = {**CERTAIN, "github": partial(github.read, people=people)}
    for name, reader in readers.items():
        if layout not in (None, name):
            continue
        for candidate in _levels(tree):
            found = reader(candidate)
            if found is not None:
                return name, *found
    if layout is not None:
        raise UnreadableError(f"{tree.name} does not look like a {layout} export; leave --layout out, or correct it")
    return _several(tree)


def _levels(tree: Tree) -> Iterator[Tree]:
    """The tree, and without folders around everything, as zips of folders have them.

    What programs leave beside the submissions, such as __MACOSX, is nobody's.
    """
    tree = _submissions_only(tree)
    yield tree
    while len(tree.tops()) == 1 and all(len(entry.path.parts) > 1 for entry in tree.entries):
        tree = _submissions_only(tree.below(PurePosixPath(tree.tops()[0])))
        yield tree


def _submissions_only(tree: Tree) -> Tree:
    entries = [entry for entry in tree.entries if not (entry.is_folder and len(entry.path.parts) == 1)]
    return replace(tree, entries=tuple(entries))


def _roster_bytes(roster: Path) -> bytes:
    try:
        return roster.read_bytes()
    except OSError as error:
        raise UnreadableError(f"the roster {roster} cannot be read: {error.strerror}") from None


def _recognised(submission: Submission, people: Roster) -> Submission:
    """A submission that has only a file's name to go by, with the student of the roster that it means, if any."""
    known = [known_as(student.name, people) or student for student in submission.students]
    return replace(submission, students=tuple(known))


def _stray_tables(tree: Tree, submissions: Iterable[Submission]) -> list[str]:
    """A note for each CSV file that is in no submission; in exports of code these are lists of the class."""
    used = {entry.name for submission in submissions for entry in submission.entries}
    stray = [entry for entry in tree.entries if entry.path.suffix.lower() == ".csv" and entry.name not in used]
    return [f"{shown(str(entry.path))} belongs to no student" for entry in stray]


def _without_wrapping(tree: Tree, loose_files: bool) -> Tree:
    """The first level that holds several folders or zips and nothing else; the tree itself if there is none.

    Args:
        loose_files: whether files count as folders do.
    """
    if loose_files:
        levels = list(_levels(tree))
        return next((level for level in levels if len(level.tops()) > 1), levels[-1])
    for level in _levels(tree):
        loose = [entry for entry in level.entries if len(entry.path.parts) == 1]
        if len(level.tops()) > 1 and all(entry.path.suffix.lower() in (".zip", ".csv") for entry in loose):
            return level
    return tree


def _several(tree: Tree) -> Read | None:
    """A folder with downloads of several sections or days in it, zips or folders, each an export by itself."""
    parts: list[Read] = []
    for top in tree.tops():
        part = _inner_tree(tree, top)
        # A lone zip of a student may be anything; only what is certainly an export counts as one.
        found = part and next(
            (
                (name, *read)
                for name, reader in CERTAIN.items()
                for candidate in _levels(part)
                if (read := reader(candidate)) is not None
            ),
            None,
        )
        if not found:
            return None
        parts.append(found)
    if not parts or len({part[0] for part in parts}) > 1:
        return None
    submissions = [submission for _, found, _ in parts for submission in found]
    return parts[0][0], submissions, [note for *_, notes in parts for note in notes]


def _inner_tree(tree: Tree, top: str) -> Tree | None:
    entry = next((entry for entry in tree.entries if entry.path == PurePosixPath(top)), None)
    if entry is None:
        return tree.below(PurePosixPath(top))
    if entry.path.suffix.lower() != ".zip" or entry.size > LARGEST_EXPORT_IN_EXPORT:
        return None
    try:
        return zip_tree(entry.opened(LARGEST_EXPORT_IN_EXPORT), entry.path.name)
    except UnreadableError:
        return None


def _class_lists(tree: Tree) -> list[Entry]:
    """CSV files that lie beside the submissions."""
    levels = list(_levels(tree))[:2]
    lists = [entry for level in levels for entry in level.entries if len(entry.path.parts) == 1]
    return [entry for entry in lists if entry.path.suffix.lower() == ".csv"]
