"""Densities and sampling for the mixture-of-Gaussians VAE; v is a variance everywhere."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from my_helpers import DiagonalGaussian


def sample_gaussian(m: Tensor, v: Tensor) -> Tensor:
    return m + v.sqrt() * torch.randn_like(m)


def log_normal(x: Tensor, m: Tensor, v: Tensor, dim: int = -1) -> Tensor:
    squared_distance = ((x - m) * v.rsqrt()).square().sum(dim)
    return -0.5 * (squared_distance + v.log().sum(dim) + x.shape[dim] * math.log(2 * math.pi))


def log_normal_mixture(z: Tensor, m: Tensor, v: Tensor) -> Tensor:
    """log of (1/K) sum_k N(z_b; m_bk, diag(v_bk)), (B,)."""
    points: Tensor = z.unsqueeze(dim=1)  # (B, 1, d)
    log_densities: Tensor = DiagonalGaussian(m, v).log_density(points)  # (B, K)
    number_of_components: int = log_densities.shape[1]
    return torch.logsumexp(log_densities, dim=1) - math.log(number_of_components)


def log_sum_exp(x: Tensor, dim: int = 0) -> Tensor:
    return torch.logsumexp(x, dim)


def log_mean_exp(x: Tensor, dim: int) -> Tensor:
    return log_sum_exp(x, dim) - math.log(x.shape[dim])


def gaussian_parameters(h: Tensor, dim: int = -1) -> tuple[Tensor, Tensor]:
    m, pre_v = h.chunk(2, dim=dim)
    return m, F.softplus(pre_v) + 1e-8


def log_bernoulli_with_logits(x: Tensor, logits: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def kl_normal(qm: Tensor, qv: Tensor, pm: Tensor, pv: Tensor) -> Tensor:
    return 0.5 * (pv.log() - qv.log() + (qv + (qm - pm) ** 2) / pv - 1).sum(-1)


def duplicate(x: Tensor, rep: int) -> Tensor:
    return x.repeat(rep, *[1] * (x.ndim - 1))
