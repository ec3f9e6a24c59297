"""Task 2 with torch.distributions."""

import torch
from torch.distributions import MultivariateNormal

from distribution_tools import GaussianMixture


def sample_gmm(n, weights, means, covs, generator=None):
    return GaussianMixture(weights, means, covs).sample(n, generator)


def gmm_log_prob(x, weights, means, covs):
    return GaussianMixture(weights, means, covs).log_prob(x)


def gaussian_entropy(cov):
    origin = torch.zeros(cov.shape[0], dtype=cov.dtype)
    return MultivariateNormal(origin, scale_tril=torch.linalg.cholesky(cov)).entropy()


def mc_entropy(x, weights, means, covs):
    return gmm_log_prob(x, weights, means, covs).neg().mean()


if __name__ == "__main__":
    mixture = torch.tensor([0.5, 0.5]), torch.tensor([[-3.0], [3.0]]), torch.ones(2, 1, 1)
    points, _ = sample_gmm(10_000, *mixture)
    print("entropy:", mc_entropy(points, *mixture).item(), "about", gaussian_entropy(mixture[2][0]).item() + 0.693)
