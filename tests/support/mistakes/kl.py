"""What the usual mistakes make of divergences of normals and of discrete distributions: {explanation: value}."""

import math
from typing import Any

import numpy as np
from scipy.special import rel_entr, softmax, xlogy

from support import oracles
from support.mistakes import Mistakes, of_reduction, quietly

# Arguments under which no two mistakes give the same: no mean is 0, no variance 1, no size equal to another.
NORMALS = [
    tuple(np.array(x) for x in ([0.7, -1.3], [2.5, 0.6], [[-0.4], [2.2], [0.9]], [[1.7], [0.35], [3.1]])),
    tuple(np.array(x) for x in (2e-5, 4e-9, 1e-5, 7e-10)),
    tuple(np.array(x) for x in (2e-7, 3e-13, 1e-7, 6e-14)),
    tuple(np.array(x) for x in (1.4, 0.3, 2.6, 5.2)),
    tuple(np.array(x) for x in (2.0, 3.0, 7e4, 5.0)),
]
POSITIVE = [
    (
        np.array([[[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.15, 0.05], [0.05, 0.2, 0.25, 0.5]]] * 2),
        np.array([[[0.3, 0.3, 0.3, 0.1], [0.2, 0.5, 0.1, 0.2], [0.4, 0.1, 0.2, 0.3]], [[0.15, 0.35, 0.1, 0.4]] * 3]),
    ),
    (
        np.array([[1e-4, 0.9999], [0.4, 0.6], [3e-7, 1 - 3e-7]]),
        np.array([[3e-8, 1 - 3e-8], [2e-9, 1 - 2e-9], [0.2, 0.8]]),
    ),
    (np.array([0.2, 0.5, 0.1, 0.15, 0.05]), np.array([0.4, 0.1, 0.2, 0.1, 0.2])),
]
DISCRETE = [
    *POSITIVE,
    (np.array([0.2, 0.5, 0.3, 0.0, 0.0]), np.array([0.6, 0.1, 0.2, 0.1, 0.0])),
    (np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([[1.0, 0.0], [0.7, 0.3]])),
]
CONSTANTS = (12, 11, 10, 9, 8, 7, 6, 5, 4, 3)  # what people add is 1e-12, 1e-11, ...
BOUNDS = (1, 10, 50, 100, 500, 1000, 10_000)  # what they clamp differences at


