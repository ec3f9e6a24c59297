"""Reach the kernel by entrances that a filter may have forgotten.

Goal: leak
Means: x32 numbers of system calls, new calls (openat2, clone3, io_uring, landlock, mount_setattr), old calls.
Expected: the filter lists what is allowed, so all of them are refused; a wrong entrance is deadly.
Ends: crash, answers
"""

import ctypes
import platform

from known import HIDDEN, attempt

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


how = (ctypes.c_uint64 * 3)(0, 0, 0)
NEW = {"openat2": 437, "clone3": 435, "io_uring": 425, "open_tree": 428, "fsopen": 430, "setattr": 442}
OLD = {"uselib": 134, "_sysctl": 156, "afs": 183, "modify_ldt": 154, "kexec": 246, "syslog": 103}
for name, number in NEW.items():
    attempt(name, lambda number=number: call(number, -100, HIDDEN.encode(), ctypes.byref(how), 24, 0, 0))
for name, number in OLD.items():
    if platform.machine() == "x86_64":
        attempt(name, lambda number=number: call(number, 3, 0, 0))
if platform.machine() == "x86_64":
    attempt("x32 open", lambda: call(0x40000000 | 2, HIDDEN.encode(), 0, 0))
