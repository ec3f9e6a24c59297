"""Use up the disk's inodes.

Goal: deny
Means: empty files, folders and links without number, in every folder that we can name; in our own one folders in each
    other, too deep for a path, without rights to list or enter them.
Expected: only our own folder is writable, and holds a bounded number of files.
Ends: answers, flood
Scratch: yes
"""

import os
import time

from known import MARK, attempt

for folder in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", os.path.dirname(__file__), "/run", "/", ".."):
    path = os.path.join(folder, MARK)
    attempt(f"file {folder[-8:]}", lambda path=path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)))
    attempt(f"folder {folder[-8:]}", lambda path=path: os.mkdir(path))
attempt("O_TMPFILE", lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY))
attempt("mknod", lambda: os.mknod(MARK))
attempt("move out", lambda: (os.mkdir(MARK), os.rename(MARK, f"../{MARK}")))


def deeper():
    for number in range(20_000):
        os.mkdir("deep", 0o300 if number % 50 == 9 else 0o700)
        os.chdir("deep")
    time.sleep(1)


def target(x, outpath=None, remember=None):
    home = os.getcwd()
    attempt("deeper", deeper)
    os.chdir(home)
    for number in range(100_000):
        try:
            open(f"{outpath}{number}", "w").close()
        except OSError as error:
            print(f"picture {number}: {type(error).__name__}")
            break
    attempt("link", lambda: os.link(outpath, outpath + "1"))
