"""What points drawn from a Gaussian mixture must satisfy, and which usual mistake explains points that do not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from autograder.door import laws
from autograder.door.diagnose import CheckFailed, check, check_tensor, fail
from support.mixture import Mixture

WHAT = "sample_gmm"
CALLS = 20  # after which the counts of components are compared from call to call
ENOUGH = 100  # points of a component that are looked at by themselves


def check_pair(drawn: Any, n: int, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Fail unless `drawn` is a pair x (n, d), component (n,) with integer components; return it."""
    k, d = mixture.means.shape
    if not isinstance(drawn, (tuple, list)) or len(drawn) != 2:
        fail(f"{WHAT}: it should return a tuple (x, component): the points and the component of each.")
    x = check_tensor(drawn[0], what=f"{WHAT}, the points", shape=(n, d))
    component = check_tensor(drawn[1], what=f"{WHAT}, the components", shape=(n,), dtype=np.int64)
    check(component.min() >= 0, f"{WHAT}: components are counted from 0.")
    check(component.max() < k, f"{WHAT}: components run from 0 to K - 1.")
    return x, component


def check_law(calls: Sequence[Any], n: int, mixture: Mixture) -> None:
    """Fail unless n points of every call follow the mixture: their components, their positions given the components.

    Args:
        calls: what the calls returned.
    """
    pairs = [check_pair(drawn, n, mixture) for drawn in calls]
    x, component = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    if len(mixture.weights) > 1:
        _check_components(component.reshape(len(calls), n), mixture.weights)
    factors = np.linalg.cholesky(mixture.covs.astype(np.float64))
    try:
        _check_noise(whiten(x, component, mixture.means, factors), component, len(calls))
    except CheckFailed as error:
        for explanation, means, alternative in _mistakes(mixture, factors):
            if _explains(whiten(x, component, means, alternative), component, len(calls)):
                raise CheckFailed(f"{error} {explanation}", explanation) from None
        fail(f"{error} Does `component` say where each point came from?")


def whiten(x: np.ndarray, component: np.ndarray, means: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The noise eps (n, d) that points x = means[component] + factors[component] @ eps were made from, float64."""
    x, means, factors = (np.asarray(value, dtype=np.float64) for value in (x, means, factors))
    return np.linalg.solve(factors[component], (x - means[component])[..., np.newaxis])[..., 0]


def _check_components(component: np.ndarray, weights: np.ndarray) -> None:
    """Components (calls, n) are drawn one by one with these probabilities."""
    k, n = len(weights), component.shape[1]
    weights = weights.astype(np.float64) / weights.astype(np.float64).sum()
    what = f"{WHAT}, the components"

    def counts(part: np.ndarray) -> np.ndarray:
        return np.bincount(part.ravel(), minlength=k)

    laws.check_counts(counts(component), weights, what, "Component k must be drawn with probability weights[k].")
    # In a random order the first half of the points is a sample too.
    hint = "The points come sorted by component: draw the component of each point by itself, or shuffle."
    laws.check_counts(counts(component[:, : n // 2]), weights, f"{what} of the first half of the points", hint)
    # What neighbours, or points half a sample apart, have in common; and how much the counts vary from call to call.
    centred = (np.arange(k) == component[..., np.newaxis]) - weights
    ordinary = weights * n >= 30
    if n < ENOUGH or ordinary.sum() < 2:
        return
    scaled = centred[..., ordinary] / np.sqrt(weights * (1 - weights))[ordinary]
    for step in (1, 2, n // 2):
        products = (scaled[:, step:] * scaled[:, :-step]).mean(axis=(0, 1))
        std = 1 / np.sqrt(scaled.shape[0] * (n - step))
        hint = "The component of a point must not depend on those of the points before it: no chain, no fixed order."
        laws.check_mean(products, 0.0, std, f"{what}: neighbours", hint)
    if len(component) >= CALLS and ordinary.all():
        # Pearson's statistic: nearly chi-squared, with k - 1 degrees of freedom for each call.
        squares = [((counts(call) - n * weights) ** 2 / (n * weights)).sum() for call in component]
        laws.spent.append((what, laws.ALPHA))
        statistic, free = float(np.sum(squares)), len(component) * (k - 1)
        hint = "It must be that of independent draws: not shares of n, neither stratified nor systematic sampling."
        calm = stats.chi2.cdf(1.25 * statistic, free) < laws.ALPHA / 2
        check(not calm, f"{what}: the number of points from each component hardly varies from call to call. {hint}")
        wild = stats.chi2.sf(statistic / 1.25, free) < laws.ALPHA / 2
        check(not wild, f"{what}: the number of points from each component varies too much from call to call. {hint}")


def _check_noise(eps: np.ndarray, component: np.ndarray, calls: int) -> None:
    """Fail unless eps (n, d) are n * d independent standard normal numbers, also within each component."""
    n, d = eps.shape
    what = f"{WHAT}, the points after taking off mean and covariance of their component"
    own = np.ptp(eps, axis=0).max() > 0.01  # more than rounding leaves
    check(own, f"{what}: the same noise is used for all points. Each point needs noise of its own.")
    # Over all points, an error in one component may cancel an error in another.
    parts = [eps, *(eps[component == k] for k in np.unique(component))]
    parts = [part for part in parts if len(part) >= ENOUGH]
    if d > 1:
        for part in parts:
            hint = "The coordinates of a point must have the covariances of its component."
            laws.check_independent(part, what, hint, laws.ALPHA / len(parts))
    for part in parts:
        laws.check_standard_normal(part, what, alpha=laws.ALPHA / len(parts))
    own = "Each point needs noise of its own."
    hints = {"calls": "Noise must be drawn afresh in every call.", "points": own, "coordinates": own}
    laws.check_fresh(eps.reshape(calls, n // calls, d), what, hints)


def _mistakes(mixture: Mixture, factors: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Explanation, means and factors that it amounts to."""
    means, covs = mixture.means, mixture.covs.astype(np.float64)
    variances = np.diagonal(covs, axis1=1, axis2=2)
    identity = np.eye(means.shape[1])
    first = np.zeros(len(means), dtype=int)
    diagonal = "It looks as if the correlations were ignored: only the variances are used."
    return [
        (
            "It looks as if the variances were used as standard deviations.",
            means,
            variances[..., np.newaxis] * identity,
        ),
        ("It looks as if cov @ eps were drawn: use a factor L with L @ L.T = cov, e.g. Cholesky's.", means, covs),
        ("It looks as if L.T stood where L belongs (eps @ L instead of eps @ L.T).", means, factors.swapaxes(1, 2)),
        (diagonal, means, np.sqrt(variances)[..., np.newaxis] * identity),
        ("It looks as if the covariances were ignored.", means, np.broadcast_to(identity, covs.shape)),
        ("It looks as if the means were not added.", np.zeros_like(means), factors),
        ("It looks as if all points had the covariance of the first component.", means, factors[first]),
        ("It looks as if all points had the mean of the first component.", means[first], factors),
        ("It looks as if all points came from the first component.", means[first], factors[first]),
        *(
            (
                "It looks as if a small constant were added to the diagonals of the covariances.",
                means,
                np.linalg.cholesky(covs + constant * identity),
            )
            for constant in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
        ),
    ]


def _explains(eps: np.ndarray, component: np.ndarray, calls: int) -> bool:
    """Whether noise under a mistake's transformation looks right."""
    try:
        _check_noise(eps, component, calls)
    except CheckFailed:
        return False
    return True
