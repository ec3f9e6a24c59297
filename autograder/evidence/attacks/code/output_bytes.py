"""Print byte by byte, so that the grader wakes up for each.

Goal: deny
Means: a thread writes single bytes to standard output as fast as it can, for as long as a call may last.
Expected: the grader reads what has gathered, now and then; the call misses its deadline.
Ends: timeout, flood
"""

import os


def target(x, outpath=None, remember=None):
    while True:
        os.write(1, b".")
