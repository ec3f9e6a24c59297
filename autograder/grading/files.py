"""Files of strangers, in a folder or a zip: listed at once, each read only when it is needed, up to a limit.

Nothing is unpacked here, and no link is followed. A name is only ever compared, or shown after `shown` has made it
harmless; a path never leads out of its folder.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import os
import re
import stat
import struct
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.sandbox.text import INVISIBLE

MIB = 1 << 20
CENTRAL_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's table of contents
# Folders that operating systems and tools leave behind, often large; in lower case. Folders that begin with a dot are
# skipped as well.
RUBBISH = frozenset({"__macosx", "__pycache__", "node_modules", "site-packages"})
LIBRARIES = {"site-packages", "dist-packages", "node_modules"}
REPOSITORY = ".git"
UNREADABLE = 0  # a kind that no file has
COUNTED = 2_000  # files, in a folder that is not looked into
SHOWN_NAMES, SHOWN_LETTERS = 5, 80
DEEPEST = 100  # folders; os.walk calls itself for each of them before Python 3.12
NOT_TEXT = re.compile("[\ud800-\udfff]")  # bytes of a name that are not UTF-8, as Python decodes them


class UnreadableError(Exception):
    """Files that cannot be read; the message says which, why, and what to do."""


@dataclass(frozen=True)
class SizeLimits:
    """The largest submission that is taken in; `SUBMISSION` has these values."""

    archive_bytes: int = 1024 * MIB  # of a zip in a zip, which is copied to the disk to be opened
    table_bytes: int = 8 * MIB  # an archive's table of contents: names, comments and more
    entries: int = 20_000
    files: int = 200
    depth: int = 8  # folders that a file lies in
    code_bytes: int = 1 * MIB
    data_files: int = 20
    data_bytes: int = 256 << 10
    model_bytes: int = 32 * MIB
    total_bytes: int = 48 * MIB
    nested_bytes: int = 48 * MIB  # of all zips in a submission's zip together: they are unpacked
    ratio: int = 200  # of a file's size to what it takes in the archive; code compresses to a third


SUBMISSION = SizeLimits()
# For what the instructor has downloaded: a whole class.
UNLIMITED = SizeLimits(sys.maxsize, sys.maxsize, sys.maxsize, depth=DEEPEST, ratio=sys.maxsize)


@dataclass(frozen=True)
class Entry:
    """A file, a link, a device, or a folder that is not looked into.

    Attributes:
        path: where it lies, below the top.
        kind: stat.S_IFREG or another file type; also stat.S_IFLNK if its name leads out of the folder or zip. It is
            stat.S_IFDIR for a folder that is not looked into, UNREADABLE for what the system keeps from us.
        size: bytes, as the folder or zip says; of a folder, how many files were counted in it.
        pieces: yields at most the given number of bytes of it, in pieces; raises UnreadableError.
        name: as the folder or zip spells it.
        inside: paths of files in a folder that is not looked into, below it: those whose names were asked for.
        place: where it lies in the file system; None if it lies in a zip.
    """

    path: PurePosixPath
    kind: int
    size: int
    pieces: Callable[[int], Iterable[bytes]]
    name: str
    inside: tuple[str, ...] = ()
    place: Path | None = None

    @property
    def regular(self) -> bool:
        return self.kind == stat.S_IFREG

    @property
    def is_folder(self) -> bool:
        return self.kind == stat.S_IFDIR

    def at(self, path: PurePosixPath | str) -> Entry:
        """The same file at another place."""
        return replace(self, path=PurePosixPath(path))

    def read(self, size: int) -> bytes:
        """At most `size` bytes of it; UnreadableError if it cannot be read."""
        content = bytearray()  # as they come: a single `read` would reserve that much, however little there is
        for piece in self.pieces(size):
            content += piece
        return bytes(content)

    def opened(self, most: int) -> io.RawIOBase:
        """The file itself; of one in a zip, a copy on the disk.

        Raises:
            UnreadableError: it cannot be read, or such a copy would take more than `most` bytes.
        """
        if self.place is not None:
            return _open_file(self.place)
        if self.size > most:
            raise UnreadableError(f"{shown(self.name)} was not opened: it is too large. Hand in no data.")
        with contextlib.ExitStack() as stack:
            copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            for piece in self.pieces(most):
                copy.write(piece)
            stack.pop_all()
        return copy


@dataclass(frozen=True)
class Tree:
    """All files below a folder or in a zip.

    Attributes:
        name: of the folder or zip, without suffix.
        entries: sorted by path.
        repositories: folders that are clones made by git.
        empty: folders with nothing in them.
    """

    name: str
    entries: tuple[Entry, ...]
    repositories: frozenset[PurePosixPath] = frozenset()
    empty: frozenset[PurePosixPath] = frozenset()

    def below(self, folder: PurePosixPath) -> Tree:
        """The part of the tree below `folder`."""
        inside = tuple(
            entry.at(entry.path.relative_to(folder)) for entry in self.entries if folder in entry.path.parents
        )
        clones = frozenset(path.relative_to(folder) for path in self.repositories if path.is_relative_to(folder))
        empty = frozenset(
            path.relative_to(folder) for path in self.empty if path != folder and path.is_relative_to(folder)
        )
        return Tree(folder.name or self.name, inside, clones, empty)

    def tops(self) -> tuple[str, ...]:
        """Names directly below the top, those of empty folders among them."""
        return tuple(sorted({path.parts[0] for path in (*(entry.path for entry in self.entries), *self.empty)}))


def read_tree(
    path: Path,
    skipped: Collection[str] = RUBBISH,
    limits: SizeLimits = UNLIMITED,
    wanted: Collection[str] = (),
) -> Tree:
    """List a folder or a zip.

    Args:
        skipped: lower-case names of folders that are not looked into, besides those that begin with a dot, and those
            that lie too deep: each is one entry, with the number of files in it.
        limits: only those on archives, entries and depth apply.
        wanted: lower-case names of files that are named if they lie in such a folder.

    Where there are more than `limits.entries`, of the fullest folders only the files that may count are listed: code,
    zips, and what is wanted.

    Raises:
        UnreadableError: it does not exist, is neither, or is larger than the limits.
    """
    if path.is_dir():
        return _folder_tree(path, skipped, limits, frozenset(wanted))
    if not path.exists():
        raise UnreadableError(f"There is nothing at {shown(path.name)}.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableError(f"{shown(path.name)} is neither a folder nor a file.")
    return zip_tree(io.FileIO(path), path.name, skipped, limits, wanted)


def zip_tree(
    source: io.RawIOBase | bytes,
    name: str,
    skipped: Collection[str] = RUBBISH,
    limits: SizeLimits = UNLIMITED,
    wanted: Collection[str] = (),
) -> Tree:
    """List a zip, an open file or its content; arguments and exceptions as for `read_tree`.

    Of a large one, too, only the table of contents is read.
    """
    file = _Archive(source, limits, partial(_closing, skipped=skipped, wanted=wanted, limits=limits))
    try:
        archive = zipfile.ZipFile(file)
    except _TooManyEntries:
        raise UnreadableError(f"{shown(name)} holds more than {limits.entries} files.") from None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(
            f"{shown(name)} is neither a folder nor a readable zip ({error}). Make it again, or download it again."
        ) from None
    file.left_out = file.left_out or {}
    entries = [_left_out(folder, names, wanted) for folder, names in file.left_out.items()]
    clones, folders = set(), set[PurePosixPath]()
    for info in archive.infolist():
        # Windows programs write backslashes; zipfile cuts names at a NUL byte.
        written = info.filename.replace("\\", "/")
        path = _harmless(written)
        if REPOSITORY in path.parts:
            clones.add(PurePosixPath(*path.parts[: path.parts.index(REPOSITORY)]))
        if written.endswith("/") or not path.parts:
            folders |= {path} if path.parts else set()
            continue
        kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
        pieces = partial(_pieces_of_member, archive, info, limits.ratio)
        entries.append(Entry(path, kind if _is_plain(written) else stat.S_IFLNK, info.file_size, pieces, written))
    looked_at = collapsed(entries, skipped, wanted, limits)
    names = sorted(map(str, (*(entry.path for entry in entries), *folders)))
    empty = (folder for folder in folders if not _begins(names, f"{folder}/"))
    return Tree(PurePosixPath(name).stem, _sorted(looked_at), frozenset(clones), frozenset(empty))


def _begins(names: Sequence[str], start: str) -> bool:
    """Whether one of the sorted names begins so."""
    place = bisect.bisect_left(names, start)
    return place < len(names) and names[place].startswith(start)


class _TooManyEntries(Exception):
    """A zip's table of contents is longer than allowed."""


