"""What the usual mistakes would have returned, for the `mistakes` of `diagnose.check_close`: {explanation: value}."""

import math
from typing import Any

import numpy as np
from scipy.special import logsumexp, rel_entr, softmax

from support import oracles

Mistakes = dict[str, Any]


def of_reduction(value: np.ndarray) -> Mistakes:
    """Results that are one number where there should be one for each row."""
    return {
        "the results are summed into one number": value.sum(),
        "the results are averaged into one number": value.mean() if value.size else 0.0,
    }


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
        "it looks as if the variances were taken for log-variances": lambda: _quietly(
            oracles.kl_univariate_normal, mu1, np.exp(np.minimum(var1, 300)), mu2, np.exp(np.minimum(var2, 300))
        ),
        "the factor 1/2 is lost": 2 * right,
        "the factor 1/2 is lost in front of the logarithm": 0.5 * (ratio + distance - 1) + logarithm,
        "the -1 is lost": right + 0.5,
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
        "it looks as if var2 were squared where it divides: it is a variance already, no standard deviation": 0.5
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
        "it looks like the sum of -log(sigma) + sigma^2 + mu^2, which is no KL divergence": np.broadcast_to(
            -0.5 * np.log(var1) + var1 + mu1**2, right.shape
        ),
        "it is in bits (log base 2), nats are wanted": right / math.log(2),
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
        "a single term may be negative, only their sum is not: take no absolute values": np.abs(terms).sum(axis=-1),
        "it looks as if a softmax were taken: p and q are probabilities already, no logits": oracles.kl_categorical(
            softmax(p, axis=-1), softmax(q, axis=-1)
        ),
        "it looks like the divergence from the average of p and q": oracles.kl_categorical(p, (p + q) / 2),
        "it looks like the average of both directions; the divergence is not symmetric": 0.5
        * (right + oracles.kl_categorical(q, p)),
        "the terms are not summed over the outcomes": terms,
        "it is in bits (log base 2), nats are wanted": right / math.log(2),
        "it is summed over the first dimension instead of the last": terms.sum(axis=0),
        **of_reduction(right),
    }


def of_gmm_log_prob(x: np.ndarray, mixture: oracles.Mixture) -> Mistakes:
    weights, means, covs = mixture.arguments
    components = oracles.component_log_prob(x, means, covs)
    right = oracles.gmm_log_prob(x, *mixture.arguments)
    n, d = x.shape
    log_2_pi = math.log(2 * math.pi)
    centred = x[:, np.newaxis].astype(np.float64) - means  # (n, K, d)
    factors = np.linalg.cholesky(covs.astype(np.float64))
    half_log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)  # (K,)
    normalisation = half_log_det + 0.5 * d * log_2_pi

    def other_components(log_prob: np.ndarray) -> np.ndarray:
        """The mixture of other log-densities, (n, K)."""
        return logsumexp(log_prob, axis=1, b=weights.astype(np.float64))

    def other_distance(matrices: np.ndarray) -> np.ndarray:
        """The result if (x - mean)^T matrix (x - mean) stood where the inverse of the covariance belongs."""
        squares = np.einsum("nki,kij,nkj->nk", centred, matrices, centred)
        return other_components(-0.5 * squares - normalisation)

    inverses = np.linalg.inv(covs.astype(np.float64))
    inverse_factors = np.linalg.inv(factors)
    squares = -2 * (components + normalisation)  # squared distances, (n, K)
    diagonal = covs * np.eye(d)
    lower = np.tril(covs)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        log_weights = np.log(weights)
        underflow = np.log(np.exp(components.astype(x.dtype)) @ weights.astype(x.dtype))
        return {
            "far from every mean the densities underflow before the logarithm is taken": underflow,
            "the weights are ignored": logsumexp(components, axis=1),
            "the weights are taken as equal": logsumexp(components, axis=1) - math.log(len(weights)),
            "the weights are not turned into logarithms before they are added": logsumexp(components + weights, axis=1),
            "it looks as if a softmax of the weights were taken: they are probabilities already, no logits": logsumexp(
                components, axis=1, b=softmax(weights)
            ),
            "it looks like sum_k weights_k log N_k: the logarithm belongs outside the sum": components @ weights,
            "it looks like sum_k log N_k": components.sum(axis=1),
            "it looks like the density of the best component instead of the sum": (components + log_weights).max(
                axis=1
            ),
            "1 is added to the density: a running logaddexp starts at -inf, the logarithm of 0": np.logaddexp(right, 0),
            "the result is the density, not its logarithm": np.exp(right),
            "the sum runs over the points; it must run over the components": logsumexp(
                components + log_weights, axis=0
            ),
            "the constant d/2 log(2 pi) is lost": right + 0.5 * d * log_2_pi,
            "the 2 pi is not raised to the power d": right + 0.5 * (d - 1) * log_2_pi,
            "the constant is that of two dimensions: it is d/2 log(2 pi)": right + 0.5 * (d - 2) * log_2_pi,
            "in d/2 log(2 pi) the number of points stands for the dimension d": right + 0.5 * (d - n) * log_2_pi,
            "the sign is wrong": -right,
            "the determinant of the covariance is missing": other_components(components + half_log_det),
            "the log-determinant is not halved": other_components(components - half_log_det),
            "the log-determinant is halved once too often: the factor's diagonal gives half of it already": (
                other_components(components + half_log_det / 2)
            ),
            "the log-determinant has the wrong sign": other_components(components + 2 * half_log_det),
            "the squared distance is not halved": other_components(components - squares / 2),
            "the distance is not squared": other_components(
                components + squares / 2 - np.sqrt(np.maximum(squares, 0)) / 2
            ),
            "it looks as if the covariances were ignored off their diagonals": oracles.gmm_log_prob(
                x, weights, means, diagonal
            ),
            "it looks as if the covariance were used where its Cholesky factor belongs": oracles.gmm_log_prob(
                x, weights, means, covs @ covs
            ),
            "it looks as if the covariance's lower triangle were used where its Cholesky factor belongs": lambda: (
                _quietly(oracles.gmm_log_prob, x, weights, means, lower @ lower.swapaxes(1, 2))
            ),
            "it looks as if the covariances were not inverted": lambda: oracles.gmm_log_prob(
                x, weights, means, np.linalg.inv(covs)
            ),
            "it looks as if the covariances were not inverted in the distance": other_distance(covs),
            "it looks as if the inverse of the covariance were used twice": other_distance(inverses @ inverses),
            "it looks as if L.T stood where the Cholesky factor L belongs": other_distance(
                inverse_factors @ inverse_factors.swapaxes(1, 2)
            ),
            **{
                f"it looks as if a small constant ({constant:g}) were added to the diagonals of the covariances": (
                    oracles.gmm_log_prob(x, weights, means, covs + constant * np.eye(d))
                )
                for constant in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
            },
            **of_reduction(right),
        }