def of_kl_univariate_normal(mu1: Any, var1: Any, mu2: Any, var2: Any) -> Mistakes:
    mu1, var1, mu2, var2 = (np.asarray(x, dtype=np.float64) for x in (mu1, var1, mu2, var2))
    right = oracles.kl_univariate_normal(mu1, var1, mu2, var2)
    back = oracles.kl_univariate_normal(mu2, var2, mu1, var1)
    ratio, distance, logarithm = var1 / var2, (mu1 - mu2) ** 2 / var2, np.log(var2) - np.log(var1)

    def with_constant(constant: float) -> Mistakes:
        """Where a constant, named by its exponent, is added."""
        named, small = f"a small constant (1e-{constant:g}) is added", 10.0**-constant
        other = np.log(var2 + small) - np.log(var1 + small)
        divided = (var1 + (mu1 - mu2) ** 2) / (var2 + small)
        return {
            f"{named} to the variances before their logarithms are taken": 0.5 * (ratio + distance - 1 + other),
            f"{named} to the variance that is divided by": 0.5 * (divided - 1 + logarithm),
            f"{named} to the variances": oracles.kl_univariate_normal(mu1, var1 + small, mu2, var2 + small),
            f"{named} to the variances where they divide or their logarithms are taken": 0.5 * (divided - 1 + other),
            f"the variances are clipped at 1e-{constant:g}; do not clip them": oracles.kl_univariate_normal(
                mu1, np.maximum(var1, small), mu2, np.maximum(var2, small)
            ),
        }

    return {
        "it looks like KL(Q || P): the order of the distributions is swapped": back,
        "the arguments are taken in the order mu1, mu2, var1, var2: it is mu1, var1, mu2, var2": lambda: quietly(
            oracles.kl_univariate_normal, mu1, mu2, var1, var2
        ),
        "it looks as if the variances were used as standard deviations": oracles.kl_univariate_normal(
            mu1, var1**2, mu2, var2**2
        ),
        "it looks as if the square roots of the variances were used as variances": oracles.kl_univariate_normal(
            mu1, np.sqrt(var1), mu2, np.sqrt(var2)
        ),
        "it looks as if the variances were taken for log-variances": lambda: quietly(
            oracles.kl_univariate_normal, mu1, np.exp(np.minimum(var1, 300)), mu2, np.exp(np.minimum(var2, 300))
        ),
        "the factor 1/2 is missing": 2 * right,
        "the factor 1/2 is missing in front of the logarithm": 0.5 * (ratio + distance - 1) + logarithm,
        "the factor 1/2 is missing in front of the distance of the means": right + distance / 2,
        "the factor 1/2 is missing in front of the ratio of the variances": right + ratio / 2,
        "the factor 1/2 belongs to every term; only the logarithm is halved": ratio + distance - 1 + logarithm / 2,
        "the sign is wrong: a KL divergence is never negative": -right,
        "the -1 is missing": right + 0.5,
        "the 1 is added; it should be subtracted": right + 1,
        "the -1 belongs inside the bracket, which is halved": right - 0.5,
        "the logarithm is missing": 0.5 * (ratio + distance - 1),
        "the logarithm has the wrong sign": 0.5 * (ratio + distance - 1 - logarithm),
        "the logarithm has lost its sign: it is negative where var2 < var1": 0.5
        * (ratio + distance - 1 + np.abs(logarithm)),
        "it looks as if log2 were taken: nats need the natural logarithm": 0.5
        * (ratio + distance - 1 + logarithm / math.log(2)),
        "it looks as if log10 were taken: nats need the natural logarithm": 0.5
        * (ratio + distance - 1 + logarithm / math.log(10)),
        "the logarithm of the ratio of variances is halved once too often": 0.5
        * (ratio + distance - 1 + logarithm / 2),
        "the ratio of the standard deviations stands where that of the variances should": 0.5
        * (np.sqrt(ratio) + distance - 1 + logarithm),
        "the ratio of the variances is upside down: it is var1 / var2": 0.5 * (1 / ratio + distance - 1 + logarithm),
        "the ratio of the variances is missing": 0.5 * (distance - 1 + logarithm),
        "the ratio of the variances is squared": 0.5 * (ratio**2 + distance - 1 + logarithm),
        "the distance of the means is missing": 0.5 * (ratio - 1 + logarithm),
        "the distance of the means is not squared": 0.5 * (ratio + np.abs(mu1 - mu2) / var2 - 1 + logarithm),
        "the difference of the means is not squared": 0.5 * (ratio + (mu1 - mu2) / var2 - 1 + logarithm),
        "the squared distance of the means is subtracted; it should be added": 0.5 * (ratio - distance - 1 + logarithm),
        "the means are added where they should be subtracted": 0.5 * (ratio + (mu1 + mu2) ** 2 / var2 - 1 + logarithm),
        "the squared distance of the means is not divided by var2": 0.5 * (ratio + (mu1 - mu2) ** 2 - 1 + logarithm),
        "the squared distance of the means is divided by var1": 0.5 * (ratio + (mu1 - mu2) ** 2 / var1 - 1 + logarithm),
        "the squared distance of the means is divided by the square root of var2": 0.5
        * (ratio + (mu1 - mu2) ** 2 / np.sqrt(var2) - 1 + logarithm),
        "the squared distance of the means is divided by var2 squared: it is already a variance": 0.5
        * (ratio + distance / var2 - 1 + logarithm),
        "var1 and the squared distance are divided by the square root of var2, the standard deviation": 0.5
        * ((ratio + distance) * np.sqrt(var2) - 1 + logarithm),
        "the ratio of the logarithms, log(var2) / log(var1), stands where the logarithm of the ratio should": lambda: (
            0.5 * (ratio + distance - 1 + quietly(lambda: np.log(var2) / np.log(var1)))
        ),
        "it looks like log(1 + var), as of log1p, where log(var) should stand": 0.5
        * (ratio + distance - 1 + np.log1p(var2) - np.log1p(var1)),
        "where the means are equal it is 0; the variances count there, too": np.where(mu1 == mu2, 0.0, right),
        "it looks like the squared Wasserstein distance, which is not a KL divergence": (mu1 - mu2) ** 2
        + (np.sqrt(var1) - np.sqrt(var2)) ** 2,
        "var1 is not divided by var2": 0.5 * (var1 + distance - 1 + logarithm),
        "neither var1 nor the squared distance is divided by var2": 0.5 * (var1 + (mu1 - mu2) ** 2 - 1 + logarithm),
        "it looks as if var2 were squared where it divides: it is already a variance, not a standard deviation": 0.5
        * ((ratio + distance) / var2 - 1 + logarithm),
        "it looks as if variances were squared outside the logarithm: they are already variances": 0.5
        * (ratio**2 + distance / var2 - 1 + logarithm),
        "it looks like mu1^2 - mu2^2 instead of (mu1 - mu2)^2": 0.5
        * (ratio + (mu1**2 - mu2**2) / var2 - 1 + logarithm),
        "it looks like mu1^2 + mu2^2 instead of (mu1 - mu2)^2": 0.5
        * (ratio + (mu1**2 + mu2**2) / var2 - 1 + logarithm),
        "it looks like the cross-entropy: the entropy of P is missing": right
        + 0.5 * np.log(2 * math.pi * math.e * var1),
        "it looks like the average of both directions; the divergence is not symmetric": 0.5 * (right + back),
        "it looks like the sum of both directions; the divergence is not symmetric": right + back,
        "it looks like the divergence from N(0, 1): mu2 and var2 are ignored": np.broadcast_to(
            0.5 * (mu1**2 + var1 - 1 - np.log(var1)), right.shape
        ),
        "it looks like the sum of -log(sigma) + sigma^2 + mu^2, which is not a KL divergence": np.broadcast_to(
            -0.5 * np.log(var1) + var1 + mu1**2, right.shape
        ),
        "it is in bits (log base 2); it should be in nats": right / math.log(2),
        "it is in units of log base 10; it should be in nats": right / math.log(10),
        **{name: value for constant in CONSTANTS for name, value in with_constant(constant).items()},
        **{
            f"differences of the means beyond {bound} are cut off (clamp)": 0.5
            * (ratio + np.minimum(np.abs(mu1 - mu2), bound) ** 2 / var2 - 1 + logarithm)
            for bound in BOUNDS
        },
        **of_reduction(right),
        **({"the results are summed over the last dimension": right.sum(axis=-1)} if right.ndim > 1 else {}),
    }


