"""Temporary files and folders that outlive nobody: what a process that was killed left, the next one deletes.

Each is locked by the process that made it, for as long as that process lives: what is called like one of ours, belongs
to our user and is not locked was left behind. Without such locks (on Windows) nothing of others is deleted.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

LOCKS = os.name != "nt"
OURS = "autograder-"
RANDOM = r"[a-z0-9_]{8}"  # what tempfile puts behind a prefix
FOLDER = re.compile(rf"{OURS}[a-z-]+-{RANDOM}")


@contextlib.contextmanager
def temporary_folder(kind: str, parent: Path | None = None, mode: int = 0o700) -> Iterator[Path]:
    """A new folder, deleted at the end; those that dead processes left beside it are deleted first.

    Args:
        kind: a word for its name, in small letters.
        parent: where it lies; None for the system's place for such folders.
    """
    parent = Path(parent or tempfile.gettempdir()).resolve()
    _delete_left(parent, FOLDER, stat.S_IFDIR)
    made: tuple[int, Path] | None = None
    try:
        made = _locked_new(lambda: Path(tempfile.mkdtemp(prefix=f"{OURS}{kind}-", dir=parent)))
        made[1].chmod(mode)
        yield made[1]
    finally:
        if made is not None:
            delete(made[1])
            _unlock(made[0])


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, also what a stranger has put there to be in the way: folders without
    rights, or thousands of them in each other."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.name != "nt":
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*command, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def temporary_file(parent: Path, name: str) -> Iterator[Path]:
    """A new, empty file of mode 0600, deleted at the end if it is still there; as for folders, dead ones go first.

    Args:
        name: what it is made for; its own name begins with a dot and this.
    """
    prefix = f".{name}.{OURS}"
    _delete_left(parent, re.compile(re.escape(prefix) + RANDOM), stat.S_IFREG)
    made: tuple[int, Path] | None = None
    try:
        made = _locked_new(lambda: _new_file(parent, prefix))
        yield made[1]
    finally:
        if made is not None:
            made[1].unlink(missing_ok=True)
            _unlock(made[0])


def _new_file(parent: Path, prefix: str) -> Path:
    # mkstemp follows no link that somebody may have left there.
    descriptor, path = tempfile.mkstemp(prefix=prefix, dir=parent)
    os.close(descriptor)
    return Path(path)


def _locked_new(make: Callable[[], Path]) -> tuple[int, Path]:
    """(lock, path) of what `make` makes; made anew if somebody took it for left behind before it was locked."""
    while True:
        path = make()
        lock = _lock(path)
        if lock is not None:
            return lock, path


def _lock(path: Path) -> int | None:
    """A lock on a file or folder, which ends with this process; None if another process has it, or it is gone."""
    if not LOCKS:
        return -1
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.lstat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _unlock(lock: int) -> None:
    if lock >= 0:
        os.close(lock)


def _delete_left(parent: Path, name: re.Pattern[str], kind: int) -> None:
    """Delete the files or folders with such names that nobody has locked."""
    if not LOCKS:
        return
    with contextlib.suppress(OSError):  # a folder that cannot be listed keeps what is in it
        for path in [parent / entry for entry in os.listdir(parent) if name.fullmatch(entry)]:
            with contextlib.suppress(OSError):
                found = path.lstat()
                if stat.S_IFMT(found.st_mode) != kind or found.st_uid != os.geteuid():
                    continue
                lock = _lock(path)
                if lock is None:
                    continue
                try:
                    delete(path) if kind == stat.S_IFDIR else path.unlink()
                finally:
                    os.close(lock)
