"""One submission as one zip, whatever the student uploaded: files, a zip, a zip in a zip, or several of them.

The zip is what grading/intake.py is given, here or on another machine, and what the submission's hash is taken of.
A zip that holds the files to grade is passed on byte by byte, so that intake sees exactly what was handed in; of a
large one, only what is graded, and the names of the rest.
"""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from autograder.grading.files import (
    MIB,
    SUBMISSION,
    Entry,
    UnreadableError,
    collapsed,
    listed,
    shown,
    without_environments,
    zip_tree,
)
from autograder.grading.intake import IGNORED_FOLDERS, MODEL_SUFFIX, is_data, matters
from autograder.release.archive import zip_bytes

# What compresses too well is left to intake: here it is read up to the same size as anything else.
LIMITS = replace(SUBMISSION, ratio=sys.maxsize)
NESTED = 3  # zips in zips that are opened
OPENED = 30  # zips of a submission that are opened in all
# "work-1.py" is Canvas's name for a file uploaded again, "work (1).py" a browser's for one downloaded twice.
VERSION = re.compile(r"(?P<stem>.+?)(?:-(?P<canvas>\d{1,3})| ?\((?P<browser>\d{1,3})\))")
NOTHING = "there is no Python file and no zip in it, only {}"
REFUSED = f"not opened, because only {OPENED} zips with {LIMITS.archive_bytes // MIB} MiB together are: {{}}"


@dataclass
class _ZipRoom:
    """What the zips of one submission may still take, those in zips included.

    Attributes:
        zips, size: how many, and how many bytes they may have together.
        refused: those that had no room.
    """

    zips: int = OPENED
    size: int = LIMITS.archive_bytes
    refused: list[Entry] = field(default_factory=list)

    def takes(self, entry: Entry) -> bool:
        """Whether there is room for a zip, which it then takes. Those that lie on the disk are not copied."""
        size = entry.size if entry.place is None else 0
        if not self.zips or size > self.size:
            self.refused.append(entry)
            return False
        self.zips -= 1
        self.size -= size
        return True


@dataclass(frozen=True)
class Parcel:
    """A submission, ready to be graded.

    Attributes:
        content: bytes of a zip.
        notes: what the instructor should know about how it was handed in.
        left_out: whether there is a zip that was not opened.
    """

    content: bytes
    notes: tuple[str, ...] = ()
    left_out: bool = False


def pack(entries: Sequence[Entry], expected: Collection[str]) -> Parcel:
    """Make a submission's parcel.

    Args:
        entries: its files, in the order in which they were uploaded where that is known.
        expected: names of the files to hand in.

    Raises:
        UnreadableError: a file cannot be read.
    """
    try:
        return _packed(entries, expected)
    except UnreadableError:
        raise
    except Exception as error:  # our mistake, but it must not cost the whole class its grades
        what = f"{type(error).__name__}: {error}"
        raise UnreadableError(f"the grader has failed to read it ({what}): please report this") from error


def _packed(entries: Sequence[Entry], expected: Collection[str]) -> Parcel:
    wanted = {name.lower() for name in expected}
    entries, notes = _newest_versions(_own(entries, wanted), wanted)
    code = {name for name in wanted if name.endswith(".py")}
    zips = [entry for entry in entries if entry.regular and entry.path.suffix.lower() == ".zip"]
    loose = [entry for entry in entries if entry not in zips]
    left_out = len(zips) > 1 or bool(zips and _holds(loose, code))
    if zips and not _holds(loose, code):
        room = _ZipRoom()
        name, chosen, more = _choose(zips, wanted, room)
        notes += more
        if room.refused:
            notes.append(REFUSED.format(_names(room.refused)))
            left_out = True
        extra = [entry for entry in loose if entry.path.name.lower() in wanted]
        if not extra:
            small = chosen.size <= LIMITS.nested_bytes
            content = chosen.read(chosen.size) if small else write_parcel(_inside(chosen, wanted), wanted)
            return Parcel(content, tuple(notes), left_out)
        joined = _join(chosen, extra, code)
        if joined is not None:
            notes.append(f"{_names(extra)} handed in beside {shown(name)}")
            return Parcel(write_parcel(joined, wanted), tuple(notes), left_out)
    elif zips:
        notes.append(f"not opened, because the files to grade lie beside it: {_names(zips)}")
    elif not any(entry.path.suffix in (".py", MODEL_SUFFIX) for entry in loose):
        notes.append(NOTHING.format(_names(loose)) if loose else "nothing was handed in")
    return Parcel(write_parcel(loose, wanted), tuple(notes), left_out)


def write_parcel(entries: Iterable[Entry], wanted: Collection[str]) -> bytes:
    """A zip of the entries, for intake; the same entries always give the same bytes."""
    ordered = sorted(entries, key=lambda entry: (entry.path.name.lower() not in wanted, entry.path))
    return zip_bytes(_members(ordered, wanted))