def of_kl_categorical(p: Any, q: Any) -> Mistakes:
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    right = oracles.kl_categorical(p, q)
    back = oracles.kl_categorical(q, p)
    terms = rel_entr(p, q)
    middle = (p + q) / 2

    def summed(weight: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """sum weight * (log first - log second), as a computer does it."""
        with np.errstate(all="ignore"):
            return np.asarray((weight * (np.log(first) - np.log(second))).sum(axis=-1))

    with np.errstate(all="ignore"):
        cross = -np.where(p > 0, p * np.log(q), 0.0).sum(axis=-1)
        unweighted = np.where(p > 0, np.log(p) - np.log(q), 0.0).sum(axis=-1)
        entropy = -xlogy(p, p).sum(axis=-1)
        in_units_of_log_n = right / np.log(p.shape[-1])
        squares = ((p - q) ** 2 / q).sum(axis=-1)
        coins = rel_entr(1 - p, 1 - q).sum(axis=-1)
        by_column = oracles.kl_categorical(p / p.sum(axis=0), q / q.sum(axis=0))
    impossible = np.where((q == 0).any(axis=-1), math.inf, right)
    both = (p > 0) & (q > 0)
    found: Mistakes = {
        "an outcome with p = q = 0 adds nothing: the divergence is infinite only where q = 0 < p": impossible,
        "0 * log(0) is NaN for a computer; its limit is 0": summed(p, p, q),
        "outcomes with q = 0 < p are left out; there the divergence is infinite": np.where(both, terms, 0).sum(axis=-1),
        "it looks like KL(q || p): the order is swapped": back,
        "the sign is wrong": -right,
        "it looks like the cross-entropy: the entropy of p is missing": cross,
        "it looks like the entropy of p: q is missing": entropy,
        "it looks like minus the entropy of p: q is missing": -entropy,
        "it looks like the mean over outcomes instead of their sum": terms.mean(axis=-1),
        "each logarithm must be multiplied by p: the expectation is taken over p": unweighted,
        "the expectation is taken over q; it should be over p": summed(q, p, q),
        "a single term may be negative, only their sum is not: do not take absolute values": np.abs(terms).sum(axis=-1),
        "negative terms are cut off at 0; only their sum is never negative": np.maximum(terms, 0).sum(axis=-1),
        "it looks as if a softmax were taken: p and q are already probabilities, not logits": oracles.kl_categorical(
            softmax(p, axis=-1), softmax(q, axis=-1)
        ),
        "it looks as if a softmax of q were taken: it already holds probabilities": oracles.kl_categorical(
            p, softmax(q, axis=-1)
        ),
        "p and q are divided by their sums over the first dimension; each row is a distribution by itself": (by_column),
        "it looks like the divergence from the average of p and q": oracles.kl_categorical(p, middle),
        "it looks like the Jensen-Shannon divergence, by the average of p and q": 0.5
        * (oracles.kl_categorical(p, middle) + oracles.kl_categorical(q, middle)),
        "it looks like the average of both directions; the divergence is not symmetric": 0.5 * (right + back),
        "it looks like the sum of both directions; the divergence is not symmetric": right + back,
        "every outcome is taken for a coin of its own: the sum is over p log(p / q) alone": right + coins,
        "the terms are not summed over the outcomes": terms,
        "it is in bits (log base 2); it should be in nats": right / math.log(2),
        "it is in units of log base 10; it should be in nats": right / math.log(10),
        "it is divided by log(n), the logarithm of the number of outcomes; it should be in nats": in_units_of_log_n,
        "it looks like the chi-squared divergence, the sum of (p - q)^2 / q": squares,
        "the result is halved": right / 2,
        "it is divided by the number of rows: each row is a distribution, normalised by itself": right / right.size,
        "it is summed over the first dimension instead of the last": terms.sum(axis=0),
        **of_reduction(right),
    }
    if p.ndim > 2:
        found["it is summed over dimension 1, not over the last one"] = terms.sum(axis=1)
        found["it is summed over all dimensions but the first"] = terms.reshape(len(terms), -1).sum(axis=1)
    for constant in CONSTANTS:
        named, small = f"a small constant (1e-{constant:g}) is added", 10.0**-constant
        with np.errstate(all="ignore"):
            added = -entropy - (p * np.log(q + small)).sum(axis=-1)
        infinite = "before the logarithm is taken: where q = 0 < p the divergence is infinite"
        found[f"{named} to q {infinite}"] = added
        found[f"q is clipped at 1e-{constant:g}; where q = 0 < p the divergence is infinite"] = rel_entr(
            p, np.maximum(q, small)
        ).sum(axis=-1)
        if small > 1e-7:  # of a smaller one only what it does to q shows
            found[f"{named} to p and q {infinite}"] = summed(p, p + small, q + small)
    return found
