"""Run our code inside every line of the worker's.

Goal: deny
Means: sys.settrace, sys.setprofile, audit hooks, a patched frame of the executor's loop.
Expected: it is our own process that we disturb.
Ends: answers, crash, protocol
"""

import sys

steps = 0


def trace(frame, event, argument):
    global steps
    steps += 1
    frame.f_trace_lines = True
    if steps > 1000:
        sys.settrace(None)
        raise MemoryError("traced")
    return trace


print("tracing")
sys.addaudithook(lambda name, arguments: None)
frame = sys._getframe()
while frame:
    frame.f_trace = trace
    frame = frame.f_back
sys.settrace(trace)
sys.setprofile(lambda *a: None)
