"""Writes files whole: a reader finds either the old file or the new one, whatever crashes."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder import scratch


class WriteError(OSError):
    """A file could not be written; `filename` says which, and the old one, if there was one, is still there."""


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder of ours that nobody reads yet, each with the folders that it is in.

    Args:
        files: relative path to content; text is written in UTF-8 as it is.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def write_atomically(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Write a file so that, even after a crash, there is either the old one or the new one.

    Args:
        content: bytes, or text to be written in UTF-8 as it is.
        mode: permissions; by default nobody else may read it, least of all the graded code's user.

    Raises:
        WriteError: it cannot be written, or what lies there is neither a file nor a link.
    """
    write_together({path: content}, mode)


def write_together(files: Mapping[Path, str | bytes | None], mode: int = 0o600) -> None:
    """Write several files as `write_atomically` does, none before there is room for all of them.

    Whatever crashes, those in front are new and those behind are old. So the last one should say what the others are.

    Args:
        files: None for one to delete.

    Raises:
        WriteError: as `write_atomically`; if the disk is full, nothing has changed.
    """
    place = Path()
    try:
        with contextlib.ExitStack() as stack:
            ready: list[tuple[Path, Path | None]] = []
            for place, content in files.items():
                _refuse_odd(place)
                if content is not None:
                    text = content.encode() if isinstance(content, str) else content
                    ready.append((place, stack.enter_context(_beside(place, text, mode))))
                else:
                    ready.append((place, None))
            for place, temporary in ready:
                if temporary is None:
                    place.unlink(missing_ok=True)
                else:
                    temporary.replace(place)
            for folder in {path.parent for path in files}:
                _sync(folder)
    except OSError as error:
        raise WriteError(error.errno, error.strerror, str(place)) from None


def make_place(path: Path) -> None:
    """Make the folder that a file is to be written to: long before it is, so that nothing is done in vain.

    Raises:
        OSError: it cannot be made, or what lies in the file's place is neither a file nor a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_odd(path)


@contextlib.contextmanager
def _beside(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """A file with the content, beside the one that it will replace; deleted at the end if it has not."""
    with scratch.temporary_file(path.parent, path.name) as temporary:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        yield temporary


def _sync(folder: Path) -> None:
    if os.name != "nt":  # Windows cannot open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refuse_odd(path: Path) -> None:
    """To replace a file is to delete what was there: never a device such as /dev/null, nor a folder."""
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if kind not in (stat.S_IFREG, stat.S_IFLNK):
        raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