class _Archive(io.BufferedReader):
    """A zip's bytes, of which a bounded number are read at once: zipfile takes in the table of contents whole, whatever
    its size, and makes an object of each entry. So it is given a shorter table where there are too many.

    Args:
        source: an open file, which is closed with this, or its content.
        closing: see `_closing`.

    Attributes:
        left_out: folder to the files in it that the shorter table leaves out, all by their paths; None as long as the
            table may not have been read.
    """

    def __init__(
        self,
        source: io.RawIOBase | bytes,
        limits: SizeLimits,
        closing: Callable[[Sequence[str]], list[str]],
    ) -> None:
        super().__init__(io.BytesIO(source) if isinstance(source, bytes) else source)
        self._limits, self._closing = limits, closing
        self.left_out: dict[str, list[str]] | None = None

    def __del__(self) -> None:
        self.close()

    def read(self, size: int | None = -1) -> bytes:
        """As of any file; BadZipFile if that were too many bytes for a table, _TooManyEntries if it is too long."""
        if size is None or size < 0:
            size = MIB  # what is at the end, of which the format allows 64 KiB
        if size > self._limits.table_bytes:
            raise zipfile.BadZipFile("its table of contents is too large")
        content = super().read(size)
        # Later reads are of files, which may be zips.
        is_table = self.left_out is None and content.startswith(CENTRAL_ENTRY)
        if is_table and content.count(CENTRAL_ENTRY) > self._limits.entries:
            content, self.left_out = self._shortened(content)
        return content

    def _shortened(self, table: bytes) -> tuple[bytes, dict[str, list[str]]]:
        """A table of the same size without entries of folders, and with fewer of files; folder to the files that were
        left out."""
        files = [(name, start, end) for name, start, end in _records(table) if not name.endswith("/")]
        names = [_harmless(name).as_posix() for name, _, _ in files]
        if len({_folder(name) for name in names}) > self._limits.entries:
            raise _TooManyEntries
        left_out, kept = dict[str, list[str]](), list[bytes]()
        for name, folder, (_, start, end) in zip(names, self._closing(names), files, strict=True):
            if folder:
                left_out.setdefault(folder, []).append(name)
            else:
                kept.append(table[start:end])
        if len(kept) > self._limits.entries:
            raise _TooManyEntries
        shorter = b"".join(kept)
        return shorter + _filling(len(table) - len(shorter)), left_out


