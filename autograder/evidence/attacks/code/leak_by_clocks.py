"""Tell another student's worker, at the same time, by what the kernel says of any process.

Goal: leak
Means: clocks of others' processor time; session, group, priority, processors and scheduler, which also tell that a
    thread exists; here asked about the grader and about a neighbour.
Expected: answers are about the worker itself only.
"""

import ctypes
import os
import time

from known import GRADER, attempt

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


for name, pid in (("the grader", GRADER), ("init", 1)):
    attempt(f"clock of {name}", lambda pid=pid: time.clock_gettime((~pid << 3) | 2))
    attempt(f"step of the clock of {name}", lambda pid=pid: time.clock_getres((~pid << 3) | 2))
    attempt(f"session of {name}", lambda pid=pid: os.getsid(pid))
    attempt(f"group of {name}", lambda pid=pid: os.getpgid(pid))
    attempt(f"priority of {name}", lambda pid=pid: os.getpriority(os.PRIO_PROCESS, pid))
    attempt(f"processors of {name}", lambda pid=pid: os.sched_getaffinity(pid))
    attempt(f"scheduler of {name}", lambda pid=pid: os.sched_getscheduler(pid))
    attempt(f"parameters of {name}", lambda pid=pid: os.sched_getparam(pid))
    attempt(
        f"interval of {name}", lambda pid=pid: checked(libc.sched_rr_get_interval(pid, ctypes.create_string_buffer(16)))
    )
    attempt(f"limits of {name}", lambda pid=pid: checked(libc.prlimit(pid, 7, None, ctypes.create_string_buffer(16))))
attempt("priority of a user", lambda: os.getpriority(os.PRIO_USER, 0))
attempt(
    "timer on a clock of the grader",
    lambda: checked(libc.timer_create((~GRADER << 3) | 2, None, ctypes.create_string_buffer(8))),
)
