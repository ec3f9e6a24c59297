"""Gaussian mixtures: sampling, log-density, and the entropy by Monte Carlo, in nats."""

import math  # noqa: F401 (for your code)

import torch
from torch import Generator, Tensor


def sample_gmm(
    n: int, weights: Tensor, means: Tensor, covs: Tensor, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Task 2.1: draw n points from a mixture of K Gaussians in d dimensions.

    Args:
        n: number of points.
        weights: (K,), non-negative, summing to one.
        means: (K, d).
        covs: (K, d, d), symmetric positive definite covariance matrices.
        generator: source of ALL the randomness when given; torch's global one otherwise.

    Returns:
        x: (n, d), the points, of the dtype of means.
        component: (n,), int64, the component (0 ... K - 1) that each point came from.

    Hint: the number of points from each component is itself random.
    Hint: if cov = L @ L.T and eps ~ N(0, I), what is the covariance of L @ eps? And of cov @ eps?
    """
    # YOUR CODE HERE (the reference solution has 5 lines here)
    raise NotImplementedError("Task 2.1: sample_gmm, see README section 2.1")


def gmm_log_prob(x: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    """Task 2.2: log-density of a mixture of K Gaussians, log sum_k weights_k N(x; means_k, covs_k).

    Args:
        x: (n, d), points.
        weights: (K,); means: (K, d); covs: (K, d, d), as for `sample_gmm`.

    Returns:
        (n,), in nats.

    Hint: far from every mean each density underflows to zero although its logarithm is an ordinary number.
    """
    # YOUR CODE HERE (the reference solution has 7 lines here)
    raise NotImplementedError("Task 2.2: gmm_log_prob, see README section 2.2")


def gaussian_entropy(cov: Tensor) -> Tensor:
    """Task 2.3: differential entropy of N(mu, cov), whatever mu is.

    Args:
        cov: (d, d), symmetric positive definite.

    Returns:
        0-d tensor, nats. It may be negative: this is not the entropy of a discrete variable.
    """
    # YOUR CODE HERE (the reference solution has 2 lines here)
    raise NotImplementedError("Task 2.3: gaussian_entropy, see README section 2.3")


def mc_entropy_gaussian(n: int, mean: Tensor, cov: Tensor) -> Tensor:
    """Monte-Carlo estimate of the entropy H(p) = -E[log p(x)] of a single Gaussian p = N(mean, cov) (provided).

    Args:
        n: number of points to draw from it.
        mean: (d,).
        cov: (d, d), symmetric positive definite.

    Returns:
        0-d tensor, nats.
    """
    p = torch.distributions.MultivariateNormal(mean, cov)
    return -p.log_prob(p.sample((n,))).mean()


def mc_entropy(x: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    """Task 2.4: Monte-Carlo estimate of the entropy H(p) = -E[log p(x)] of a mixture p.

    Args:
        x: (n, d), points that were drawn from the mixture.
        weights, means, covs: the mixture, as for `gmm_log_prob`.

    Returns:
        0-d tensor, nats: the plug-in estimate from all n points.

    Hint: `mc_entropy_gaussian` does it for a single Gaussian. What changes when p is a mixture?
    """
    # YOUR CODE HERE (the reference solution has 1 line here)
    raise NotImplementedError("Task 2.4: mc_entropy, see README section 2.4")