def of_gaussian_entropy(cov: np.ndarray) -> Mistakes:
    right = oracles.gaussian_entropy(cov)
    d = cov.shape[0]
    log_det = np.linalg.slogdet(cov.astype(np.float64))[1]
    return {
        "the factor 1/2 is lost": 2 * right,
        "the 1 (the log of e in log(2 pi e)) is lost": right - d / 2,
        "log(2 pi e) is not multiplied by d": right - (d - 1) / 2 * (1 + math.log(2 * math.pi)),
        "the 2 pi is lost: it is log(2 pi e)": right - d / 2 * math.log(2 * math.pi),
        "log(2 pi e) is multiplied by 2, not by the dimension d": right + (2 - d) / 2 * (1 + math.log(2 * math.pi)),
        "the log-determinant is not halved": right + log_det / 2,
        "the log-determinant is halved once too often: Cholesky's diagonal gives half of it already": right
        - log_det / 4,
        "the determinant stands where its logarithm belongs": lambda: (
            right - log_det / 2 + _quietly(np.exp, log_det) / 2
        ),
        "the log-determinant has the wrong sign": right - log_det,
        "only the diagonal of cov is used": right - log_det / 2 + np.log(np.diag(cov)).sum() / 2,
        "the trace of cov stands where its determinant belongs": right - log_det / 2 + math.log(np.trace(cov)) / 2,
        "the sign is wrong": -right,
        "it is in bits (log base 2), nats are wanted": right / math.log(2),
        "the entropy of a continuous variable may be negative: do not clip it": max(right, 0.0),
    }


