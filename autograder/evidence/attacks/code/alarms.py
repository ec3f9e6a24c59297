"""Disturb the worker's own code by signals.

Goal: deny
Means: a timer that interrupts it a thousand times a second with an exception.
Expected: an exception at an odd place, or death; the check fails.
Ends: answers, crash, timeout, protocol
"""

import signal


def raise_something(*_):
    raise ZeroDivisionError("alarm")


def target(x, outpath=None):
    while True:
        pass


signal.signal(signal.SIGALRM, raise_something)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
