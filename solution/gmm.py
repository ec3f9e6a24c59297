"""Gaussian mixtures: sampling, log-density, and the entropy by Monte Carlo, in nats."""

import math  # noqa: F401 (for your code)

import torch
from torch import Generator, Tensor


def sample_gmm(
    n: int, weights: Tensor, means: Tensor, covs: Tensor, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Task {{task:sample_gmm}}: draw n points from a mixture of K Gaussians in d dimensions.

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
    # BEGIN SOLUTION
    component = torch.multinomial(weights, n, replacement=True, generator=generator)
    eps = torch.randn(n, means.shape[1], generator=generator, dtype=means.dtype, device=means.device)
    scale_tril = torch.linalg.cholesky(covs)  # (K, d, d)
    x = means[component] + torch.einsum("nij,nj->ni", scale_tril[component], eps)
    return x, component
    # END SOLUTION


def gmm_log_prob(x: Tensor, weights: Tensor, means: Tensor, covs: Tensor) -> Tensor:
    """Task {{task:gmm_log_prob}}: log-density of a mixture of K Gaussians, log sum_k weights_k N(x; means_k, covs_k).

    Args:
        x: (n, d), points.
        weights: (K,); means: (K, d); covs: (K, d, d), as for `sample_gmm`.

    Returns:
        (n,), in nats.

    Hint: far from every mean each density underflows to zero although its logarithm is an ordinary number.
    """
    # BEGIN SOLUTION
    scale_tril = torch.linalg.cholesky(covs)  # (K, d, d)
    centred = (x.unsqueeze(0) - means.unsqueeze(1)).mT  # (K, d, n)
    whitened = torch.linalg.solve_triangular(scale_tril, centred, upper=False)
    half_log_det = scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # (K,)
    log_norm = half_log_det + 0.5 * x.shape[1] * math.log(2 * math.pi)
    log_component = -0.5 * whitened.square().sum(dim=1) - log_norm.unsqueeze(1)  # (K, n)
    return torch.logsumexp(weights.log().unsqueeze(1) + log_component, dim=0)
    # END SOLUTION


def gaussian_entropy(cov: Tensor) -> Tensor:
    """Task {{task:gaussian_entropy}}: differential entropy of N(mu, cov), whatever mu is.

    Args:
        cov: (d, d), symmetric positive definite.

    Returns:
        0-d tensor, nats. It may be negative: this is not the entropy of a discrete variable.
    """
    # BEGIN SOLUTION
    d = cov.shape[-1]
    return 0.5 * (d * (1 + math.log(2 * math.pi)) + torch.linalg.slogdet(cov).logabsdet)
    # END SOLUTION


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
    """Task {{task:mc_entropy}}: Monte-Carlo estimate of the entropy H(p) = -E[log p(x)] of a mixture p.

    Args:
        x: (n, d), points that were drawn from the mixture.
        weights, means, covs: the mixture, as for `gmm_log_prob`.

    Returns:
        0-d tensor, nats: the plug-in estimate from all n points.

    Hint: `mc_entropy_gaussian` does it for a single Gaussian. What changes when p is a mixture?
    """
    # BEGIN SOLUTION
    return -gmm_log_prob(x, weights, means, covs).mean()
    # END SOLUTION
