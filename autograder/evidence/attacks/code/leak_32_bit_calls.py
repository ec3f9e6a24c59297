"""Enter the kernel as a 32-bit program, whose calls have other numbers.

Goal: leak
Means: machine code with int 0x80 in executable memory: number 5 is open there, and fstat's number here.
Expected: the filter knows one kind of program; any other is killed.
Ends: crash, answers
"""

import ctypes
import mmap
import platform

from known import attempt

# mov eax, 2 (fork); int 0x80; ret
FORK = bytes([0xB8, 2, 0, 0, 0, 0xCD, 0x80, 0xC3])


def fork():
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    page.write(FORK)
    entry = ctypes.addressof(ctypes.c_char.from_buffer(page))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(entry)()
    if result < 0:
        raise OSError(-result, "fork")
    return result


if platform.machine() == "x86_64":
    attempt("int 0x80", fork)
