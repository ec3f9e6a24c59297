"""What the usual mistakes make of a mixture's log-density and entropy: {explanation: value}."""

import math

import numpy as np
from scipy.special import entr, logsumexp, softmax

from support import oracles
from support.mistakes import Mistakes, of_reduction, quietly
from support.strategies import make_covariances, make_mixture

CONSTANTS = (12, 10, 9, 8, 7, 6, 5, 4, 3, 2)  # what people add is 1e-12, 1e-10, ...


def _points(seed: int, n: int, k: int, d: int, scale: float = 1.0, far: float = 1.0) -> tuple[np.ndarray, ...]:
    """Points and a mixture of covariances scale^2 times as large as usual; the last point `far` times as far away."""
    rng = np.random.default_rng(seed)
    mixture = make_mixture(rng, k, d, spread=scale)
    x = rng.choice(mixture.means, n) + scale * rng.normal(size=(n, d))
    x[-1] *= far
    return x, mixture.weights, mixture.means, scale**2 * mixture.covs


def _with_weights(
    weights: list[float], x: np.ndarray, _: np.ndarray, means: np.ndarray, covs: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Other weights; the first point is the mean of the last component, which is far away from the others."""
    far = 80 * np.sqrt(covs.max())
    means, x = means + far * np.eye(*means.shape)[::-1], x.copy()
    x[0] = means[-1]
    return x, np.array(weights), means, covs


# Arguments under which no two mistakes give the same: no size is equal to another.
POINTS = [
    _points(1, 5, 3, 4),
    _points(2, 4, 2, 3, far=200),
    _points(3, 5, 2, 3, scale=1e-5),
    _with_weights([0.4, 0.6, 0.0], *_points(4, 6, 3, 2, scale=1e-3)),
    _points(5, 6, 2, 4, scale=1e-45, far=20),
    _points(6, 4, 1, 2, far=30),
    _points(11, 5, 3, 1, scale=2),
]
COVARIANCES = [
    (scale**2 * make_covariances(np.random.default_rng(seed), 1, d)[0],)
    for seed, d, scale in ((1, 3, 2.0), (2, 4, 0.1), (3, 5, 1e-5), (4, 3, 1e-60), (5, 1, 3.0))
]
ENTROPIES = [
    _points(7, 5, 3, 2),
    _points(8, 7, 2, 4, scale=0.02),
    _points(9, 6, 3, 2, far=300),
    _points(10, 8, 1, 3),
]


def right_entropy(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covs: np.ndarray) -> float:
    """What mc_entropy should return."""
    return float(-oracles.gmm_log_prob(x, weights, means, covs).mean())


def of_gmm_log_prob(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covs: np.ndarray) -> Mistakes:
    components = oracles.component_log_prob(x, means, covs)
    right = oracles.gmm_log_prob(x, weights, means, covs)
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
    equal = np.broadcast_to(covs.mean(axis=0), covs.shape)
    pooled = np.broadcast_to(np.einsum("k,kij->ij", weights / weights.sum(), covs), covs.shape)
    stretches = np.diagonal(factors, axis1=1, axis2=2)  # (K, d)
    lower = np.tril(covs)
    identity = np.eye(d)
    with np.errstate(all="ignore"):
        log_weights = np.log(weights)
        underflow = np.log(np.exp(components.astype(x.dtype)) @ weights.astype(x.dtype))
        joint = components + log_weights
        of_all = (joint - joint.max()).astype(x.dtype)
        of_first, of_last = (np.logaddexp.accumulate(order, axis=1) for order in (joint, joint[:, ::-1]))
        determinants = np.log(np.linalg.det(covs)).astype(np.float64) / 2
        return {
            "the determinant under- or overflows before its logarithm is taken: use slogdet or Cholesky's factor": (
                other_components(components + half_log_det - determinants)
            ),
            "the largest term of all points is subtracted, so far points underflow: subtract that of each point": (
                np.log(np.exp(of_all).sum(axis=1)) + joint.max()
            ),
            **{
                f"a small constant (1e-{n}) is added to the density before its logarithm is taken": np.logaddexp(
                    right, -n * math.log(10)
                )
                for n in (30, 20, 16, 12, 10, 8, 6)
            },
            **{
                f"log-densities below -{floor} are clamped: far from every mean they are as low": np.maximum(
                    right, -floor
                )
                for floor in (50, 100, 500, 700, 1000)
            },
            **{
                f"a small constant (1e-{n}) is added to the weights: one of zero counts nothing": logsumexp(
                    components, axis=1, b=weights + 10.0**-n
                )
                for n in CONSTANTS
            },
            "it looks like sum_k log(weights_k N_k): the logarithm belongs outside the sum": joint.sum(axis=1),
            "in d/2 log(2 pi) the number of components stands for the dimension d": right
            + 0.5 * (d - len(weights)) * log_2_pi,
            "x - mean is multiplied by Cholesky's factor; its inverse belongs there (solve_triangular)": other_distance(
                factors.swapaxes(1, 2) @ factors
            ),
            "the squared distance is added; in the exponent it is negative": other_components(components + squares),
            "the squared distance is missing": other_components(-np.broadcast_to(normalisation, components.shape)),
            "the weights are squared": logsumexp(components, axis=1, b=weights.astype(np.float64) ** 2),
            "it is in units of log base 10; it should be in nats": right / math.log(10),
            "it is in bits (log base 2); it should be in nats": right / math.log(2),
            "far from every mean the densities underflow before the logarithm is taken": underflow,
            "the weights are ignored": logsumexp(components, axis=1),
            "the sum over the components is divided by their number K as well; the weights are enough": (
                right - math.log(len(weights))
            ),
            "the log-densities are multiplied by the weights; their logarithms, log(weights), are added": logsumexp(
                components * weights, axis=1
            ),
            "all components have the same covariance, the average; each has its own": lambda: oracles.gmm_log_prob(
                x, weights, means, equal
            ),
            "all components have the same covariance, the weighted average; each has its own": lambda: (
                oracles.gmm_log_prob(x, weights, means, pooled)
            ),
            "Cholesky's factor is not solved as the lower triangular matrix that it is (upper=False): only its "
            "diagonal is used": other_distance(identity / stretches[:, np.newaxis] ** 2),
            "the sign of the determinant stands where its logarithm should; slogdet gives both": other_components(
                components + half_log_det - 0.5
            ),
            "the diagonal of Cholesky's factor is summed without its logarithm; that gives the log-determinant": (
                other_components(components + half_log_det - stretches.sum(axis=1))
            ),
            "the dimension d stands inside the logarithm: the constant is d/2 log(2 pi)": (
                right + 0.5 * d * log_2_pi - 0.5 * math.log(2 * math.pi * d)
            ),
            "the weights are taken as equal": logsumexp(components, axis=1) - math.log(len(weights)),
            "the weights are not turned into logarithms before they are added": logsumexp(components + weights, axis=1),
            "it looks as if a softmax of the weights were taken: they are already probabilities, not logits": logsumexp(
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
            "the constant d/2 log(2 pi) is missing": right + 0.5 * d * log_2_pi,
            "the 2 pi is not raised to the power d": right + 0.5 * (d - 1) * log_2_pi,
            "the constant is that of two dimensions: it is d/2 log(2 pi)": right + 0.5 * (d - 2) * log_2_pi,
            "in d/2 log(2 pi) the number of points stands for the dimension d": right + 0.5 * (d - n) * log_2_pi,
            **{f"components beyond number {k} are left out": of_first[:, k - 1] for k in range(1, len(weights))},
            **{
                f"the {which} component is left out": without[:, -2]
                for which, without in (("last", of_first), ("first", of_last))
                if len(weights) > 1
            },
            "the sign is wrong": -right,
            "all components have the same determinant, the average of theirs (of the logarithms); each has its own": (
                other_components(components + half_log_det - half_log_det.mean())
            ),
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
            "in one dimension the variance is used as standard deviation": (
                oracles.gmm_log_prob(x, weights, means, covs @ covs) if d == 1 else right
            ),
            "it looks as if the covariance's lower triangle were used where its Cholesky factor belongs": lambda: (
                quietly(oracles.gmm_log_prob, x, weights, means, lower @ lower.swapaxes(1, 2))
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
                f"it looks as if a small constant (1e-{n}) were added to the diagonals of the covariances": (
                    oracles.gmm_log_prob(x, weights, means, covs + 10.0**-n * identity)
                )
                for n in CONSTANTS
            },
            **of_reduction(right),
        }


def of_gaussian_entropy(cov: np.ndarray) -> Mistakes:
    right = oracles.gaussian_entropy(cov)
    d = cov.shape[0]
    log_det = np.linalg.slogdet(cov.astype(np.float64))[1]
    log_2_pi_e = 1 + math.log(2 * math.pi)
    values = np.linalg.eigvalsh(cov.astype(np.float64))

    def with_constant(n: int) -> Mistakes:
        small = 10.0**-n
        return {
            f"a small constant (1e-{n}) is added to the diagonal of cov": oracles.gaussian_entropy(
                cov + small * np.eye(d)
            ),
            f"eigenvalues below 1e-{n} are raised to it: do not clip them": right
            + (np.log(np.maximum(values, small)).sum() - log_det) / 2,
            f"a small constant (1e-{n}) is added to the determinant": right
            + (quietly(np.logaddexp, log_det, math.log(small)) - log_det) / 2,
        }

    return {
        "the determinant under- or overflows before its logarithm is taken: use slogdet or Cholesky's factor": lambda: (
            right - log_det / 2 + float(quietly(lambda: np.log(np.linalg.det(cov)))) / 2
        ),
        **{name: value for n in CONSTANTS for name, value in with_constant(n).items()},
        "the determinant is missing": right - log_det / 2,
        "log(2 pi e) is missing": log_det / 2,
        "log(2 pi e) is multiplied by d squared: d is the number of rows": right + (d * d - d) / 2 * log_2_pi_e,
        "log(2 pi e) is not halved": right + d / 2 * log_2_pi_e,
        "the 1 (the log of e in log(2 pi e)) is not multiplied by d": right + (1 - d) / 2,
        "it is in units of log base 10; it should be in nats": right / math.log(10),
        "the logarithm of the determinant has base 10; nats need the natural one": right
        + log_det / 2 * (1 / math.log(10) - 1),
        "the logarithm of the determinant has base 2; nats need the natural one": right
        + log_det / 2 * (1 / math.log(2) - 1),
        "the absolute value is taken; the entropy of a continuous variable may be negative": abs(right),
        "the factor 1/2 is missing": 2 * right,
        "the 1 (the log of e in log(2 pi e)) is missing": right - d / 2,
        "log(2 pi e) is not multiplied by d": right - (d - 1) / 2 * (1 + math.log(2 * math.pi)),
        "the 2 pi is missing: it is log(2 pi e)": right - d / 2 * math.log(2 * math.pi),
        "log(2 pi e) is multiplied by 2, not by the dimension d": right + (2 - d) / 2 * (1 + math.log(2 * math.pi)),
        "the log-determinant is not halved": right + log_det / 2,
        "the log-determinant is halved once too often: Cholesky's diagonal gives half of it already": right
        - log_det / 4,
        "the determinant stands where its logarithm belongs": lambda: (
            right - log_det / 2 + quietly(np.exp, log_det) / 2
        ),
        "the log-determinant has the wrong sign": right - log_det,
        "only the diagonal of cov is used": right - log_det / 2 + np.log(np.diag(cov)).sum() / 2,
        "the trace of cov stands where its determinant belongs": right - log_det / 2 + math.log(np.trace(cov)) / 2,
        "the sign is wrong": -right,
        "it is in bits (log base 2); it should be in nats": right / math.log(2),
        "the entropy of a continuous variable may be negative: do not clip it": max(right, 0.0),
    }


def _as_one_gaussian(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covs: np.ndarray) -> Mistakes:
    """What comes of `mc_entropy` where one Gaussian stands for the mixture, with the mean and covariance of either."""
    x, weights, means, covs = (value.astype(np.float64) for value in (x, weights, means, covs))
    n, d = x.shape
    centre = weights @ means
    spread = np.einsum("k,kij->ij", weights, covs) + np.einsum("k,ki,kj->ij", weights, means - centre, means - centre)
    kinds = {"of the whole mixture": (centre, spread)}
    if n > d:  # else the points have no density
        own = np.cov(x.T).reshape(d, d)
        kinds |= {"of the points": (x.mean(axis=0), own), "of the points (ddof=0)": (x.mean(axis=0), own * (n - 1) / n)}
    found: Mistakes = {}
    for of, (mean, cov) in kinds.items():
        named, entropy = f"one Gaussian with the mean and covariance {of}", oracles.gaussian_entropy(cov)
        density = oracles.component_log_prob(x, mean[np.newaxis], cov[np.newaxis])
        found[f"gmm_log_prob is not averaged: it looks like the log-density of {named}"] = -density.mean()
        if not np.isclose(entropy, -density.mean()):
            found[f"gmm_log_prob is not averaged: it looks like the entropy of {named}"] = entropy
    return found


def of_mc_entropy(x: np.ndarray, weights: np.ndarray, means: np.ndarray, covs: np.ndarray) -> Mistakes:
    log_prob = oracles.gmm_log_prob(x, weights, means, covs)
    n, d = x.shape
    equal = np.full(len(weights), 1 / len(weights))
    own = sum(weight * oracles.gaussian_entropy(cov) for weight, cov in zip(weights, covs, strict=True))
    return {
        "it is an upper bound, the components' entropies plus that of the weights, which does not use x": (
            own + entr(weights).sum()
        ),
        "the points are averaged first: it is the log-density at the mean of the points; average log-densities": (
            -oracles.gmm_log_prob(x.mean(axis=0, keepdims=True), weights, means, covs)[0]
        ),
        "of a single component the exact entropy is returned; average over the given points there, too": (
            oracles.gaussian_entropy(covs[0]) if len(weights) == 1 else -log_prob.mean()
        ),
        **_as_one_gaussian(x, weights, means, covs),
        "the sign is wrong: entropy is MINUS the mean log-density": log_prob.mean(),
        "the log-densities are summed; they should be averaged": -log_prob.sum(),
        "p(x) stands in front of log p(x): the points already come from p": -(np.exp(log_prob) * log_prob).mean(),
        "it looks like the logarithm of the mean density": -logsumexp(log_prob) + math.log(n),
        "the logarithm is missing": -np.exp(log_prob).mean(),
        "the last points are left out": -log_prob[:-1].mean() if n > 1 else math.nan,
        "the first point is left out": -log_prob[1:].mean() if n > 1 else math.nan,
        "it is divided by the number of coordinates, not by that of points: average over the points": (
            -log_prob.mean() / d
        ),
        "the sum is divided by the dimension; average over the points": -log_prob.sum() / d,
        "the sum is divided by the number of components; average over the points": -log_prob.sum() / len(weights),
        "it is multiplied by the dimension": -d * log_prob.mean(),
        "the densities are averaged, not their logarithms": np.exp(log_prob).mean(),
        "it is in units of log base 10; it should be in nats": -log_prob.mean() / math.log(10),
        **{
            f"a small constant (1e-{c}) is added to the density before its logarithm is taken: far points count less": (
                -np.logaddexp(log_prob, -c * math.log(10)).mean()
            )
            for c in (30, 20, 16, 12, 10, 8, 6)
        },
        "the result is halved": -log_prob.mean() / 2,
        "the largest value stands where the mean should": -log_prob.min(),
        "the log-densities are not averaged": -log_prob,
        "the sum is divided by n - 1, not by n": -log_prob.sum() / (n - 1) if n > 1 else math.nan,
        "it looks like the median; it should be the mean": -np.sort(log_prob)[(n - 1) // 2],
        "a log-density may be positive: do not take absolute values": np.abs(log_prob).mean(),
        "the entropy of a continuous variable may be negative: do not clip it": max(-log_prob.mean(), 0.0),
        "it is in bits (log base 2); it should be in nats": -log_prob.mean() / math.log(2),
        "the weights are taken as equal": -oracles.gmm_log_prob(x, equal, means, covs).mean(),
        "it looks like the weighted mean of the components' entropies; use the given points": own,
    }
