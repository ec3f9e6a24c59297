"""Take memory that counts as a stack.

Goal: deny
Means: mappings that grow downwards, which the limit on data leaves out.
Expected: refused; or counted where it is resident, and the worker is ended.
Ends: answers, crash
"""

import ctypes
import mmap

from known import attempt

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
GROWS_DOWN = 0x0100
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def grow(size):
    place = libc.mmap(None, ctypes.c_size_t(size), 3, PRIVATE | GROWS_DOWN, -1, ctypes.c_long(0))
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    ctypes.memset(place, 1, size)


attempt("grow", lambda: [grow(100 << 20) for _ in range(9)])


def target(x, outpath=None, remember=None):
    return None
