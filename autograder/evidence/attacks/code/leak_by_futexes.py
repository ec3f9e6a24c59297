"""Tell another student's worker, at the same time, by waiting in a page of a file that both map.

Goal: leak
Means: futexes without the flag "private" are known by file and place; who wakes is told how many waited.
Expected: nobody can be found waiting.
"""

import ctypes
import errno
import mmap
import os
import platform

import torch
from known import attempt

FUTEX, WAITV = {"x86_64": (202, 449), "aarch64": (98, 449)}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
SOON = (ctypes.c_long * 2)(0, 10**7)


def page(flag):
    descriptor = os.open(torch.__file__, os.O_RDONLY)
    return libc.mmap(None, ctypes.c_size_t(4096), mmap.PROT_READ, flag, descriptor, ctypes.c_long(0))


def wait(operation, flag):
    """Wait for a moment; it was possible if nobody woke us."""
    place = page(flag)
    word = ctypes.c_uint.from_address(place)
    libc.syscall(FUTEX, ctypes.c_void_p(place), operation, word, SOON, None, -1)
    if ctypes.get_errno() != errno.ETIMEDOUT:
        raise OSError(ctypes.get_errno(), "futex")


def wait_for_many():
    place = page(mmap.MAP_SHARED)
    waiter = (ctypes.c_uint64 * 3)(ctypes.c_uint.from_address(place).value, place, 2)
    libc.syscall(WAITV, waiter, 1, 0, SOON, 0)
    if ctypes.get_errno() != errno.ETIMEDOUT:
        raise OSError(ctypes.get_errno(), "futex_waitv")


for name, flag in (("shared", mmap.MAP_SHARED), ("private", mmap.MAP_PRIVATE)):
    attempt(f"wait in a {name} page", lambda flag=flag: wait(0, flag))
    attempt(f"wait in a {name} page, bits", lambda flag=flag: wait(9, flag))
    attempt(f"wait in a {name} page, clock", lambda flag=flag: wait(0x100, flag))
attempt("wait for many", wait_for_many)
