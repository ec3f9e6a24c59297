"""Let a piece of the stack move to where there is room, and grow there.

Goal: deny
Means: mremap of the stack's lowest page to 400 MiB, twice; what was a stack stays one for the kernel's count.
Expected: counted where it is resident, and the worker is ended.
Ends: answers, crash
"""

import ctypes

from known import attempt

libc = ctypes.CDLL(None, use_errno=True)
libc.mremap.restype = ctypes.c_void_p
MAY_MOVE = 1


def stack():
    with open("/proc/self/maps") as maps:
        return [int(word, 16) for word in next(line for line in maps if "[stack]" in line).split()[0].split("-")]


def grow(size):
    place = libc.mremap(ctypes.c_void_p(stack()[0]), ctypes.c_size_t(4096), ctypes.c_size_t(size), MAY_MOVE)
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mremap")
    ctypes.memset(place, 1, size)


def target(x, outpath=None, remember=None):
    attempt("remap", lambda: [grow(400 << 20) for _ in range(2)])
    return None
