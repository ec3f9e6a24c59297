"""Tell another student's worker by which pages of a file lie in memory.

Goal: leak
Means: throwing a file out of memory, reading it ahead, and asking what is there.
Expected: nothing can be thrown out or asked for. (What reading takes can be measured, once a page.)
"""

import ctypes
import mmap
import os
import platform

import torch
from known import attempt

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
PAGE = ctypes.c_size_t(4096)
READAHEAD, PREADV2, CACHESTAT = {"x86_64": (187, 327, 451), "aarch64": (213, 286, 451)}[platform.machine()]
file = os.open(torch.__file__, os.O_RDONLY)
place = ctypes.c_void_p(libc.mmap(None, PAGE, mmap.PROT_READ, mmap.MAP_PRIVATE, file, ctypes.c_long(0)))


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


def read_if_there():
    buffer = ctypes.create_string_buffer(16)
    part = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 16)
    return checked(libc.syscall(PREADV2, file, part, 1, ctypes.c_long(0), ctypes.c_long(0), 8))


attempt("throw out", lambda: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED))
attempt("want", lambda: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED))
attempt("read ahead", lambda: checked(libc.syscall(READAHEAD, file, ctypes.c_long(0), PAGE)))
attempt("ask for a page", lambda: checked(libc.mincore(place, PAGE, ctypes.create_string_buffer(1))))
attempt(
    "ask for a file",
    lambda: checked(libc.syscall(CACHESTAT, file, (ctypes.c_uint64 * 2)(), (ctypes.c_uint64 * 5)(), 0)),
)
attempt("read if it is there", read_if_there)
