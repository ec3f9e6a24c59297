"""Overflow the stacks.

Goal: deny
Means: endless recursion with the limit lifted.
Expected: an exception or a crash of the worker.
Ends: crash, answers, timeout
"""

import sys
import threading

sys.setrecursionlimit(2**31 - 1)
threading.stack_size(1 << 28)


def down(n):
    return down(n + 1) + down(n + 2)


def target(x, outpath=None):
    return down(0)
