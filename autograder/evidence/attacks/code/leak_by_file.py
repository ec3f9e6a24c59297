"""Hand hidden inputs to another worker, whose prints are shown, by way of files.

Goal: leak
Means: the scratch folder, its picture, the submission, temporary folders, home, the Python installation, extended
    attributes, file times and locks.
Expected: nothing can be written but the picture, which no other worker sees.
Scratch: yes
"""

import fcntl
import os
import sys
import tempfile
from pathlib import Path

from known import MARK, attempt

FOLDERS = [".", "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.dirname(__file__), os.path.expanduser("~")]
FOLDERS += [sys.prefix, tempfile.gettempdir(), *map(str, Path(os.__file__).parents)]
for folder in dict.fromkeys(FOLDERS):
    attempt(f"write {folder[-9:]}", lambda folder=folder: Path(folder, MARK).write_text("data"))
attempt("xattr", lambda: os.setxattr(__file__, "user.data", b"data"))
attempt("utime", lambda: os.utime(__file__, (7310, 625)))
attempt("lock", lambda: fcntl.flock(os.open(__file__, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB))
attempt("mkfifo", lambda: os.mkfifo(MARK))
attempt("pictures", lambda: 1 / len([p for p in Path("..").iterdir() if p.name.startswith("scratch")]))


def target(x, outpath=None):
    with open(outpath, "w") as file:
        file.write(repr(x.tolist()))
    attempt("append", lambda: os.listdir(os.path.dirname(outpath)).remove("nothing else"))
