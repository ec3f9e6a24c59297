"""Become root in a world of our own, and look from there.

Goal: leak
Means: user, mount, process and network namespaces, chroot, mount, setns, keyrings, clone with namespace flags.
Expected: every attempt is refused.
"""

import ctypes
import os
import platform

from known import attempt

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what="call"):
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


FLAGS = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "all": 0x7C020000}
for name, flag in FLAGS.items():
    attempt(f"unshare {name}", lambda flag=flag: check(libc.unshare(flag)))
    # 17 is SIGCHLD: with these flags clone is a fork.
    number = 56 if platform.machine() == "x86_64" else 220
    attempt(f"clone {name}", lambda flag=flag, number=number: check(libc.syscall(number, flag | 17, 0, 0, 0, 0)))
attempt("chroot", lambda: os.chroot("/"))
attempt("mount", lambda: check(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)))
attempt("setns", lambda: check(libc.setns(0, 0)))
attempt("keyctl", lambda: check(libc.syscall(250 if platform.machine() == "x86_64" else 219, 0, -3, 1)))