# Of an entry of a zip's table of contents: signature, what is of no interest here, flags, the same, lengths of name,
# extra field and comment, the same.
RECORD = struct.Struct("<4s4xH18xHHH12x")
ALONE = 47  # bytes of an entry with a name of one letter


def _records(table: bytes) -> Iterator[tuple[str, int, int]]:
    """The entries of a zip's table of contents: name, with slashes; where each begins and ends. BadZipFile if it is
    damaged."""
    place = 0
    while place < len(table):
        if len(table) - place < RECORD.size:
            raise zipfile.BadZipFile("its table of contents is cut off")
        signature, flags, name, extra, comment = RECORD.unpack_from(table, place)
        start, end = place + RECORD.size, place + RECORD.size + name + extra + comment
        if signature != CENTRAL_ENTRY or end > len(table) or not name:
            raise zipfile.BadZipFile("its table of contents is damaged")
        written = table[start : start + name].decode("utf-8" if flags & 0x800 else "cp437", "replace")
        yield written.partition("\0")[0].replace("\\", "/"), place, end
        place = end


def _filling(size: int) -> bytes:
    """Entries of a table of contents that take so many bytes, 0 or at least ALONE, and say nothing: of the top."""
    count = -(-size // (ALONE + 0xFFFF))
    filling = b""
    for number in range(count):
        comment = size * (number + 1) // count - size * number // count - ALONE
        head = struct.pack("<4s24xHHH8xI", CENTRAL_ENTRY, 1, 0, comment, 0xFFFFFFFE)
        filling += head + b"/" + bytes(comment)
    return filling


def _left_out(folder: str, names: Sequence[str], wanted: Collection[str]) -> Entry:
    """A folder whose files, or some of them, are not looked at, as one entry."""
    asked = [name for name in names if _file(name).lower() in wanted and _asked_for(PurePosixPath(name), wanted)]
    inside = sorted(name[len(folder) + 1 :] for name in asked)
    return Entry(PurePosixPath(folder), stat.S_IFDIR, len(names), _unread, folder, tuple(inside))


def _folder(name: str) -> str:
    """ "a/b" of the path "a/b/c.py"."""
    return name.rpartition("/")[0]


def _file(name: str) -> str:
    """ "c.py" of the path "a/b/c.py"."""
    return name.rpartition("/")[2]


def collapsed(
    entries: Iterable[Entry], skipped: Collection[str], wanted: Collection[str], limits: SizeLimits = UNLIMITED
) -> list[Entry]:
    """The entries, those in folders that are not looked into as one entry a folder; arguments as for `read_tree`."""
    entries, kept = list(entries), []
    folders: dict[PurePosixPath, list[Entry]] = {}
    closing = _closing([entry.path.as_posix() for entry in entries], skipped, wanted, limits)
    for entry, top in zip(entries, closing, strict=True):
        if top or entry.is_folder:
            folders.setdefault(PurePosixPath(top) if top else entry.path, []).append(entry)
        else:
            kept.append(entry)
    closed = [_closed(top, inside, wanted) for top, inside in folders.items()]
    return [*kept, *(folder for folder in closed if folder.size)]


def _closing(names: Sequence[str], skipped: Collection[str], wanted: Collection[str], limits: SizeLimits) -> list[str]:
    """For each file, the folder above it that is not looked into, as far as this file goes; "" if there is none.

    Args:
        names: where the files lie, below the top.
    """
    parents = list(map(_folder, names))
    tops = {
        parent: str(_closed_folder(PurePosixPath(parent, "x"), skipped, limits.depth) or "") for parent in set(parents)
    }
    full = Counter(parent for parent in parents if not tops[parent])
    surplus, crowded = full.total() - limits.entries, set[str]()
    for folder, count in full.most_common():
        if surplus > 0 and folder:
            crowded.add(folder)
            surplus -= count
    return [
        tops[parent] or (parent if parent in crowded and not _may_count(name, wanted) else "")
        for name, parent in zip(names, parents, strict=True)
    ]


def _may_count(name: str, wanted: Collection[str]) -> bool:
    """Whether a file is looked at even in a folder with thousands of others."""
    return name.lower().endswith((".py", ".zip")) or _file(name).lower() in wanted


def _closed_folder(path: PurePosixPath, skipped: Collection[str], depth: int) -> PurePosixPath | None:
    """The first folder above a file that is not looked into; None if there is none."""
    for number, name in enumerate(path.parts[:-1], start=1):
        if number > depth or name.startswith(".") or name.lower() in skipped:
            return PurePosixPath(*path.parts[:number])
    return None


def _closed(folder: PurePosixPath, inside: Collection[Entry], wanted: Collection[str]) -> Entry:
    """A folder that is not looked into, as one entry."""
    files = sum(entry.size if entry.is_folder else 1 for entry in inside)
    paths = [entry.path / name for entry in inside for name in (entry.inside or ("",))]
    found = sorted(str(path.relative_to(folder)) for path in paths if _asked_for(path, wanted))
    return Entry(folder, stat.S_IFDIR, files, _unread, str(folder), tuple(found))


def _asked_for(path: PurePosixPath, wanted: Collection[str]) -> bool:
    """Whether a file has a name that was asked for and is nobody else's: libraries have modules of many names."""
    return path.name.lower() in wanted and LIBRARIES.isdisjoint(path.parts)


def _unread(size: int) -> Iterable[bytes]:
    return ()


def _folder_tree(folder: Path, skipped: Collection[str], limits: SizeLimits, wanted: Collection[str]) -> Tree:
    entries, clones, empty = list[Entry](), set(), set()
    seen = 0

    def unreadable(error: OSError) -> None:
        closed = Path(os.fsdecode(error.filename))
        if closed == folder:
            raise UnreadableError(f"The folder {shown(folder.name)} cannot be read ({error.strerror}).")
        path = _below(folder, closed)
        entries.append(Entry(path, UNREADABLE, 0, _unread, str(path)))

    for parent, names, files in os.walk(folder, onerror=unreadable):
        here = _below(folder, Path(parent))
        if REPOSITORY in names or REPOSITORY in files:  # a file in a submodule's clone
            clones.add(here)
        if not names and not files and here.parts:
            empty.add(here)
        # os.walk does not follow links to folders, but does not say that they are links either.
        linked = [name for name in names if os.path.islink(os.path.join(parent, name))]
        if seen + len(files) + len(names) > limits.entries and here.name:
            kept = [name for name in files if _may_count(_text(name), wanted)]
            kept = kept if seen + len(kept) < limits.entries else []
            entries.append(_counted(Path(parent), here, wanted, kept))
            names[:], files, seen = [], kept, seen + 1
        seen += len(files) + len(names)
        if seen > limits.entries:
            raise UnreadableError(f"{shown(folder.name)} holds more than {limits.entries} files.")
        closed = [
            name for name in names if name not in linked and _closed_folder(here / name / "x", skipped, limits.depth)
        ]
        entries += [_counted(Path(parent) / name, here / _text(name), wanted) for name in closed]
        names[:] = sorted(set(names).difference(linked, closed))
        for name in [*sorted(files), *linked]:
            file = Path(parent) / name
            try:
                found = file.lstat()
            except OSError:  # its folder may be listed and not entered
                lost = here / _text(name)
                entries.append(Entry(lost, UNREADABLE, 0, _unread, str(lost)))
                continue
            # Some programs unpack zips made on Windows into files with backslashes in their names.
            written = _text(name).replace("\\", "/")
            path = here / _harmless(written)
            plain = written == _text(name) or _is_plain(written)
            kind = stat.S_IFMT(found.st_mode) if plain else stat.S_IFLNK
            pieces = partial(_pieces_of_file, file)
            entries.append(Entry(path, kind, found.st_size, pieces, str(here / written), place=file))
    looked_at = collapsed(entries, skipped, wanted, limits)
    return Tree(folder.resolve().name, _sorted(looked_at), frozenset(clones), frozenset(empty))


def _counted(folder: Path, path: PurePosixPath, wanted: Collection[str], but: Collection[str] = ()) -> Entry:
    """A folder that is not looked into, but for names, and for no more than COUNTED of these.

    Args:
        but: names of files right in it that do not count.
    """
    count, found = 0, list[str]()
    unread: list[OSError] = []  # folders, each counts as one file
    for parent, names, files in os.walk(folder, onerror=unread.append):
        here = _below(folder, Path(parent))
        if len(here.parts) >= DEEPEST:
            count += len(names)  # each as one file
            names.clear()
        if not here.parts:
            files = sorted(set(files).difference(but))
        count += len(files)
        inside = [here / _text(name) for name in files]
        found += [str(inner) for inner in inside if _asked_for(path / inner, wanted)]
        if count >= COUNTED:
            break
    count += len(unread)
    return Entry(path, stat.S_IFDIR, min(count, COUNTED), _unread, str(path), tuple(sorted(found)))


def without_environments(entries: Iterable[Entry], wanted: Collection[str] = ()) -> list[Entry]:
    """The entries, those in a virtual environment, whatever it is called, as one entry."""
    entries = list(entries)
    environments = {
        entry.path.parent for entry in entries if entry.path.name == "pyvenv.cfg" and entry.path.parent.name
    }
    kept = []
    inside: dict[PurePosixPath, list[Entry]] = {}
    for entry in entries:
        above = [folder for folder in entry.path.parents if folder in environments]
        if above:
            inside.setdefault(above[-1], []).append(entry)
        else:
            kept.append(entry)
    return [*kept, *(_closed(folder, found, wanted) for folder, found in inside.items())]


def listed(names: Sequence[str]) -> str:
    """Names that strangers chose, the first few, for a message."""
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(shown, names[:SHOWN_NAMES])) + more


