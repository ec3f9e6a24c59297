"""Take all memory, in one piece.

Goal: deny
Means: a tensor of a terabyte, then many of 64 MiB, written to.
Expected: an exception, or death of the worker.
Ends: answers, crash
"""

import torch
from known import attempt

attempt("1 TiB", lambda: torch.ones(1 << 38))


def target(x, outpath=None):
    return [torch.ones(1 << 24) for _ in range(1000)]
