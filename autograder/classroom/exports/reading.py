"""Who handed in what: reads the exports of six platforms, and plain folders.

    gradescope   assignment_1_export/submission_2/...                      names and times in submission_metadata.yml
    canvas       doejane_LATE_123_456_work.py                              student's number, then the upload's
    moodle       Jane Doe_123_assignsubmission_file_/...                   or all files in one folder, so called
    brightspace  123-456 - Jane Doe - Sep 24, 2026 926 PM/...              beside index.html
    blackboard   HW 1_jdoe_attempt_2026-11-03-10-00-00_work.py             all files in one folder
    github       hw1-submissions/hw1-janedoe/...                           clones, named after assignment and student
    plain        jane/..., jane.zip or jane.py                             a folder, an archive or a file a student

Each may be the downloaded zip or the folder that it was unpacked to, in further folders or not. A roster gives names,
groups, extensions and times that the export lacks; it is read only where the instructor names it, since students can
hand in tables, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone, tzinfo
from functools import partial
from pathlib import Path, PurePosixPath

from autograder.classroom.exports import counting, github, gradescope, named, plain
from autograder.classroom.exports.submission import SHOWN, TITLES, Export, HandedIn
from autograder.classroom.exports.tar import as_zip
from autograder.classroom.roster import Roster, read_roster
from autograder.clock import read_time
from autograder.grading.files import MIB, Entry, Tree, UnreadableError, listed, read_tree, shown, zip_tree

PLATFORMS = tuple(TITLES)
LARGEST_EXPORT_IN_EXPORT = 4096 * MIB
# What operating systems and spreadsheets leave in folders; so is what begins with a dot or "~$".
RUBBISH = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
NOBODY_LISTED = (
    "nobody who handed in is on the roster: name the list of this class, with its columns called as in English"
)

Reader = Callable[[Tree], list[HandedIn] | None]


@dataclass(frozen=True)
class Found:
    """What was recognised.

    Attributes:
        entries: all that lies in the export; in each of its parts, where it has parts.
        own: lower-case names of files that the platform itself adds.
        doubt: why it may be another kind, "" if nothing speaks for that.
    """

    platform: str
    submissions: Sequence[HandedIn]
    entries: Sequence[Entry]
    own: Collection[str] = ()
    doubt: str = ""


def read_export(
    path: Path,
    expected: Iterable[str] = (),
    platform: str | None = None,
    roster: Path | None = None,
    due: datetime | None = None,
    table: str = "",
    zone: tzinfo = timezone.utc,
    grace_minutes: float = 0.0,
) -> Export:
    """Read an export.

    Args:
        path: folder or zip.
        expected: names of the files to hand in; tell a single submission from a class.
        platform: one of PLATFORMS; None to find out.
        roster: a table of students, or None.
        due: what was handed in later is late, where it is known when that was.
        table: name of the table that is handed in instead of code. Files beside each other then are a student's each.
        zone: of times that name none, and of the days that a submission is late.
        grace_minutes: after the due date, that still count as in time.

    Raises:
        UnreadableError: it cannot be read, or holds no submissions.
    """
    expected = frozenset(name.lower() for name in expected)
    people = read_roster(_roster_bytes(roster), str(roster)) if roster else []
    tree = read_tree(path, wanted=expected)
    found = _recognised(tree, platform, people)
    if found is None:
        if any(entry.path.name.lower() in expected for entry in tree.entries if len(entry.path.parts) == 1):
            raise UnreadableError(
                f"{path} holds the files of one submission: use `make grade`, or name the folder above it"
            )
        found = Found("plain", plain.read(_level_of_students(tree, table, expected), table), tree.entries)
    export = _counted(found, people, zone)
    _account(export, found, roster.resolve() if roster else None, path.resolve())
    export.submissions = counting.with_slugs(
        [
            counting.with_due_date(replace(one, entries=tuple(map(as_zip, one.entries))), due, zone, grace_minutes)
            for one in export.submissions
        ]
    )
    if not export.submissions:
        raise UnreadableError(f"there are no submissions in {path} (taken as {found.platform})")
    times = [one.time for one in export.submissions if one.time]
    if any((read := read_time(time)) and not read.tzinfo for time in times):
        export.notes.insert(0, f"times of submissions name no zone: taken as {zone}, the course's")
    if found.doubt:
        export.notes.insert(0, found.doubt)
    unknown = sum(not one.time and not one.late for one in export.submissions)
    if due is not None and unknown:
        export.notes.insert(0, f"{unknown} of the submissions have no time: whether they are late is not known")
    return export


def _counted(found: Found, people: Roster, zone: tzinfo) -> Export:
    """The submissions that count, in doubt or not, and who handed in nothing."""
    by_name = found.platform == "plain"
    full, nothing = list[HandedIn](), list[HandedIn]()
    for one in found.submissions:
        (full if one.doubt or not _is_empty(one) else nothing).append(one)
    known = counting.with_roster(full, people, by_name)
    last = counting.latest([one for one in known.submissions if not one.doubt], zone)
    submissions = [*last, *(one for one in known.submissions if one.doubt)]
    present = {student.key for one in submissions for student in one.students}
    empty = counting.with_roster(nothing, people, by_name).submissions
    more = (student for one in empty for student in one.students if student.key not in present)
    absent = {student.key: student for student in (*known.absent, *more)}
    strangers = people and not any(student.row for one in submissions for student in one.students)
    notes = [NOBODY_LISTED, *known.notes] if strangers else known.notes
    return Export(found.platform, submissions, list(absent.values()), notes)


def _is_empty(submission: HandedIn) -> bool:
    """Whether nothing was handed in: there are only folders of tools, such as .git, and what systems leave."""
    return all(entry.is_folder or _is_rubbish(entry.path.name) for entry in submission.entries)


def _account(export: Export, found: Found, roster: Path | None, top: Path) -> None:
    """Say what became of every file of an export that lies at `top`."""
    counts = {_identity(entry) for one in export.submissions for entry in one.entries}
    earlier = {_identity(entry) for one in found.submissions for entry in one.entries} - counts
    files = dict.fromkeys(("of submissions", "set aside", "unread"), 0)
    unread = []
    for entry in found.entries:
        nobodys = entry.is_folder or _is_rubbish(entry.path.name) or entry.path.name.lower() in found.own
        if _identity(entry) in counts:
            what = "of submissions"
        elif nobodys or _identity(entry) in earlier or roster == top / entry.name:
            what = "set aside"
        else:
            what = "unread"
            unread.append(entry)
        files[what] += entry.size if entry.is_folder else 1
    export.files = files
    export.unread = [_advice(entry) for entry in unread[:SHOWN]]
    if len(unread) > SHOWN:
        export.unread.append(f"and {len(unread) - SHOWN} more files that belong to no student")


def _identity(entry: Entry) -> tuple[int, str]:
    """The same for an entry wherever it was moved to, and for no other of the export."""
    return id(entry.pieces), entry.name


def _advice(entry: Entry) -> str:
    if entry.path.suffix.lower() in (".csv", ".tsv"):
        return f"{shown(entry.name)} belongs to no student; if it is your list of students, name it with --roster"
    return f"{shown(entry.name)} belongs to no student: put it into a student's folder, or delete it"


def _recognised(tree: Tree, platform: str | None, people: Roster) -> Found | None:
    """The export as that of a platform; None for a plain folder."""
    if platform == "plain":
        return None
    ids = {student.id for student, _ in people}
    certain: dict[str, Reader] = {"gradescope": gradescope.read}
    certain |= {
        name: partial(named.read, rule=rule, known=ids, certain=platform is not None)
        for name, rule in named.RULES.items()
    }
    readers = certain | {"github": partial(github.read, people=people)}
    for name, reader in readers.items():
        if platform not in (None, name):
            continue
        for level in _levels(tree):
            submissions = reader(level)
            if submissions is not None:
                doubt = "" if platform else _doubt(name, level, submissions)
                return Found(name, submissions, tree.entries, _own(name), doubt)
    if platform is not None:
        raise UnreadableError(f"{shown(tree.name)} does not look like an export of {platform}: correct --export")
    return _several(tree, certain)


def _doubt(platform: str, level: Tree, submissions: Collection[HandedIn]) -> str:
    """What speaks against a platform: folders, archives and code beside what it writes; "" if nothing does."""
    read = {_identity(entry) for one in submissions for entry in one.entries}
    tops: dict[bool, set[str]] = {True: set(), False: set()}  # by whether they are as the platform writes them
    for entry in level.entries:
        tops[_identity(entry) in read].add(entry.path.parts[0])
    folders = {entry.path.parts[0] for entry in level.entries if len(entry.path.parts) > 1}
    names = tops[True] | {one.source for one in submissions}
    others = {top for top in tops[False] - names if top.lower() not in _own(platform)}
    others = {top for top in others if plain.owner(top, top in folders)}
    if not others:
        return ""
    of_all = f"{len(names)} of {len(names) + len(others)}"
    return f"looks like {TITLES[platform]} in {of_all} names, not in {listed(sorted(others))}: else --export plain"


def _own(platform: str) -> Collection[str]:
    return named.RULES[platform].own if platform in named.RULES else gradescope.METADATA


def _levels(tree: Tree) -> Iterator[Tree]:
    """The tree, and without folders around everything, as zips of folders have them.

    What programs leave beside the submissions, such as __MACOSX and Thumbs.db, is nobody's.
    """
    tree = _without_rubbish(tree)
    yield tree
    while len(tree.tops()) == 1 and tree.entries and all(len(entry.path.parts) > 1 for entry in tree.entries):
        tree = _without_rubbish(tree.below(PurePosixPath(tree.tops()[0])))
        yield tree


def _without_rubbish(tree: Tree) -> Tree:
    def is_nobodys(entry: Entry) -> bool:
        return len(entry.path.parts) == 1 and (entry.is_folder or _is_rubbish(entry.path.name))

    return replace(tree, entries=tuple(entry for entry in tree.entries if not is_nobodys(entry)))


def _is_rubbish(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in RUBBISH


def _roster_bytes(roster: Path) -> bytes:
    try:
        return roster.read_bytes()
    except OSError as error:
        raise UnreadableError(f"the roster {roster} cannot be read: {error.strerror}") from None


def _level_of_students(tree: Tree, table: str, expected: Collection[str]) -> Tree:
    """The first level with several students; without one the last level of tables, the first of anything else.

    Below the first level, files of code alone are one student's.
    """
    levels = list(_levels(tree))
    for level in levels:
        folders = {entry.path.parts[0] for entry in level.entries if len(entry.path.parts) > 1}
        folders |= {path.parts[0] for path in level.empty}
        owners = [top for top in level.tops() if table or plain.owner(top, top in folders)]
        code = level is not levels[0] and all(plain.CODE.search(top) for top in owners)
        if len(owners) > 1 and (table or not code) and not any(top.lower() in expected for top in level.tops()):
            return level
    return levels[-1] if table else levels[0]


def _several(tree: Tree, certain: Mapping[str, Reader]) -> Found | None:
    """A folder with downloads of several sections or days in it, zips or folders, each an export by itself."""
    tree = _without_rubbish(tree)
    found: Found | None = None
    for top in tree.tops():
        part = _inner_tree(tree, top)
        # A lone zip of a student may be anything; only what is certainly an export counts as one.
        read = part and next(
            (
                (name, submissions)
                for name, reader in certain.items()
                for level in _levels(part)
                if (submissions := reader(level)) is not None
            ),
            None,
        )
        if not part or not read or (found and found.platform != read[0]):
            return None
        before = found or Found(read[0], (), (), _own(read[0]))
        found = replace(before, submissions=[*before.submissions, *read[1]], entries=[*before.entries, *part.entries])
    return found


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
