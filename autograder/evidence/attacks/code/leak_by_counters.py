"""Tell another student's worker by what the kernel counts for all.

Goal: leak
Means: numbers of new inodes, of processes, load, free memory and space, timers and pending signals of a user; each can
    be moved by one worker and read by another.
Expected: none of them can be read.
"""

import ctypes
import os
from pathlib import Path

from known import attempt

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "call")
    return result


attempt("inode of a pipe", lambda: os.fstat(os.pipe()[0]).st_ino)
attempt("sysinfo", lambda: checked(libc.sysinfo(ctypes.create_string_buffer(256))))
attempt("load", lambda: 1 / sum(os.getloadavg()))
for name in ("meminfo", "loadavg", "stat", "vmstat", "locks", "sys/fs/file-nr", "sys/kernel/ns_last_pid", "self/stat"):
    attempt(name, lambda name=name: Path("/proc", name).read_text())
for folder in ("/", "/tmp", "/dev/shm", os.getcwd()):
    attempt(f"space of {folder[-9:]}", lambda folder=folder: os.statvfs(folder).f_bfree)
attempt("space behind a descriptor", lambda: os.fstatvfs(0).f_bfree)
attempt("timer", lambda: checked(libc.timer_create(1, None, ctypes.create_string_buffer(8))))
attempt("watch", lambda: checked(libc.inotify_init1(0)))
attempt("key", lambda: checked(libc.syscall(248, b"user", b"name", b"data", 4, -3)))
attempt("lock memory", lambda: checked(libc.mlock(ctypes.create_string_buffer(4096), 4096)))