def _members(entries: Sequence[Entry], wanted: Collection[str]) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and mode: content only of what matters to intake, which names the others to the student."""
    total, data = 0, 0
    for entry in entries[: LIMITS.entries + 1]:
        name = str(entry.path).encode("utf-8", "replace").decode("utf-8")
        if entry.is_folder:
            yield from ((f"{name}/{inner}", b"", 0o100644) for inner in entry.inside)
            yield name, bytes(entry.size - len(entry.inside)), entry.kind | 0o755
            continue
        # One byte more than allowed, so that intake sees that it is too much.
        limit = 1 + (LIMITS.model_bytes if entry.path.suffix == MODEL_SUFFIX else LIMITS.code_bytes)
        read = entry.regular and matters(entry.path, wanted) and entry.path.suffix != ".ipynb"
        if read and is_data(entry.path):
            limit, data = 1 + LIMITS.data_bytes, data + 1
            read = data <= LIMITS.files  # many more than intake takes, and few enough to be held
        if read and total > 2 * LIMITS.total_bytes:  # more than intake takes: it is named, and not graded
            yield name, b"", stat.S_IFIFO | 0o644
            continue
        content = entry.read(limit) if read else b""
        total += len(content)
        yield name, content, entry.kind | 0o644


def version(name: str) -> tuple[str, int]:
    """(a file's name without the mark of a copy, number of the copy): ("x.py", 2) for "x-2.py" and "x (2).py"."""
    path = PurePosixPath(name)
    match = VERSION.fullmatch(path.stem)
    if match is None:
        return name, 0
    return match["stem"] + path.suffix, int(match["canvas"] or match["browser"])


def _own(entries: Iterable[Entry], wanted: Collection[str]) -> list[Entry]:
    """The entries, those in a folder that intake does not look into as one."""
    return collapsed(without_environments(entries, wanted), IGNORED_FOLDERS, wanted, LIMITS)


def _holds(entries: Iterable[Entry], names: Collection[str]) -> bool:
    return any(entry.path.name.lower() in names for entry in entries)


def _newest_versions(entries: list[Entry], wanted: Collection[str]) -> tuple[list[Entry], list[str]]:
    """Copies such as work-1.py under their right names, the newest of each; others stay as they are."""
    newest: dict[PurePosixPath, tuple[int, Entry]] = {}
    for entry in entries:
        name, number = entry.path.name, 0
        if name.lower() not in wanted:
            original, number = version(name)
            name = original if original.lower() in wanted else name
        place = entry.path.with_name(name)
        if place not in newest or number > newest[place][0]:
            newest[place] = number, entry
    kept = [entry.at(place) for place, (_, entry) in newest.items()]
    renamed = [(entry.path, place.name) for place, (_, entry) in newest.items() if entry.path != place]
    return kept, [f"{shown(str(path))} was taken as {name}" for path, name in renamed]


def _choose(zips: Sequence[Entry], wanted: Collection[str], room: _ZipRoom) -> tuple[str, Entry, list[str]]:
    """(name, zip, notes) of the newest zip that holds files to grade, or has a zip in it that does; of the newest one
    if none does.

    Raises:
        UnreadableError: there is room for none.
    """
    order = sorted(range(len(zips)), key=lambda place: (version(zips[place].path.name)[1], place), reverse=True)
    candidates: list[tuple[str, Entry, list[str]]] = []
    for entry in (zips[place] for place in order):
        if not room.takes(entry):
            continue
        inner, found, notes = _innermost(entry, wanted, room, NESTED)
        if len(zips) > 1:
            notes = [f"of {len(zips)} zips, {shown(entry.path.name)} was taken", *notes]
        if found:
            return entry.path.name, inner, notes
        candidates.append((entry.path.name, entry, notes))
    if not candidates:
        raise UnreadableError(REFUSED.format(_names(room.refused)))
    return candidates[0]


def _inside(archive: Entry, wanted: Collection[str]) -> list[Entry]:
    """What is in a zip; UnreadableError if it cannot be opened."""
    return _own(zip_tree(archive.opened(LIMITS.archive_bytes), archive.path.name, limits=LIMITS).entries, wanted)


def _innermost(archive: Entry, wanted: Collection[str], room: _ZipRoom, depth: int) -> tuple[Entry, bool, list[str]]:
    """(the zip that holds files to grade, whether there is one, notes): this one, or one inside it."""
    try:
        entries = _inside(archive, wanted)
    except UnreadableError:
        return archive, False, [f"{shown(archive.path.name)} is not a readable zip"]
    if _holds(entries, wanted) or depth == 0:
        return archive, _holds(entries, wanted), []
    zips = [entry for entry in entries if entry.regular and entry.path.suffix.lower() == ".zip"]
    for entry in sorted(zips, key=lambda entry: version(entry.path.name)[1], reverse=True):
        if not room.takes(entry):
            continue
        inner, found, notes = _innermost(entry, wanted, room, depth - 1)
        if found:
            where = f"the files to grade lie in {shown(entry.path.name)} inside {shown(archive.path.name)}"
            return inner, True, [where, *notes]
    return archive, False, []


def _join(archive: Entry, extra: Sequence[Entry], code: Collection[str]) -> list[Entry] | None:
    """The files of a zip and others that were handed in beside it, put into the folder of the zip's code."""
    try:
        inside = _inside(archive, code)
    except UnreadableError:
        return None
    folders = sorted({entry.path.parent for entry in inside if entry.path.name.lower() in code}, key=_depth)
    if not folders:
        return None
    present = {entry.path for entry in inside}
    beside = [entry.at(folders[0] / entry.path.name) for entry in extra]
    return [*inside, *(entry for entry in beside if entry.path not in present)]


def _depth(path: PurePosixPath) -> int:
    return len(path.parts)


def _names(entries: Sequence[Entry]) -> str:
    return listed([entry.path.name for entry in entries])
