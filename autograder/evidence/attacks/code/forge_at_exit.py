"""Write results.json when nobody looks any more: at exit, when objects die, after a fork.

Goal: forge
Means: atexit, weakref.finalize, __del__, threading's shutdown, os.register_at_fork, a signal handler, gc callbacks.
Expected: the worker is killed, so none of them runs; those that run earlier are refused.
"""

import atexit
import gc
import os
import signal
import threading
import weakref

from known import FORGED, RESULTS, attempt


def write():
    with open(RESULTS, "w") as file:
        file.write(FORGED)


class Last:
    def __del__(self):
        attempt("del", write)


keep = [Last()]
atexit.register(write)
threading._register_atexit(write)
weakref.finalize(keep[0], attempt, "finalize", write)
os.register_at_fork(before=write, after_in_child=write, after_in_parent=write)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU, signal.SIGPIPE):
    signal.signal(number, lambda *_: write())
gc.callbacks.append(lambda *_: attempt("gc", write))
gc.collect()
keep.clear()
