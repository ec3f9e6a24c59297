"""Take memory that limits may not count.

Goal: deny
Means: shared and private mappings, huge pages, growing the heap, locking pages.
Expected: refused, or counted.
Ends: answers, crash
"""

import ctypes
import mmap
import resource

from known import attempt

SHARED = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")


attempt("shared", lambda: mmap.mmap(-1, 8 << 30, flags=SHARED))
attempt("private", lambda: mmap.mmap(-1, 8 << 30, flags=PRIVATE))
attempt("huge pages", lambda: mmap.mmap(-1, 8 << 30, flags=PRIVATE | 0x40000))
attempt("brk", lambda: checked(-1 if libc.sbrk(ctypes.c_long(8 << 30)) == -1 else 0))
attempt("mlockall", lambda: checked(libc.mlockall(3)))
attempt("raise limit", lambda: resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40)))
attempt("raise address", lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))


def target(x, outpath=None):
    kept = []
    while True:
        kept.append(mmap.mmap(-1, 1 << 20, flags=PRIVATE))
        kept[-1].write(b"x" * (1 << 20))
