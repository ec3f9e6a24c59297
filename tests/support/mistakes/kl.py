"""What the usual mistakes make of divergences of normals and of discrete distributions: {explanation: value}."""

import math
from typing import Any

import numpy as np
from scipy.special import rel_entr, softmax

from support import oracles
from support.mistakes import Mistakes, of_reduction, quietly


def of_kl_univariate_normal(mu1: Any, var1: Any, mu2: Any, var2: Any) -> Mistakes:
    mu1, var1, mu2, var2 = (np.asarray(x, dtype=np.float64) for x in (mu1, var1, mu2, var2))
    right = oracles.kl_univariate_normal(mu1, var1, mu2, var2)
    back = oracles.kl_univariate_normal(mu2, var2, mu1, var1)
    ratio, distance, logarithm = var1 / var2, (mu1 - mu2) ** 2 / var2, np.log(var2) - np.log(var1)
    return {
        "it looks like KL(Q || P): the order of the distributions is swapped": back,
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
        "the -1 is missing": right + 0.5,
        "the -1 belongs inside the bracket, which is halved": right - 0.5,
        "the logarithm has the wrong sign": 0.5 * (ratio + distance - 1 - logarithm),
        "the logarithm has lost its sign: it is negative where var2 < var1": 0.5
        * (ratio + distance - 1 + np.abs(logarithm)),
        "it looks as if log2 were taken: nats need the natural logarithm": 0.5
        * (ratio + distance - 1 + logarithm / math.log(2)),
        "the logarithm of the ratio of variances is halved once too often": 0.5
        * (ratio + distance - 1 + logarithm / 2),
        "the distance of the means is not squared": 0.5 * (ratio + np.abs(mu1 - mu2) / var2 - 1 + logarithm),
        "the squared distance of the means is not divided by var2": 0.5 * (ratio + (mu1 - mu2) ** 2 - 1 + logarithm),
        "the squared distance of the means is divided by var1": 0.5 * (ratio + (mu1 - mu2) ** 2 / var1 - 1 + logarithm),
        "it looks as if var2 were squared where it divides: it is already a variance, not a standard deviation": 0.5
        * ((ratio + distance) / var2 - 1 + logarithm),
        "it looks like mu1^2 - mu2^2 instead of (mu1 - mu2)^2": 0.5
        * (ratio + (mu1**2 - mu2**2) / var2 - 1 + logarithm),
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
        **of_reduction(right),
    }


def of_kl_categorical(p: Any, q: Any) -> Mistakes:
    p, q = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    right = oracles.kl_categorical(p, q)
    terms = rel_entr(p, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = -np.where(p > 0, p * np.log(q), 0.0).sum(axis=-1)
        naive = (p * (np.log(p) - np.log(q))).sum(axis=-1)
        unweighted = np.where(p > 0, np.log(p) - np.log(q), 0.0).sum(axis=-1)
    impossible = np.where((q == 0).any(axis=-1), math.inf, right)
    return {
        "an outcome with p = q = 0 adds nothing: the divergence is infinite only where q = 0 < p": impossible,
        "0 * log(0) is NaN for a computer; its limit is 0": naive,
        "it looks like KL(q || p): the order is swapped": oracles.kl_categorical(q, p),
        "the sign is wrong": -right,
        "it looks like the cross-entropy: the entropy of p is missing": cross,
        "it looks like the mean over outcomes instead of their sum": terms.mean(axis=-1),
        "each logarithm must be multiplied by p: the expectation is taken over p": unweighted,
        "a single term may be negative, only their sum is not: do not take absolute values": np.abs(terms).sum(axis=-1),
        "it looks as if a softmax were taken: p and q are already probabilities, not logits": oracles.kl_categorical(
            softmax(p, axis=-1), softmax(q, axis=-1)
        ),
        "it looks like the divergence from the average of p and q": oracles.kl_categorical(p, (p + q) / 2),
        "it looks like the average of both directions; the divergence is not symmetric": 0.5
        * (right + oracles.kl_categorical(q, p)),
        "the terms are not summed over the outcomes": terms,
        "it is in bits (log base 2); it should be in nats": right / math.log(2),
        "it is summed over the first dimension instead of the last": terms.sum(axis=0),
        **of_reduction(right),
    }
