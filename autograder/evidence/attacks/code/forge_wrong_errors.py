"""Turn failures into something that is not counted: skips, expected failures, interrupts of the test run.

Goal: forge
Means: exceptions named like pytest's and the tests' own; a reply whose error is not text.
Expected: each is an exception of the submission, hence a failed check.
"""

import itertools

turn = itertools.count()
NAMES = ("Skipped", "XFailed", "Exit", "Failed", "CheckFailed", "Lost", "KeyboardInterrupt", "UsageError")


def target(x, outpath=None):
    name = NAMES[next(turn) % len(NAMES)]
    raise type(name, (Exception,), {"__str__": lambda self: "passed", "__module__": "_pytest.outcomes"})()
