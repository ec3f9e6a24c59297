"""End the process in a thread, between two calls.

Goal: deny
Means: os._exit a moment later.
Expected: noticed at the next call.
Ends: crash, answers
"""

import os
import threading


def target(x, outpath=None):
    threading.Timer(0.02, os._exit, [0]).start()
    return x
