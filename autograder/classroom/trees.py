"""The files of an export, whether it is a folder or a zip: listed at once, each read only when it is needed.

Nothing is unpacked to disk here. Names and contents may come from strangers: a name is only ever compared, and a
content read up to a limit.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Rubbish of operating systems and tools, often large; no student and no submission is called like this.
SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}
REPOSITORY = ".git"


class UnreadableError(Exception):
    """Files that cannot be read; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Entry:
    """A file of an export.

    Attributes:
        path: where it lies, below the export's top.
        kind: stat.S_IFREG, or what else it is (a link, a pipe).
        size: bytes.
        read: gives at most so many bytes of it; raises UnreadableError.
    """

    path: PurePosixPath
    kind: int
    size: int
    read: Callable[[int], bytes]

    @property
    def regular(self) -> bool:
        return self.kind == stat.S_IFREG

    def below(self, folder: PurePosixPath) -> Entry:
        """The same file, its path counted from `folder`."""
        return Entry(self.path.relative_to(folder), self.kind, self.size, self.read)

    def at(self, path: PurePosixPath | str) -> Entry:
        """The same file at another place."""
        return Entry(PurePosixPath(path), self.kind, self.size, self.read)


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
        inside = tuple(entry.below(folder) for entry in self.entries if folder in entry.path.parents)
        clones = frozenset(path.relative_to(folder) for path in self.repositories if path.is_relative_to(folder))
        return Tree(folder.name or self.name, inside, clones)

    def tops(self) -> tuple[str, ...]:
        """Names directly below the top."""
        return tuple(sorted({entry.path.parts[0] for entry in self.entries}))


def read_tree(path: Path) -> Tree:
    """List a folder or a zip.

    Raises:
        UnreadableError: it does not exist, or is neither.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise UnreadableError(f"there is nothing at {path}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(f"{path} is neither a folder nor a readable zip ({error}); download it again") from None
    return zip_tree(archive, path.stem)


def zip_tree(archive: zipfile.ZipFile, name: str) -> Tree:
    """The files of an open zip; it has to stay open as long as they are to be read."""
    entries, clones = [], set()
    for info in archive.infolist():
        path = PurePosixPath(info.filename.replace("\\", "/"))
        parts = path.parts
        if REPOSITORY in parts:
            clones.add(PurePosixPath(*parts[: parts.index(REPOSITORY)]))
        if info.is_dir() or not _wanted(parts[:-1]):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
        # A path that leads out of the zip is nobody's file: intake reports it, if it is a submission's.
        if path.is_absolute() or ".." in parts:
            kind = stat.S_IFLNK
            path = PurePosixPath(*(part for part in parts if part not in ("/", "..")))
        if path.parts:
            entries.append(Entry(path, kind, info.file_size, _member_reader(archive, info)))
    return Tree(name, _sorted(entries), frozenset(clones))


def open_zip(content: bytes) -> zipfile.ZipFile | None:
    """A zip in memory; None if it is none."""
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def _read_folder(folder: Path) -> Tree:
    entries, clones = [], set()
    for parent, names, files in os.walk(folder):
        relative = PurePosixPath(Path(parent).relative_to(folder).as_posix())
        if REPOSITORY in names or REPOSITORY in files:  # a file in a submodule's clone
            clones.add(relative)
        if relative.parts and "pyvenv.cfg" in files:  # a virtual environment
            names.clear()
            continue
        names[:] = sorted(name for name in names if _wanted((name,)))
        linked = [name for name in names if (Path(parent) / name).is_symlink()]
        for name in [*sorted(files), *linked]:
            path = Path(parent) / name
            found = path.lstat()
            entries.append(Entry(relative / name, stat.S_IFMT(found.st_mode), found.st_size, _file_reader(path)))
    return Tree(folder.resolve().name, _sorted(entries), frozenset(clones))


def _wanted(folders: Iterable[str]) -> bool:
    return not any(name.startswith(".") or name in SKIPPED_FOLDERS for name in folders)


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _file_reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        try:
            # Neither a link nor a pipe, even if it has become one since it was listed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                return file.read(limit)
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read ({error.strerror})") from None

    return read


def _member_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        if info.flag_bits & 1:
            raise UnreadableError(f"{info.filename!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableError(f"{info.filename!r} is compressed in an unusual way")
        try:
            with archive.open(info) as file:
                return file.read(limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise UnreadableError(f"{info.filename!r} is damaged ({error})") from None

    return read
