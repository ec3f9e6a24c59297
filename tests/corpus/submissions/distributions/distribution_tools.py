"""torch.distributions, put together for this homework."""

from dataclasses import dataclass, field

import torch
from torch.distributions import Distribution, MultivariateNormal


@dataclass
class GaussianMixture:
    """A mixture of K Gaussians with full covariances."""

    weights: torch.Tensor
    means: torch.Tensor
    covs: torch.Tensor
    components: Distribution = field(init=False, repr=False)

    def __post_init__(self):
        self.components = MultivariateNormal(self.means, covariance_matrix=self.covs)

    def sample(self, n, generator=None):
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[-1], generator=generator, dtype=self.means.dtype)
        scaled = torch.einsum("nij,nj->ni", self.components.scale_tril[chosen], noise)
        return scaled + self.components.loc[chosen], chosen

    def log_prob(self, x):
        joint = self.components.log_prob(x[:, None]) + self.weights.log()
        return joint.logsumexp(-1)
