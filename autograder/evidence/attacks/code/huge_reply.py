"""Make the grader take more memory than it has.

Goal: deny
Means: a tensor of 2**40 elements that shares one number, arrays beyond the frame's size, 100,000 of them.
Expected: an error in the worker, where the frame is made.
Ends: answers, crash
"""

import itertools

import torch

turn = itertools.cycle(
    [
        lambda: torch.zeros(1).expand(1 << 40),
        lambda: torch.zeros(1).expand(1 << 25),
        lambda: [torch.zeros(1)] * 100_000,
        lambda: torch.zeros(0, 1 << 62),
        lambda: torch.zeros([1] * 64),
        lambda: "x" * (1 << 26),
        lambda: list(range(10**6)),
    ]
)


def target(x, outpath=None):
    return next(turn)()
