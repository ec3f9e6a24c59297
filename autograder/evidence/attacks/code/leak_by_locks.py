"""Tell another student's worker, at the same time, by locks on files that both may read.

Goal: leak
Means: locks of a process, of a descriptor, of a whole file, leases, notifications, and who is asked for them.
Expected: the kernel is not asked for any.
"""

import fcntl
import os
import struct

import torch
from known import attempt

file = os.open(torch.__file__, os.O_RDONLY)
READ, WRITE = 0, 1


def lock(command, kind=READ):
    return fcntl.fcntl(file, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, 7310, 1, 0))


attempt("hold a lock of the process", lambda: lock(6))
attempt("wait for a lock of the process", lambda: lock(7))
attempt("ask for a lock of a process", lambda: lock(5, WRITE))
attempt("hold a lock of the descriptor", lambda: lock(37))
attempt("wait for a lock of the descriptor", lambda: lock(38))
attempt("ask for a lock of a descriptor", lambda: lock(36, WRITE))
attempt("lockf", lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB))
attempt("flock", lambda: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB))
attempt("lease", lambda: fcntl.fcntl(file, 1024, READ))
attempt("ask for a lease", lambda: fcntl.fcntl(file, 1025))
attempt("notify", lambda: fcntl.fcntl(os.open(os.path.dirname(torch.__file__), os.O_RDONLY), 1026, 1))
attempt("owner", lambda: fcntl.fcntl(file, 8, os.getpid()))
attempt("signal", lambda: fcntl.fcntl(file, 10, 0))
attempt("size of a pipe", lambda: fcntl.fcntl(1, 1031, 1 << 16))
attempt("hint", lambda: fcntl.fcntl(file, 1036, bytes(8)))
attempt("seals", lambda: fcntl.fcntl(file, 1034))
