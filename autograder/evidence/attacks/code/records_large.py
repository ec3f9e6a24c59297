"""More for a callback to remember than a check can take.

Goal: deny
Means: 60 arrays of 1 MiB in bytes, which take eight times as much as the numbers that a check computes with.
Expected: counted as numbers, before they are kept; the check says that it is too much.
Scratch: yes
"""

import torch
from honest_drawing import draw


def target(x, outpath, remember):
    for _ in range(60):
        remember(torch.zeros(1 << 20, dtype=torch.uint8))
    return draw(x, outpath, remember)
