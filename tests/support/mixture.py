"""A mixture of Gaussians with full covariances, as what the checks of gmm.py pass around."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixture:
    """A mixture of K Gaussians in d dimensions.

    Attributes:
        weights: (K,); means: (K, d); covs: (K, d, d).
    """

    weights: np.ndarray
    means: np.ndarray
    covs: np.ndarray

    def astype(self, dtype: str) -> "Mixture":
        return Mixture(self.weights.astype(dtype), self.means.astype(dtype), self.covs.astype(dtype))

    @property
    def arguments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.weights, self.means, self.covs
