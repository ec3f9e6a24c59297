"""Hand hidden inputs to another worker, whose prints are shown, by way of files.

Goal: leak
Means: the submission, temporary folders, the Python installation, extended attributes, file times and locks.
Expected: nothing can be written there.
Scratch: yes
"""

import fcntl
import os
import sys
from pathlib import Path

from known import MARK, attempt

FOLDERS = ["..", "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.dirname(__file__)]
FOLDERS += [sys.prefix, *map(str, Path(os.__file__).parents)]


def changed(path, change):
    """What `stat` says of a file after a change, if it is not what it said before."""
    before = os.stat(path)
    change(path)
    assert os.stat(path) != before
    return os.stat(path)


for folder in dict.fromkeys(FOLDERS):
    attempt(f"write {folder[-9:]}", lambda folder=folder: Path(folder, MARK).write_text("data"))
attempt("xattr", lambda: os.setxattr(__file__, "user.data", b"data"))
attempt("utime", lambda: changed(__file__, lambda path: os.utime(path, (7310, 625))))
attempt("chmod", lambda: changed(__file__, lambda path: os.chmod(path, 0o606)))
attempt("lock", lambda: fcntl.flock(os.open(__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB))
attempt("mkfifo", lambda: os.mkfifo(MARK))
attempt("pictures", lambda: 1 / len([p for p in Path("..").iterdir() if p.name.startswith("scratch")]))


def target(x, outpath=None, remember=None):
    with open(outpath, "w") as file:
        file.write(repr(x.tolist()))
    attempt("append", lambda: os.listdir(os.path.dirname(outpath)).remove("nothing else"))
