"""What the usual mistakes make of the log-density of the mixture prior: {explanation: value}."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp, softmax

from support import oracles
from support.mistakes import Mistakes, of_reduction, quietly

TINY = (1, 2, 3, 4, 5, 6, 8, 10, 12)  # powers of ten of the constants that variances are kept away from 0 with


def of_log_normal_mixture(z: np.ndarray, m: np.ndarray, v: np.ndarray) -> Mistakes:
    dtype = z.dtype
    z, m, v = (np.asarray(x, dtype=np.float64) for x in (z, m, v))
    right = oracles.log_normal_mixture(z, m, v)
    log_k = math.log(m.shape[1])
    components = oracles.log_normal(z[:, np.newaxis], m, v)
    d, half_log_v = z.shape[1], 0.5 * np.log(v).sum(axis=-1)
    terms = -0.5 * ((z[:, np.newaxis] - m) ** 2 / v + np.log(v) + math.log(2 * math.pi))
    pairs = np.arange(components.size)
    stacked = components[pairs % len(z), pairs % m.shape[1]].reshape(components.shape)

    largest = np.logaddexp.accumulate(-np.sort(-components, axis=1), axis=1)
    regrouped = components.ravel().reshape(components.shape[::-1])  # (K, B)

    def of_variances(other: np.ndarray) -> Callable[[], np.ndarray]:
        return lambda: oracles.log_normal_mixture(z, m, other)

    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        found = {
            "log K is missing: take the mean over the K components, not their sum": right + log_k,
            "log K is subtracted twice": right - log_k,
            "log K is added instead of subtracted": right + 2 * log_k,
            "K is taken as 500: it is m.shape[1]": right + log_k - math.log(500),
            "the logarithm of the batch size is subtracted; it should be log K": right + log_k - math.log(len(z)),
            "the logarithm of m.shape[0] is subtracted; it should be log K, and K is m.shape[1]": (
                right + log_k - math.log(m.shape[0])
            ),
            "the logarithm of the number of latents is subtracted; it should be log K": right + log_k - math.log(d),
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
            "it looks like the density of one normal, with the mean and variance of the mixture": oracles.log_normal(
                z, m.mean(axis=1), v.mean(axis=1) + m.var(axis=1)
            ),
            "it looks like the density of one normal, with the components' average mean and variance": (
                oracles.log_normal(z, m.mean(axis=1), v.mean(axis=1))
            ),
            "it looks like the density of the best component": components.max(axis=1),
            "it looks like the density of the best component, divided by K": components.max(axis=1) - log_k,
            "the log-densities are averaged with the components' responsibilities as weights (a softmax); it is the "
            "logarithm of the mean density": (softmax(components, axis=1) * components).sum(axis=1),
            "the log-densities are averaged with the components' responsibilities as weights (a softmax), less log K; "
            "it is the logarithm of the mean density": (softmax(components, axis=1) * components).sum(axis=1) - log_k,
            **{
                f"only the {n} largest densities of a point are added up; every component counts": largest[:, n - 1]
                - log_k
                for n in (2, 3, 5, 10, 20, 32, 50, 64, 100, 128, 200, 256)
                if n < components.shape[1]
            },
            "the variances of a component are averaged over the latents; each latent has its own variance": (
                of_variances(np.broadcast_to(v.mean(axis=-1, keepdims=True), v.shape))
            ),
            "rows and components are mixed up: densities that stand row by row are reshaped to (K, B)": (
                logsumexp(regrouped, axis=0) - log_k
            ),
            "log v is not halved": logsumexp(components - half_log_v, axis=1) - log_k,
            "log v is missing: without 1/2 sum(log v) a density is not normalised": logsumexp(
                components + half_log_v, axis=1
            )
            - log_k,
            "it looks as if v went through softplus: it is already a variance": oracles.log_normal_mixture(
                z, m, oracles.softplus(v)
            ),
            "it looks as if m and v had changed places": lambda: quietly(oracles.log_normal_mixture, z, v, m),
            "it looks as if v were used as the standard deviation; it is the variance": oracles.log_normal_mixture(
                z, m, v**2
            ),
            "it looks as if the standard deviation were passed on instead of the variance": oracles.log_normal_mixture(
                z, m, np.sqrt(v)
            ),
            "it looks as if v were taken for a log-variance": lambda: quietly(
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
            "the log-densities are averaged over the latent dimension; they should be summed": logsumexp(
                terms.mean(axis=-1), axis=1
            )
            - log_k,
            "the mean is taken over the batch instead of the components": logsumexp(components, axis=0)
            - math.log(len(components)),
            "log_mean_exp is taken over the whole matrix": logsumexp(components) - math.log(components.size),
            "the densities are not averaged over the components": components,
            "the result is the density, not its logarithm": np.exp(right),
            "the sign is wrong": -right,
            "the constant d/2 log(2 pi) is missing": right + 0.5 * d * math.log(2 * math.pi),
            "the constant d/2 log(2 pi) is that of 10 latents: d is z.shape[1]": right
            + 0.5 * (d - 10) * math.log(2 * math.pi),
            **of_reduction(right),
            **{
                f"small variances are clamped at 1e-{n}; leave v as it is": of_variances(np.maximum(v, 10.0**-n))
                for n in TINY
            },
            **{f"the small constant 1e-{n} is added to v; leave v as it is": of_variances(v + 10.0**-n) for n in TINY},
        }
    if m.shape[1] > 500:
        head = logsumexp(components[:, :500], axis=1)
        found["components after the 500th are left out: every component counts, K is m.shape[1]"] = head - log_k
        found["components after the 500th are left out, and K is taken as 500: K is m.shape[1]"] = head - math.log(500)
    if m.shape[0] == 1 and not np.allclose(stacked, components):
        found["points and components are stacked in different orders: every point must meet every component once"] = (
            logsumexp(stacked, axis=1) - log_k
        )
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
