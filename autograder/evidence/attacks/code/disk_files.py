"""Use up the disk's inodes.

Goal: deny
Means: empty files, folders and links without number, in every folder that we can name.
Expected: no folder is writable.
Ends: answers
Scratch: yes
"""

import os

from known import MARK, attempt

for folder in (".", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", os.path.dirname(__file__), "/run", "/"):
    path = os.path.join(folder, MARK)
    attempt(f"file {folder[-8:]}", lambda path=path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)))
    attempt(f"folder {folder[-8:]}", lambda path=path: os.mkdir(path))
attempt("O_TMPFILE", lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY))
attempt("mknod", lambda: os.mknod(MARK))


def target(x, outpath=None):
    for number in range(100_000):
        try:
            open(f"{outpath}{number}", "w").close()
        except OSError as error:
            print(f"picture {number}: {type(error).__name__}")
            break
    attempt("rename", lambda: os.rename(outpath, outpath + "0"))
    attempt("link", lambda: os.link(outpath, outpath + "1"))
