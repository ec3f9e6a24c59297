"""Never return from C, where no Python signal handler runs.

Goal: deny
Means: a regular expression that backtracks for ever.
Expected: the deadline is the grader's; the worker is killed.
Ends: timeout
"""

import re


def target(x, outpath=None):
    return re.match(r"(a+)+$", "a" * 64 + "b")
