"""The points to fit, made on the spot (provided)."""

import torch
from torch import Tensor


def noisy_points(n: int = 200) -> tuple[Tensor, Tensor]:
    """x between -1 and 1, and y = 3 x - 1 with normal noise of standard deviation 0.1."""
    generator = torch.Generator().manual_seed(0)
    x = torch.linspace(-1, 1, n)
    return x, 3 * x - 1 + 0.1 * torch.randn(n, generator=generator)
