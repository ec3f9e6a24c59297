"""Files of strangers, in a folder or a zip: listed at once, each read only when it is needed, up to a limit.

Nothing is unpacked here, and no link is followed. A name is only ever compared, or shown after `shown` has made it
harmless; a path never leads out of its folder.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

MIB = 1 << 20
CENTRAL_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's table of contents
# Folders that operating systems and tools leave behind, often large; in lower case. Folders that begin with a dot are
# skipped as well.
RUBBISH = frozenset({"__macosx", "__pycache__", "node_modules", "site-packages"})
REPOSITORY = ".git"
SHOWN_NAMES, SHOWN_LETTERS = 5, 80


class UnreadableError(Exception):
    """Files that cannot be read; the message says which, why, and what to do."""


@dataclass(frozen=True)
class SizeLimits:
    """The largest submission that is taken in; `SUBMISSION` has these values."""

    archive_bytes: int = 256 * MIB
    table_bytes: int = 8 * MIB  # an archive's table of contents: names, comments and more
    entries: int = 20_000
    files: int = 200
    depth: int = 8  # folders that a file lies in
    code_bytes: int = 1 * MIB
    model_bytes: int = 32 * MIB
    total_bytes: int = 48 * MIB
    ratio: int = 200  # of a file's size to what it takes in the archive; code compresses to a third


SUBMISSION = SizeLimits()
# For what the instructor has downloaded: a whole class.
UNLIMITED = SizeLimits(sys.maxsize, sys.maxsize, sys.maxsize, depth=sys.maxsize, ratio=sys.maxsize)


@dataclass(frozen=True)
class Entry:
    """A file, a link, or anything else that is not a folder.

    Attributes:
        path: where it lies, below the top.
        kind: stat.S_IFREG or another file type; also stat.S_IFLNK if its name leads out of the folder or zip.
        size: bytes, as the folder or zip says.
        read: returns at most the given number of bytes of it; raises UnreadableError.
        name: as the folder or zip spells it.
    """

    path: PurePosixPath
    kind: int
    size: int
    read: Callable[[int], bytes]
    name: str

    @property
    def regular(self) -> bool:
        return self.kind == stat.S_IFREG

    def at(self, path: PurePosixPath | str) -> Entry:
        """The same file at another place."""
        return replace(self, path=PurePosixPath(path))


@dataclass(frozen=True)
class Tree:
    """All files below a folder or in a zip.

    Attributes:
        name: of the folder or zip, without suffix.
        entries: sorted by path.
        repositories: folders that are clones made by git.
    """

    name: str
    entries: tuple[Entry, ...]
    repositories: frozenset[PurePosixPath] = frozenset()

    def below(self, folder: PurePosixPath) -> Tree:
        """The part of the tree below `folder`."""
        inside = tuple(
            entry.at(entry.path.relative_to(folder)) for entry in self.entries if folder in entry.path.parents
        )
        clones = frozenset(path.relative_to(folder) for path in self.repositories if path.is_relative_to(folder))
        return Tree(folder.name or self.name, inside, clones)

    def tops(self) -> tuple[str, ...]:
        """Names directly below the top."""
        return tuple(sorted({entry.path.parts[0] for entry in self.entries}))


def read_tree(path: Path, skipped: Collection[str] = RUBBISH, limits: SizeLimits = UNLIMITED) -> Tree:
    """List a folder or a zip.

    Args:
        skipped: lower-case names of folders that are skipped, besides those that begin with a dot.
        limits: only those on archives, entries and depth apply.

    Raises:
        UnreadableError: it does not exist, is neither, or is larger than the limits.
    """
    if path.is_dir():
        return _folder_tree(path, skipped, limits)
    if not path.exists():
        raise UnreadableError(f"There is nothing at {shown(path.name)}.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableError(f"{shown(path.name)} is neither a folder nor a file.")
    return zip_tree(path, path.name, skipped, limits)


def zip_tree(
    source: Path | bytes, name: str, skipped: Collection[str] = RUBBISH, limits: SizeLimits = UNLIMITED
) -> Tree:
    """List a zip, a file or its content; arguments and exceptions as for `read_tree`."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.archive_bytes:
        raise UnreadableError(f"{shown(name)} is larger than {limits.archive_bytes // MIB} MiB. Hand in no data.")
    # zipfile makes an object of each entry: count before it does. No entry is smaller than a byte.
    if size > limits.entries and _count(source, CENTRAL_ENTRY) > limits.entries:
        raise UnreadableError(f"{shown(name)} holds more than {limits.entries} files.")
    try:
        archive = zipfile.ZipFile(_Archive(source, limits.table_bytes))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(
            f"{shown(name)} is neither a folder nor a readable zip ({error}). Make it again, or download it again."
        ) from None
    entries, clones = [], set()
    for info in archive.infolist():
        # Windows programs write backslashes; zipfile cuts names at a NUL byte.
        written = info.filename.replace("\\", "/")
        path = _harmless(written)
        if REPOSITORY in path.parts:
            clones.add(PurePosixPath(*path.parts[: path.parts.index(REPOSITORY)]))
        if written.endswith("/") or not 0 <= _depth(path) <= limits.depth or lies_in(path, skipped):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
        read = partial(_read_member, archive, info, limits.ratio)
        entries.append(Entry(path, kind if _is_plain(written) else stat.S_IFLNK, info.file_size, read, written))
    return Tree(PurePosixPath(name).stem, _sorted(entries), frozenset(clones))


