"""Task 1: Kullback-Leibler divergences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class UnivariateNormal:
    """A normal distribution, or many of them in one tensor."""

    mean: Tensor
    variance: Tensor

    def divergence_from(self, other: UnivariateNormal) -> Tensor:
        """KL(self || other)."""
        variance_ratio: Tensor = self.variance / other.variance
        squared_shift: Tensor = torch.square(self.mean - other.mean) / other.variance
        return (variance_ratio - torch.log(variance_ratio) + squared_shift - 1.0) / 2.0


def kl_univariate_normal(mu1: Tensor, var1: Tensor, mu2: Tensor, var2: Tensor) -> Tensor:
    """KL(N(mu1, var1) || N(mu2, var2)), elementwise."""
    return UnivariateNormal(mu1, var1).divergence_from(UnivariateNormal(mu2, var2))


def kl_categorical(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) over the last dimension."""
    negative_entropy: Tensor = torch.special.xlogy(p, p).sum(dim=-1)
    cross_entropy: Tensor = -torch.special.xlogy(p, q).sum(dim=-1)
    return cross_entropy + negative_entropy


def triangle_violation() -> tuple[float, float, float]:
    """A detour over the variance in between is cheaper than the direct way."""
    return (9.0, 3.0, 1.0)


__all__: list[str] = ["kl_categorical", "kl_univariate_normal", "triangle_violation"]
