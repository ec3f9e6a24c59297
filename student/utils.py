"""Densities and sampling for the mixture-of-Gaussians VAE. Only `log_normal_mixture` is yours to write.

Throughout, m is a mean and v is a VARIANCE (not a standard deviation), and every result is in nats.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def sample_gaussian(m: Tensor, v: Tensor) -> Tensor:
    """One reparameterised sample of N(m, diag(v)) for every entry: of the shape of m, differentiable in m and v."""
    return m + v.sqrt() * torch.randn_like(m)


def log_normal(x: Tensor, m: Tensor, v: Tensor, dim: int = -1) -> Tensor:
    """Log-density of N(m, diag(v)) at x, summed over dimension dim (the last one unless you say otherwise).

    Args:
        x, m, v: (..., d), broadcastable.

    Returns:
        (...,), the broadcast shape without dimension dim.
    """
    # Deviations are scaled before they are squared: exact also where the usual expansion of the square would cancel.
    squared_distance = ((x - m) * v.rsqrt()).square().sum(dim)
    return -0.5 * (squared_distance + v.log().sum(dim) + x.shape[dim] * math.log(2 * math.pi))


def log_normal_mixture(z: Tensor, m: Tensor, v: Tensor) -> Tensor:
    """Task 5.1: log-density of a uniform mixture of K diagonal normals at each row of z.

    Every point has a mixture of its own, m and v (B, K, d), or all share one, m and v (1, K, d), as in the GMVAE.

    Args:
        z: (B, d), one point per row.
        m: means, (B, K, d), or (1, K, d) when all points share one mixture.
        v: variances, the shape of m.

    Returns:
        (B,): log of (1/K) sum_k N(z_b; m_bk, diag(v_bk)).

    Hint: which dimension must z gain so that it meets every component? The provided `log_mean_exp` is stable.
    """
    # YOUR CODE HERE (the reference solution has 2 lines here)
    raise NotImplementedError("Task 5.1: log_normal_mixture, see README section 5.1")


def log_sum_exp(x: Tensor, dim: int = 0) -> Tensor:
    """log(sum(exp(x))) over dimension dim, which disappears; stable for entries of any size."""
    return torch.logsumexp(x, dim)


def log_mean_exp(x: Tensor, dim: int) -> Tensor:
    """log(mean(exp(x))) over dimension dim, which disappears; stable for entries of any size."""
    return log_sum_exp(x, dim) - math.log(x.shape[dim])


def gaussian_parameters(h: Tensor, dim: int = -1) -> tuple[Tensor, Tensor]:
    """Split h in two halves along dim: a mean, and a variance made positive by softplus(.) + 1e-8."""
    m, pre_v = h.chunk(2, dim=dim)
    return m, F.softplus(pre_v) + 1e-8


def log_bernoulli_with_logits(x: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of binary x under independent Bernoulli pixels with given logits, summed over the last dim."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def duplicate(x: Tensor, rep: int) -> Tensor:
    """Stack rep copies of the batch x, (B, ...), one after the other: (rep * B, ...)."""
    return x.repeat(rep, *[1] * (x.ndim - 1))