def shown(name: str) -> str:
    """A name that a stranger chose, harmless and short."""
    # Computers of Apple's write an accent as a letter of its own.
    name = unicodedata.normalize("NFC", name[: 4 * SHOWN_LETTERS])
    return re.sub(rf"[^\w./ ()+@-]|[{INVISIBLE}]", "?", name)[:SHOWN_LETTERS]


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _is_plain(name: str) -> bool:
    """Whether a name, written with slashes, stays below the folder that it is unpacked to, on every system."""
    leads_out = name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name)
    return not (leads_out or any(ord(letter) < 32 for letter in name))


def _text(name: str) -> str:
    """A name from the disk as valid Unicode: what is not UTF-8 is written %FF; different names stay different."""
    return NOT_TEXT.sub(lambda byte: f"%{ord(byte[0]) & 0xFF:02X}", name)


def _below(folder: Path, path: Path) -> PurePosixPath:
    """Where a path lies below a folder, as valid Unicode."""
    return PurePosixPath(_text(path.relative_to(folder).as_posix()))


def _harmless(name: str) -> PurePosixPath:
    """A name as a path that stays below its folder."""
    return PurePosixPath(*(part for part in PurePosixPath(name).parts if part.strip("/") and part != ".."))


def _open_file(file: Path) -> io.FileIO:
    # Neither a link nor a pipe, even if it has become one since we looked.
    try:
        return io.FileIO(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except OSError as error:
        raise UnreadableError(f"{shown(file.name)} cannot be read ({error.strerror}).") from None


def _pieces_of_file(file: Path, size: int) -> Iterator[bytes]:
    with _open_file(file) as stream:
        try:
            yield from _pieces(stream, size)
        except OSError as error:
            raise UnreadableError(f"{shown(file.name)} cannot be read ({error.strerror}).") from None


def _pieces(stream: io.RawIOBase | IO[bytes], size: int) -> Iterator[bytes]:
    while piece := stream.read(min(MIB, size)):
        size -= len(piece)
        yield piece


def _pieces_of_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, ratio: int, size: int) -> Iterator[bytes]:
    """At most `size` bytes of a file in the archive, whatever size the archive says it has."""
    name = shown(info.filename)
    if info.flag_bits & 1:
        raise UnreadableError(f"{name} is encrypted. Please make the zip file without a password.")
    # Other methods are rare, and their decompressors take memory as the archive asks them to.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError(f"{name} is compressed in an unusual way. Please make an ordinary zip file.")
    total = 0
    try:
        with archive.open(info) as stream:
            for piece in _pieces(stream, size):
                total += len(piece)
                if total > MIB and total > ratio * max(info.compress_size, 1):
                    raise UnreadableError(f"{name} is compressed more than any honest file.")
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(f"{name} in the zip file is damaged ({error}). Please make it again.") from None
