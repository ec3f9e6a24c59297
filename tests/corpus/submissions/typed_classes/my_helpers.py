"""Tools that several of my files share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

LOG_TWO_PI: Final[float] = math.log(2.0 * math.pi)
IMAGE_SIDE: Final[int] = 28
IMAGE_PIXELS: Final[int] = IMAGE_SIDE * IMAGE_SIDE


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mean, diag(variance)); the last dimension is the vector, everything before it is a batch."""

    mean: Tensor
    variance: Tensor

    @classmethod
    def standard_like(cls, template: Tensor) -> DiagonalGaussian:
        return cls(torch.zeros_like(template), torch.ones_like(template))

    @property
    def standard_deviation(self) -> Tensor:
        return self.variance.sqrt()

    def draw(self) -> Tensor:
        return torch.randn_like(self.mean).mul(self.standard_deviation).add(self.mean)

    def log_density(self, point: Tensor) -> Tensor:
        z_score = (point - self.mean) / self.standard_deviation
        return -0.5 * torch.sum(z_score.square() + self.variance.log() + LOG_TWO_PI, dim=-1)


class MultiLayerPerceptron(nn.Module):
    """Linear layers of these widths with an activation after every one but the last."""

    def __init__(self, widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.linears: nn.ModuleList = nn.ModuleList(
            nn.Linear(inputs, outputs) for inputs, outputs in zip(widths[:-1], widths[1:])
        )
        self.activation: nn.Module = activation()

    def forward(self, value: Tensor) -> Tensor:
        *hidden, last = self.linears
        for linear in hidden:
            value = self.activation(linear(value))
        return last(value)


def flat_images(images: Tensor) -> Tensor:
    """(B, ...) to (B, D)."""
    return images.reshape(images.shape[0], -1)


def as_images(flat: Tensor) -> Tensor:
    """(B, 784) to (B, 1, 28, 28)."""
    return flat.reshape(-1, 1, IMAGE_SIDE, IMAGE_SIDE)


def shuffled_batches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Endless minibatches; every epoch has an order of its own."""
    while True:
        order: Tensor = torch.randperm(images.shape[0])
        for start in range(0, images.shape[0], batch_size):
            yield images[order[start : start + batch_size]]
