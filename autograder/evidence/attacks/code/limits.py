"""Lift our limits, or lower those of others.

Goal: deny
Means: setrlimit upwards, prlimit at the grader and the parent, nice, scheduler, affinity, the out-of-memory score.
Expected: every attempt is refused.
Ends: answers
"""

import os
import resource

from known import GRADER, attempt

for name in ("CPU", "FSIZE", "NOFILE", "AS", "DATA", "CORE"):
    number = getattr(resource, f"RLIMIT_{name}")
    attempt(name, lambda number=number: resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
for who, pid in (("grader", GRADER), ("parent", os.getppid())):
    attempt(f"cpu of {who}", lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0)))
    attempt(f"nice of {who}", lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19))
    attempt(f"cores of {who}", lambda pid=pid: os.sched_setaffinity(pid, {0}))
attempt("nice", lambda: os.nice(-10))
attempt("realtime", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
attempt("oom", lambda: os.open("/proc/self/oom_score_adj", os.O_WRONLY))
attempt("setparam", lambda: os.sched_setparam(0, os.sched_param(1)))
