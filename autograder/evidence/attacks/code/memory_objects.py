"""Take all memory, in small pieces.

Goal: deny
Means: lists and strings without end.
Expected: MemoryError or death of the worker.
Ends: answers, crash, timeout
"""


def target(x, outpath=None):
    kept = []
    while True:
        kept.append([bytes(1 << 16) for _ in range(100)])
