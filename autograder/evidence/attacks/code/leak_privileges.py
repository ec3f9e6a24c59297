"""Become somebody else.

Goal: leak
Means: set user and group ids, supplementary groups, capabilities, personality; run setuid programs.
Expected: every attempt is refused.
"""

import ctypes
import os
import subprocess

from known import attempt

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")


attempt("setuid", lambda: os.setuid(0))
attempt("seteuid", lambda: os.seteuid(0))
attempt("setresuid", lambda: os.setresuid(0, 0, 0))
attempt("setreuid", lambda: os.setreuid(-1, 0))
attempt("setgid", lambda: os.setgid(0))
attempt("setgroups", lambda: os.setgroups([0]))
attempt("initgroups", lambda: os.initgroups("root", 0))
version, everything = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
attempt("capset", lambda: checked(libc.capset(ctypes.byref(version), ctypes.byref(everything))))
attempt("dumpable", lambda: checked(libc.prctl(4, 1, 0, 0, 0)))
attempt("keep caps", lambda: checked(libc.prctl(8, 1, 0, 0, 0)))
attempt("sudo", lambda: subprocess.run(["sudo", "-n", "true"]))
attempt("su", lambda: subprocess.run(["/bin/su", "-c", "true"]))
