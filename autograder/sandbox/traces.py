"""Where workers have no mounts of their own (layers.own_mounts): keeps files from telling that they were read.

A file's access time tells it to whoever may `stat` the file. Linux, with the usual option "relatime", notes a time only
if the one that is noted is no later than the last change of the file, or a day old. So nothing is noted for a day if
that time lies in the future, where the owner of a file may put it. Anybody else can only read the file first: then
nothing is noted until a day after.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autograder.sandbox.interpreter import cache_folder
from autograder.writing import write_atomically

DAY = 86_400.0
# How long files must keep silent, from now on, and after how long they are looked at again: a walk over all that
# workers may read takes a second or two.
SILENT, AGAIN = DAY / 2, DAY / 4
AHEAD = 2 * DAY


def silence(folders: Sequence[Path]) -> None:
    """Have everything below these folders tell no more that it was read, if that was not done in the last hours."""
    real = sorted({folder.resolve() for folder in folders if folder.exists()})
    folders = [folder for folder in real if not set(folder.parents) & set(real)]
    done = cache_folder() / "silenced"
    key = _key(folders)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if done.read_text(encoding="ascii") == key and 0 <= time.time() - done.stat().st_mtime < AGAIN:
            return
    mounts = _mounts()
    for folder in folders:
        kind, options = _mount_of(folder, mounts)
        if not options & {"noatime", "ro"}:
            # Changing a file of an image would copy it; reading it leaves no trace, nor harm.
            _silence_below(folder, ours=kind != "overlay")
    write_atomically(done, key, mode=0o644)


def tells(found: os.stat_result, now: float) -> bool:
    """Whether reading a file, soon after `now`, will change its access time under "relatime"."""
    return found.st_atime <= max(found.st_mtime, found.st_ctime) or found.st_atime < now - DAY + SILENT


def _silence_below(folder: Path, ours: bool) -> None:
    now = time.time()
    for path in _everything(folder):
        with contextlib.suppress(OSError):  # it was removed, or is not for us, and so for no worker
            found = os.lstat(path)
            if tells(found, now):
                _silence_one(path, found, now, ours)


def _silence_one(path: str, found: os.stat_result, now: float, ours: bool) -> None:
    if ours and os.geteuid() in (0, found.st_uid):
        times = (int((now + AHEAD) * 1e9), found.st_mtime_ns)
        os.utime(path, ns=times, follow_symlinks=False)
    elif stat.S_ISLNK(found.st_mode):
        os.readlink(path)
    elif stat.S_ISDIR(found.st_mode):
        os.listdir(path)
    elif stat.S_ISREG(found.st_mode):
        descriptor = os.open(path, os.O_RDONLY)
        try:  # mapping counts as reading, and waits for no disk; an empty file cannot be mapped
            mmap.mmap(descriptor, 1, prot=mmap.PROT_READ).close() if found.st_size else os.read(descriptor, 1)
        finally:
            os.close(descriptor)


def _everything(folder: Path) -> Iterator[str]:
    """A folder, and the files, folders and links below it, on the same file system or not."""
    yield str(folder)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.join(place, name)


def _key(folders: Iterable[Path]) -> str:
    """Changes when a package is installed."""
    state = [(str(folder), folder.stat().st_mtime_ns) for folder in folders]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def _mounts() -> dict[str, tuple[str, set[str]]]:
    """Folder -> (kind of the file system that is mounted there, options), the one mounted last."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return {place: (kind, set(options.split(","))) for _, place, kind, options, *_ in lines}


def _mount_of(folder: Path, mounts: dict[str, tuple[str, set[str]]]) -> tuple[str, set[str]]:
    places = (str(place) for place in (folder, *folder.parents))
    return next((mounts[place] for place in places if place in mounts), ("", set()))