class _Archive(io.BufferedReader):
    """A zip's bytes, of which `most` are read at once: zipfile takes in the table of contents whole, whatever its size.

    Args:
        source: a file or its content.
    """

    def __init__(self, source: Path | bytes, most: int) -> None:
        super().__init__(io.BytesIO(source) if isinstance(source, bytes) else io.FileIO(source))
        self._most = most

    def __del__(self) -> None:
        self.close()

    def read(self, size: int | None = -1) -> bytes:
        """As of any file; BadZipFile if that were more than `most` bytes."""
        if size is None or size < 0:
            size = MIB  # what is at the end, of which the format allows 64 KiB
        if size > self._most:
            raise zipfile.BadZipFile("its table of contents is too large")
        return super().read(size)


def _folder_tree(folder: Path, skipped: Collection[str], limits: SizeLimits) -> Tree:
    entries, clones = [], set()
    seen = 0
    for parent, names, files in os.walk(folder):
        here = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        if REPOSITORY in names or REPOSITORY in files:  # a file in a submodule's clone
            clones.add(here)
        names[:] = sorted(name for name in names if not lies_in(here / name / "file", skipped))
        if len(here.parts) >= limits.depth:
            names.clear()
        # os.walk does not follow links to folders, but does not say that they are links either.
        linked = [name for name in names if (Path(parent) / name).is_symlink()]
        seen += len(files) + len(names)
        if seen > limits.entries:
            raise UnreadableError(f"{shown(folder.name)} holds more than {limits.entries} files.")
        for name in [*sorted(files), *linked]:
            file = Path(parent) / name
            found = file.lstat()
            # Some programs unpack zips made on Windows into files with backslashes in their names.
            written = name.replace("\\", "/")
            path = here / _harmless(written)
            if _depth(path) <= limits.depth and not lies_in(path, skipped):
                plain = written == name or _is_plain(written)
                kind = stat.S_IFMT(found.st_mode) if plain else stat.S_IFLNK
                entries.append(Entry(path, kind, found.st_size, partial(_read_file, file), str(here / written)))
    return Tree(folder.resolve().name, _sorted(entries), frozenset(clones))


def without_environments(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that do not lie in a virtual environment, whatever it is called."""
    entries = list(entries)
    environments = {
        entry.path.parent for entry in entries if entry.path.name == "pyvenv.cfg" and entry.path.parent.name
    }
    return [entry for entry in entries if not environments.intersection(entry.path.parents)]


def lies_in(path: PurePosixPath, folders: Collection[str]) -> bool:
    """Whether a file lies, at whatever depth, in a folder with one of these names, or one that begins with a dot."""
    return any(name.startswith(".") or name.lower() in folders for name in path.parts[:-1])


def listed(names: Sequence[str]) -> str:
    """Names that strangers chose, the first few, for a message."""
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(shown, names[:SHOWN_NAMES])) + more


def shown(name: str) -> str:
    """A name that a stranger chose, harmless and short."""
    return re.sub(r"[^\w./ ()+@-]", "?", name)[:SHOWN_LETTERS]


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _depth(path: PurePosixPath) -> int:
    """How many folders a file lies in; -1 for the empty path."""
    return len(path.parts) - 1


def _count(source: Path | bytes, needle: bytes) -> int:
    """How often `needle` occurs in a file or its content."""
    count, tail = 0, b""
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        while chunk := file.read(MIB):
            count += (tail + chunk).count(needle)
            tail = chunk[1 - len(needle) :]
    return count


def _is_plain(name: str) -> bool:
    """Whether a name, written with slashes, stays below the folder that it is unpacked to, on every system."""
    leads_out = name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name)
    return not (leads_out or any(ord(letter) < 32 for letter in name))


def _harmless(name: str) -> PurePosixPath:
    """A name as a path that stays below its folder."""
    return PurePosixPath(*(part for part in PurePosixPath(name).parts if part.strip("/") and part != ".."))


def _read_file(file: Path, size: int) -> bytes:
    # Neither a link nor a pipe, even if it has become one since we looked.
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as stream:
            return _read_some(stream, size)
    except OSError as error:
        raise UnreadableError(f"{shown(file.name)} cannot be read ({error.strerror}).") from None


def _read_some(stream: IO[bytes], size: int) -> bytes:
    """At most `size` bytes, as they come: a single `read` would reserve that much, however little there is."""
    content = bytearray()
    while piece := stream.read(min(MIB, size - len(content))):
        content += piece
    return bytes(content)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, ratio: int, size: int) -> bytes:
    """At most `size` bytes of a file in the archive, whatever size the archive says it has."""
    name = shown(info.filename)
    if info.flag_bits & 1:
        raise UnreadableError(f"{name} is encrypted. Please make the zip file without a password.")
    # Other methods are rare, and their decompressors take memory as the archive asks them to.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError(f"{name} is compressed in an unusual way. Please make an ordinary zip file.")
    try:
        with archive.open(info) as stream:
            content = _read_some(stream, size)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(f"{name} in the zip file is damaged ({error}). Please make it again.") from None
    if len(content) > MIB and len(content) > ratio * max(info.compress_size, 1):
        raise UnreadableError(f"{name} is compressed more than any honest file.")
    return content
