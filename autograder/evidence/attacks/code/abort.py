"""Crash the interpreter, leaving a core dump.

Goal: deny
Means: os.abort in a call, with the core limit raised.
Expected: a crash of this task; the limit stays, no core is written.
Ends: crash
"""

import os
import resource

from known import attempt

attempt("core limit", lambda: resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30)))


def target(x, outpath=None):
    os.abort()
