"""Keep the worker busy with bookkeeping.

Goal: deny
Means: ten million objects that must be kept for us.
Expected: the worker's own memory and time are limited.
Ends: answers, crash, timeout
"""


def target(x, outpath=None):
    return [object() for _ in range(10_000_000)]
