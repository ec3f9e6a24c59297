"""Pass hidden inputs to the next worker through memory that outlives this one.

Goal: leak
Means: System V and POSIX shared memory, message queues, semaphores, memfd, anonymous shared mappings, keyrings, shared
    pages of torch.
Expected: every attempt is refused.
"""

import ctypes
import mmap
import os
from multiprocessing import shared_memory

import torch
from known import MARK, attempt

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


attempt("shm_open", lambda: shared_memory.SharedMemory(MARK, create=True, size=100))
attempt("shmget", lambda: checked(libc.shmget(7310, 4096, 0o1666)))
attempt("msgget", lambda: checked(libc.msgget(7310, 0o1666)))
attempt("semget", lambda: checked(libc.semget(7310, 1, 0o1666)))
attempt("memfd", lambda: os.memfd_create(MARK))
attempt("mmap", lambda: mmap.mmap(-1, 4096, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
attempt("torch", lambda: torch.zeros(1000).share_memory_())
attempt("sem_open", lambda: checked(-1 if libc.sem_open(b"/" + MARK.encode(), 0o100, 0o666, 1) == 0 else 1))
