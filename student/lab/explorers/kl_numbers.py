"""What the KL explorer shows, as numbers (provided): divergences, integrands, Monte-Carlo estimates, examples.

Normals are torch.distributions.Normal in float64; every divergence is in nats.
"""

import functools
import importlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from lab.course import unwritten

# The explorer's sliders, and an axis on which normals from anywhere in their ranges end: 4 + 4 standard deviations.
MEAN_RANGE, VARIANCE_RANGE, STEP = (-4.0, 4.0), (0.1, 4.0), 0.1
AXIS = (-12.0, 12.0)
# Apart from the closed form by more than rounding, in a function of the student's.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Estimate:
    """A Monte-Carlo estimate and its standard error, nats."""

    value: float
    error: float

    def __add__(self, other: "Estimate") -> "Estimate":
        """Sum of two independent estimates."""
        return Estimate(self.value + other.value, math.hypot(self.error, other.error))

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Difference of two independent estimates."""
        return Estimate(self.value - other.value, math.hypot(self.error, other.error))


@dataclass(frozen=True)
class Preset:
    """A pair, or with r a triple, of normals to start from, and what to ask of it.

    Attributes:
        p, q, r: (mean, variance); r is None where two normals are enough.
    """

    name: str
    question: str
    p: tuple[float, float]
    q: tuple[float, float]
    r: tuple[float, float] | None = None


PRESETS = (
    Preset(
        "Equal variances",
        "Both directions cost the same. Move a mean, then a variance: which of the two changes that?",
        (-1.0, 1.5),
        (1.0, 1.5),
    ),
    Preset(
        "Equal means",
        "One centre, two widths. Which direction costs more? Are there two widths for which neither does?",
        (0.0, 0.5),
        (0.0, 2.0),
    ),
    Preset(
        "All different",
        "Can a difference in the means make up for one in the variances, so that both directions cost the same?",
        (-0.5, 0.6),
        (1.0, 1.8),
    ),
    Preset(
        "Twice the same",
        "Move any slider by one step. Is there another pair that gives exactly 0?",
        (1.0, 0.8),
        (1.0, 0.8),
    ),
    Preset(
        "Below the axis",
        "Where p < q the integrand is negative. Can you make that area outweigh the other one?",
        (0.0, 1.0),
        (1.5, 1.0),
    ),
    # To find variances that break the triangle inequality is asked, so an example must break it by its means.
    Preset(
        "A detour",
        "From P to R directly, or by way of Q: what would a distance never do?",
        (-1.0, 1.0),
        (0.0, 1.0),
        (1.0, 1.0),
    ),
    Preset(
        "Your turn",
        "Leave all means at 0. For which variances does the detour cost less than the direct way?",
        (0.0, 1.0),
        (0.0, 1.0),
        (0.0, 1.0),
    ),
)


def normal(mean: float, var: float) -> Normal:
    """N(mean, var), given its VARIANCE."""
    return Normal(*torch.tensor([mean, math.sqrt(var)], dtype=torch.float64))


def divergence(p: Normal, q: Normal) -> float:
    """KL(p || q) in closed form, by torch."""
    return kl_divergence(p, q).item()


def axis(points: int = 1201) -> Tensor:
    """Where densities and integrands are drawn, (points,)."""
    return torch.linspace(*AXIS, points, dtype=torch.float64)


def density(p: Normal, x: Tensor) -> Tensor:
    """p(x), of the shape of x."""
    return p.log_prob(x).exp()


def integrand(p: Normal, q: Normal, x: Tensor) -> Tensor:
    """What KL(p || q) integrates, at x: nats per unit of x."""
    return density(p, x) * (p.log_prob(x) - q.log_prob(x))


@functools.lru_cache(maxsize=8)
def noise(n: int, seed: int) -> Tensor:
    """Standard normal noise for four independent estimates, (4, n); the same again, so that estimates move smoothly."""
    return torch.randn(4, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def monte_carlo(p: Normal, q: Normal, eps: Tensor) -> Estimate:
    """KL(p || q) from a sample of p.

    Args:
        eps: standard normal noise, (n,), from which the sample is made.
    """
    x = p.mean + p.stddev * eps
    log_ratio = p.log_prob(x) - q.log_prob(x)
    return Estimate(log_ratio.mean().item(), log_ratio.std().item() / math.sqrt(len(eps)))


def reload_kl() -> None:
    """Read the student's kl.py again: it may have changed since the last page was opened."""
    try:
        importlib.reload(importlib.import_module("kl"))
    except Exception:  # said by `students_value`, whatever it is
        return


def students_value(p: Normal, q: Normal) -> float | str:
    """What the student's kl_univariate_normal says; a few words where it says nothing, so that no page breaks."""
    try:
        from kl import kl_univariate_normal

        return float(kl_univariate_normal(p.mean, p.variance, q.mean, q.variance))
    except Exception as error:  # any mistake of the student's
        return "to do" if unwritten(error) else type(error).__name__


def agrees(value: float, exact: float) -> bool:
    """Whether a function that should return `exact` does, up to rounding."""
    return abs(value - exact) <= AGREEMENT * max(1.0, abs(exact))
