"""Task 2: Gaussian mixtures."""

from __future__ import annotations

from functools import cached_property
from typing import Optional

import torch
from torch import Generator, Tensor

from my_helpers import LOG_TWO_PI


class FullGaussians:
    """K Gaussians with full covariance matrices."""

    def __init__(self, means: Tensor, covariances: Tensor) -> None:
        self.means: Tensor = means
        self.covariances: Tensor = covariances

    @cached_property
    def factors(self) -> Tensor:
        """Lower triangular, (K, d, d)."""
        return torch.linalg.cholesky(self.covariances)

    @property
    def dimension(self) -> int:
        return int(self.means.shape[-1])

    def place(self, noise: Tensor, component: Tensor) -> Tensor:
        """Turn standard normal noise (n, d) into points of the given components."""
        chosen: Tensor = self.factors.index_select(0, component)
        return self.means.index_select(0, component) + torch.matmul(chosen, noise.unsqueeze(2)).squeeze(2)

    def log_densities(self, points: Tensor) -> Tensor:
        """(n, K)."""
        columns: list[Tensor] = [self._log_density(points, index) for index in range(self.means.shape[0])]
        return torch.stack(columns, dim=1)

    def _log_density(self, points: Tensor, index: int) -> Tensor:
        factor: Tensor = self.factors[index]
        whitened: Tensor = torch.linalg.solve_triangular(factor, (points - self.means[index]).mT, upper=False)
        mahalanobis: Tensor = torch.linalg.vector_norm(whitened, dim=0).square()
        return -0.5 * (mahalanobis + self.dimension * LOG_TWO_PI) - factor.diagonal().log().sum()


def sample_gmm(
    n: int, weights: Tensor, means: Tensor, covs: Tensor, generator: Optional[Generator] = None
) -> tuple[Tensor, Tensor]:
    gaussians = FullGaussians(means, covs)
    component: Tensor = torch.multinomial(weights, n, replacement=True, generator=generator)
    noise: Tensor = torch.randn((n, gaussians.dimension), dtype=means.dtype, generator=generator)
    return gaussians.place(noise, component), component


def gmm_log_prob(x: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    return torch.logsumexp(FullGaussians(means, covs).log_densities(x) + weights.log(), dim=1)


def gaussian_entropy(cov: Tensor) -> Tensor:
    sign, log_determinant = torch.linalg.slogdet(cov)
    return 0.5 * log_determinant + 0.5 * cov.shape[0] * (1.0 + LOG_TWO_PI)


def mc_entropy(x: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    information: Tensor = -gmm_log_prob(x, weights, means, covs)
    return information.mean()
