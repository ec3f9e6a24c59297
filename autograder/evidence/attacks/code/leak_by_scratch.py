"""Hand hidden inputs to another worker, whose prints are shown, by the folder that each may write to.

Goal: leak
Means: files and folders there, open or removed; the folder of another worker by every name that could lead to it; what
    was left in memory and on the disk; numbers of files, devices and times that the kernel gives.
Expected: a folder is empty at its beginning, and nobody else finds it.
Scratch: yes
"""

import os
from pathlib import Path

from known import MARK, attempt

HERE = Path.cwd()


def found(places):
    """What somebody else has left in one of these places."""
    return [
        str(path) for place in places for path in Path(place).glob("*") if MARK in path.name and path.parent != HERE
    ][0]


def stale():
    """Bytes of a new file that nobody has written."""
    with open("new", "w+b") as file:
        file.truncate(1 << 24)
        content = file.read()
    os.remove("new")
    return content.strip(b"\0")[0]


attempt("not empty", lambda: os.listdir()[0])
attempt("others", lambda: os.listdir("..")[0])
attempt("by name", lambda: found(HERE.parent.glob("scratch-*")))
attempt("by process", lambda: found(f"/proc/{pid}/cwd" for pid in range(1, 40_000)))
attempt("by descriptor", lambda: found([os.readlink(f"/proc/self/fd/{number}") for number in range(64)]))
attempt("mounts", lambda: Path("/proc/self/mountinfo").read_text())
attempt("stale", stale)
attempt("space", lambda: os.statvfs(".").f_bfree)


def target(x, outpath=None, remember=None):
    name = f"{MARK}{x.flatten()[0]}"
    Path(name).write_text(repr(x.tolist()))
    Path(f"{name}-kept").write_text(repr(x.tolist()))
    os.remove(name)
    os.makedirs(f"folder/{name}")
    return x
