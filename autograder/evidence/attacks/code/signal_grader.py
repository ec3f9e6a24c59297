"""Stop or kill the grader, its helper or everybody.

Goal: deny
Means: SIGSTOP, SIGKILL, SIGTERM, SIGINT and signal 0 by kill, killpg, tgkill, sigqueue, pidfd and fcntl.
Expected: every attempt is refused.
Ends: answers
"""

import ctypes
import fcntl
import os
import signal

from known import GRADER, attempt

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")


for who, pid in (("grader", GRADER), ("parent", os.getppid()), ("group", 0), ("all", -1), ("init", 1)):
    for name in ("SIGSTOP", "SIGKILL"):
        attempt(f"{name[3:]} {who}", lambda pid=pid, name=name: os.kill(pid, getattr(signal, name)))
attempt("killpg", lambda: os.killpg(os.getpgid(GRADER), signal.SIGKILL))
attempt("tgkill", lambda: checked(libc.syscall(234, GRADER, GRADER, 9)))
attempt("sigqueue", lambda: checked(libc.sigqueue(GRADER, 9, 0)))
attempt("pidfd", lambda: signal.pidfd_send_signal(os.pidfd_open(GRADER), 9))
attempt("owner", lambda: fcntl.fcntl(3, fcntl.F_SETOWN, GRADER))
attempt("pdeathsig", lambda: checked(libc.prctl(1, 9, 0, 0, 0)))