def of_mc_entropy(x: np.ndarray, mixture: oracles.Mixture) -> Mistakes:
    weights, means, covs = mixture.arguments
    log_prob = oracles.gmm_log_prob(x, *mixture.arguments)
    n = len(log_prob)
    equal = np.full(len(weights), 1 / len(weights))
    return {
        "the sign is wrong: entropy is MINUS the mean log-density": log_prob.mean(),
        "the log-densities are summed, they should be averaged": -log_prob.sum(),
        "p(x) stands in front of log p(x): the points already come from p": -(np.exp(log_prob) * log_prob).mean(),
        "it looks like the logarithm of the mean density": -logsumexp(log_prob) + math.log(n),
        "the logarithm is missing": -np.exp(log_prob).mean(),
        "the last points are left out": -log_prob[:-1].mean(),
        "the log-densities are not averaged": -log_prob,
        "the sum is divided by n - 1, not by n": -log_prob.sum() / (n - 1) if n > 1 else math.nan,
        "it looks like the median; the mean is wanted": -np.sort(log_prob)[(n - 1) // 2],
        "a log-density may be positive: take no absolute values": np.abs(log_prob).mean(),
        "the entropy of a continuous variable may be negative: do not clip it": max(-log_prob.mean(), 0.0),
        "it is in bits (log base 2), nats are wanted": -log_prob.mean() / math.log(2),
        "the weights are taken as equal": -oracles.gmm_log_prob(x, equal, means, covs).mean(),
        "it looks like the weighted mean of the components' entropies; the given points are to be used": sum(
            weight * oracles.gaussian_entropy(cov) for weight, cov in zip(weights, covs, strict=True)
        ),
    }


def of_log_normal_mixture(z: np.ndarray, m: np.ndarray, v: np.ndarray) -> Mistakes:
    dtype = z.dtype
    z, m, v = (np.asarray(x, dtype=np.float64) for x in (z, m, v))
    right = oracles.log_normal_mixture(z, m, v)
    log_k = math.log(m.shape[1])
    components = oracles.log_normal(z[:, np.newaxis], m, v)
    d, half_log_v = z.shape[1], 0.5 * np.log(v).sum(axis=-1)
    terms = -0.5 * ((z[:, np.newaxis] - m) ** 2 / v + np.log(v) + math.log(2 * math.pi))
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        found = {
            "log K is lost: the mean over the K components is wanted, not their sum": right + log_k,
            "log K is subtracted twice": right - log_k,
            "log K is added instead of subtracted": right + 2 * log_k,
            "K is taken as 500: it is m.shape[1]": right + log_k - math.log(500),
            "the logarithm of the batch size is subtracted; log K is wanted": right + log_k - math.log(len(z)),
            "the first component is left out": logsumexp(components[:, 1:], axis=1) - log_k
            if m.shape[1] > 1
            else math.nan,
            "the last component is left out": logsumexp(components[:, :-1], axis=1) - log_k
            if m.shape[1] > 1
            else math.nan,
            "it looks like the sum of the log-densities: the logarithm belongs outside the mean": components.sum(
                axis=1
            ),
            "it looks like the mean of the log-densities: the logarithm belongs outside the mean": components.mean(
                axis=1
            ),
            "it looks like the density of the best component": components.max(axis=1),
            "it looks like the density of the best component, divided by K": components.max(axis=1) - log_k,
            "log v is not halved": logsumexp(components - half_log_v, axis=1) - log_k,
            "log v is missing: without 1/2 sum(log v) a density is not normalised": logsumexp(
                components + half_log_v, axis=1
            )
            - log_k,
            "it looks as if v went through softplus: it is a variance already": oracles.log_normal_mixture(
                z, m, oracles.softplus(v)
            ),
            "it looks as if m and v had changed places": lambda: _quietly(oracles.log_normal_mixture, z, v, m),
            "it looks as if v were used as the standard deviation; it is the variance": oracles.log_normal_mixture(
                z, m, v**2
            ),
            "it looks as if the standard deviation were passed on where a variance is due": oracles.log_normal_mixture(
                z, m, np.sqrt(v)
            ),
            "it looks as if v were taken for a log-variance": lambda: _quietly(
                oracles.log_normal_mixture, z, m, np.exp(np.minimum(v, 300))
            ),
            "the densities underflow: log_mean_exp first takes off the largest one row by row": np.log(
                np.exp(components.astype(dtype)).mean(axis=1)
            ),
            "the largest log-density must be subtracted row by row, not that of the whole batch": np.log(
                np.exp((components - components.max()).astype(dtype)).mean(axis=1)
            )
            + components.max(),
            "the log-densities are not summed over the latent dimension": logsumexp(terms, axis=1) - log_k,
            "the mean over components is taken in each latent dimension by itself": (
                logsumexp(terms, axis=1) - log_k
            ).sum(axis=-1),
            "the log-densities are averaged over the latent dimension, they should be summed": logsumexp(
                terms.mean(axis=-1), axis=1
            )
            - log_k,
            "the mean is taken over the batch instead of the components": logsumexp(components, axis=0)
            - math.log(len(components)),
            "log_mean_exp is taken over the whole matrix": logsumexp(components) - math.log(components.size),
            "the densities are not averaged over the components": components,
            "the result is the density, not its logarithm": np.exp(right),
            "the sign is wrong": -right,
            "the constant d/2 log(2 pi) is lost": right + 0.5 * d * math.log(2 * math.pi),
            "the constant d/2 log(2 pi) is that of 10 latents: d is z.shape[1]": right
            + 0.5 * (d - 10) * math.log(2 * math.pi),
            **of_reduction(right),
        }
    if m.shape[0] > 1:
        first_row = oracles.log_normal_mixture(z, m[:1], v[:1])
        found["it looks as if the mixture of the first row were used for all: each row has its own mixture"] = first_row
    if m.shape[0] == 1 and m.shape[1] == len(z):
        paired = oracles.log_normal(z, m[0], v[0])
        pairing = "point b is paired with component b; every point must meet every component"
        found[pairing] = paired
        found[f"{pairing}: z needs a new dimension"] = (logsumexp(paired) - log_k).reshape(1)
    elif m.shape[0] == len(z) == m.shape[1]:
        found["z must gain its new dimension in the middle, not in front"] = lambda: (
            logsumexp(oracles.log_normal(z[np.newaxis], m, v), axis=1) - log_k
        )
    return found


def _quietly(function: Any, *arguments: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*arguments)
