"""How commands end: their exit statuses, signals that ask them to, and errors of the system in words."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import NoReturn


class Exit(IntEnum):
    """What a command's exit status says."""

    DONE = 0
    FAILED = 1  # something went wrong on our side
    NOTHING = 2  # bad arguments, or nothing to grade
    LEFT_OUT = 3  # graded, but something that was handed in was left out
    INTERRUPTED = 130


# What the machine lacks, in words.
LACKING = {
    errno.ENOSPC: "there is no space left on the disk: free some",
    errno.EDQUOT: "your share of the disk is used up: free some",
    errno.EFBIG: "a file would be larger than this machine allows",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "there is not enough memory",
    errno.EIO: "the disk cannot be read or written",
    errno.EROFS: "the disk cannot be written to",
}
# What is wrong with a path.
UNUSABLE = {
    errno.EISDIR: "is a folder, where a file is needed",
    errno.ENOTDIR: "cannot be used: a part of this path is a file, not a folder",
    errno.EEXIST: "is in the way: a folder is needed there",
    errno.ELOOP: "cannot be used: its symbolic links lead in a circle",
    errno.ENOENT: "does not exist",
    errno.EACCES: "cannot be used: there is no permission",
    errno.EPERM: "cannot be used: there is no permission",
    errno.ENAMETOOLONG: "cannot be used: its name is too long",
}

ORDINARY = (stat.S_IFREG, stat.S_IFDIR)

_asked = threading.Event()


def heed_signals() -> None:
    """From now on, what asks this process to end raises KeyboardInterrupt in it, wherever it was started from.

    A shell has what it starts in the background ignore Ctrl-C; a signal that somebody sends to it on purpose counts.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # `nohup` is meant to keep a process alive when its terminal closes.
        if number is not None and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt


def interrupted() -> bool:
    """Whether a signal has asked this process to end.

    What a signal raises in a callback of the garbage collector, or in a destructor, is lost on the way; and what it
    breaks off may look like an error.
    """
    return _asked.is_set()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if a signal has asked this process to end."""
    if interrupted():
        raise KeyboardInterrupt


def leave(status: int) -> NoReturn:
    """End this process with a status, whatever signals come now that all is written."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Python remembers a KeyboardInterrupt that has passed through exec(), and would end by SIGINT after all. The next
    # exec() makes it forget.
    exec("")
    sys.exit(status)


def is_lack(error: BaseException) -> bool:
    """Whether the machine lacks what we need, such as space on the disk: nobody's mistake."""
    return isinstance(error, OSError) and error.errno in LACKING


def explained(error: Exception, arguments: Sequence[str]) -> tuple[str, Exit] | None:
    """An error of the system as a sentence, and the exit status that fits it; None if it may be our own mistake.

    Args:
        arguments: of the command; what is wrong with a path that they name is a bad argument.
    """
    if isinstance(error, RuntimeError) and "Symlink loop" in str(error):  # Path.resolve before Python 3.13
        return f"{error.args[0].partition(' from ')[2]} {UNUSABLE[errno.ELOOP]}", Exit.NOTHING
    if not isinstance(error, OSError) or (error.filename is None and error.errno not in LACKING):
        return None
    place = "" if error.filename is None else os.fsdecode(error.filename)
    if error.errno in LACKING:
        return f"{LACKING[error.errno]}{f' ({place})' if place else ''}", Exit.FAILED
    said = UNUSABLE.get(error.errno or 0, f"cannot be used: {error.strerror}")
    named = any(_is_about(place, argument) for argument in arguments)
    return f"{place} {said}", Exit.NOTHING if named else Exit.FAILED


def _path_in(argument: str) -> str:
    """The path that an argument may be, also as in --out=PATH."""
    return argument.partition("=")[2] if argument.startswith("-") else argument


def _is_about(place: str, argument: str) -> bool:
    """Whether a path is one that an argument names, or lies above or below it."""
    named = _path_in(argument)
    if not named:
        return False
    first, second = Path(os.path.abspath(place)), Path(os.path.realpath(named))
    others = (second, Path(os.path.abspath(named)))
    return any(first == other or first in other.parents or other in first.parents for other in others)


def pipe_or_device(arguments: Sequence[str]) -> str:
    """The first argument that names one, which might be waited for, or read, without end; "" if none does.

    What a shell makes of `<(command)` ends with the command.
    """
    for argument in arguments:
        path = _path_in(argument)
        with contextlib.suppress(OSError, ValueError):
            odd = not path.startswith("/dev/fd/") and stat.S_IFMT(os.stat(path).st_mode) not in ORDINARY
            if odd:
                return path
    return ""


def leave_output() -> None:
    """Nobody reads our output any more: drop what is left of it, without a word from Python at the end."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
