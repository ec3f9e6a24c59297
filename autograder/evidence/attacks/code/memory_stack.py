"""Let the stack of the program take memory.

Goal: deny
Means: lift the stack's own limit, then write far below its present end, which the kernel takes for growth.
Expected: the limit stays; beyond it the worker crashes.
Ends: answers, crash
"""

import ctypes
import resource

from known import attempt

# Writing below the stack at its present limit is a crash, which says nothing: the attack needs the limit lifted.
attempt("lift", lambda: resource.setrlimit(resource.RLIMIT_STACK, (900 << 20, resource.getrlimit(3)[1])))


def target(x, outpath=None, remember=None):
    with open("/proc/self/maps") as maps:
        stack = next(line for line in maps if "[stack]" in line)
    low, high = (int(word, 16) for word in stack.split()[0].split("-"))
    begin = high - (800 << 20)
    ctypes.memset(begin, 1, low - begin)
    raise RuntimeError(f"[stack: DONE {(low - begin) >> 20} MiB]")
