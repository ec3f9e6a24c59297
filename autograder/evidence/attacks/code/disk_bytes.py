"""Fill the disk by one file.

Goal: deny
Means: writing to the picture for ever, then through every other way to make it longer.
Expected: the file's size is limited, and without a file system of its own the sum of both.
Ends: answers, flood, crash
Scratch: yes
"""

import os

from known import attempt


def fill(path):
    with open(path, "wb") as file:
        while True:
            file.write(bytes(1 << 20))


def target(x, outpath=None, remember=None):
    attempt("write", lambda: fill(outpath))
    attempt("truncate", lambda: os.truncate(outpath, 1 << 40))
    descriptor = os.open(outpath, os.O_WRONLY)
    attempt("ftruncate", lambda: os.ftruncate(descriptor, 1 << 40))
    attempt("fallocate", lambda: os.posix_fallocate(descriptor, 0, 1 << 40))
    attempt("far end", lambda: os.pwrite(descriptor, b"x", 1 << 40))
    attempt("second file", lambda: fill(outpath + "2"))
