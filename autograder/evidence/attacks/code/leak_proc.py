"""Read the grader through /proc.

Goal: leak
Means: environment, command line, memory, maps, descriptors, root and working directory of the grader, of our parents
    and of process 1; our own too.
Expected: every attempt is refused where Landlock is in force; without it, all but what the kernel shows to everybody.
"""

import os

from known import GRADER, attempt


def read(path):
    with open(path, "rb") as file:
        return file.read(200)


for what in ("environ", "cmdline", "mem", "maps", "status", "fd/0", "cwd/results.json", "root/etc/passwd", "stack"):
    attempt(what, lambda what=what: read(f"/proc/{GRADER}/{what}"))
attempt("list fd", lambda: os.listdir(f"/proc/{GRADER}/fd"))
attempt("parent", lambda: read(f"/proc/{os.getppid()}/environ"))
attempt("init", lambda: read("/proc/1/environ"))
attempt("list proc", lambda: os.listdir("/proc"))
attempt("own mem", lambda: os.open("/proc/self/mem", os.O_RDWR))
attempt("own fds", lambda: os.listdir("/proc/self/fd"))
attempt("sysrq", lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY))
