"""What points drawn from a Gaussian mixture must satisfy, and which usual mistake explains points that do not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # scipy.stats is loaded where a cause is looked for
from scipy.special import chdtr, chdtrc, chdtri, ndtr, softmax

from autograder.door import laws
from autograder.door.diagnose import CheckFailed, check, check_tensor, explained, fail
from autograder.door.laws import DOUBTFUL
from autograder.door.submission import Submission
from support.mixture import Mixture

WHAT = "sample_gmm"
CALLS = 20  # after which the counts of components are compared from call to call
BEYOND = 8.0  # standard deviations from its mean, where no point of a component lies
ENOUGH = 100  # points of a component that are looked at by themselves
OF_EACH = "n points are drawn from each component, K times too many; draw n in all"
ONE_HOT = "the components come one-hot, as rows of zeros with a single 1; their numbers are wanted, (n,)"
SEEDED = (
    "equal states of the generator give different samples, whatever PyTorch's own state: is it seeded anew "
    "(generator.seed()), or does something draw that cannot be seeded?"
)
# Why noise may be the same along an axis of (calls, points, coordinates).
SHARED = {
    "calls": "the same noise is used in every call: no generator may be seeded, and none rewound",
    "points": "noise is used for several points; each point needs noise of its own",
    "coordinates": "the coordinates of a point share their noise; each needs noise of its own",
}


def check_pair(drawn: Any, n: int, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Fail unless `drawn` is a pair x (n, d), component (n,) with integer components; return it."""
    k, d = mixture.means.shape
    if not isinstance(drawn, (tuple, list)) or len(drawn) != 2:
        fail(f"{WHAT}: it should return a tuple (x, component): the points and the component of each.")
    with explained(lambda: OF_EACH if k > 1 and getattr(drawn[0], "shape", ()) == (n * k, d) else ""):
        x = check_tensor(drawn[0], what=f"{WHAT}, the points", shape=(n, d))
    with explained(lambda: ONE_HOT if _is_one_hot(drawn[1], n, k) else ""):
        component = check_tensor(drawn[1], what=f"{WHAT}, the components", shape=(n,), dtype=np.int64)
    check(component.min() >= 0, f"{WHAT}: a component is negative; they are counted from 0.")
    if component.max() >= k:
        counted = component.min() > 0 and component.max() == k and n > 100 * k
        fail(
            f"{WHAT}: a component is too large; they run from 0 to K - 1.",
            "components are counted from 0, not from 1" if counted else "",
        )
    return x, component


def _is_one_hot(value: Any, n: int, k: int) -> bool:
    """Whether each of n rows of k numbers has a single 1, and zeros."""
    if not isinstance(value, np.ndarray) or value.shape != (n, k):
        return False
    return bool(np.isin(value, (0, 1)).all() and (value.sum(axis=1) == 1).all())


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
        found = [error.cause] if error.cause else _causes(x, component, mixture, factors, len(calls))
        raise CheckFailed(error.message, found[0] if len(found) == 1 else "") from None


def check_generator(submission: Submission, mixture: Mixture, n: int) -> None:
    """Fail unless all randomness comes from a given generator, whose state decides what is drawn."""

    def draw(global_seed: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        submission.seed(global_seed)
        drawn = submission.call("gmm.sample_gmm", n, *mixture.arguments, generator=submission.generator(seed))
        return check_pair(drawn, n, mixture)

    (x, component), (x_again, component_again), (x_other, component_other) = draw(1, 5), draw(2, 5), draw(1, 6)
    same_points, same_components = (x == x_again).all(), (component == component_again).all()
    if not (same_points and same_components):
        if (x == x_other).all():
            cause = "the generator is ignored: hand it on to everything that draws (generator=generator)"
        elif same_components:
            cause = "the noise is not drawn from the generator (generator=generator)"
        elif (component != draw(1, 5)[1]).any():
            cause = SEEDED
        else:
            cause = "the components are not drawn from the generator (generator=generator)"
        fail(f"{WHAT}: equal generators give different points; all randomness must come from them.", cause)
    different = (x != x_other).any() and (component != component_other).any()
    check(different, f"{WHAT}: different generators give the same points or components.")


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

    of = f"{what} (component k is drawn with probability weights[k])"
    laws.check_counts(counts(component), weights, of, _cause_of_counts(counts(component), weights))
    # In a random order the first half of the points is a sample too.
    ascending = n > 2 * k and bool((np.diff(component, axis=1) >= 0).all() or (np.diff(component, axis=1) <= 0).all())
    cause = "the points come sorted by component: draw the component of each point by itself, or shuffle"
    of = f"{what} of the first half of the points"
    laws.check_counts(counts(component[:, : n // 2]), weights, of, cause if ascending else "")
    # What neighbours, or points half a sample apart, have in common; and how much the counts vary from call to call.
    centred = (np.arange(k) == component[..., np.newaxis]) - weights
    ordinary = weights * n >= 30
    if n < ENOUGH or ordinary.sum() < 2:
        return
    scaled = centred[..., ordinary] / np.sqrt(weights * (1 - weights))[ordinary]
    for step in (1, 2, n // 2):
        products = (scaled[:, step:] * scaled[:, :-step]).mean(axis=(0, 1))
        std = 1 / np.sqrt(scaled.shape[0] * (n - step))
        of = f"{what}: neighbours (the component of a point must not depend on those of the points before it)"
        laws.check_mean(products, 0.0, std, of)
    if len(component) >= CALLS and ordinary.all():
        # Pearson's statistic: nearly chi-squared, with k - 1 degrees of freedom for each call.
        squares = [((counts(call) - n * weights) ** 2 / (n * weights)).sum() for call in component]
        laws.spent.append((what, laws.ALPHA))
        statistic, free = float(np.sum(squares)), len(component) * (k - 1)
        of = f"{what}: the number of points from each component"
        as_draws = "from call to call; it must be that of independent random draws."
        calm = chdtr(free, 1.25 * statistic) < laws.ALPHA / 2
        check(not calm, f"{of} hardly varies {as_draws}", _cause_of_calm(component, weights) if calm else "")
        wild = chdtrc(free, statistic / 1.25) < laws.ALPHA / 2
        check(not wild, f"{of} varies too much {as_draws}")


def _cause_of_counts(counts: np.ndarray, weights: np.ndarray) -> str:
    """The one usual mistake that numbers of points per component fit; "" if there is none, or more than one."""
    k = len(weights)
    likeliest = np.zeros(k)
    likeliest[weights.argmax()] = 1
    highest = np.maximum.accumulate(weights)
    compared = np.diff(highest, prepend=0.0)
    compared[0] += 1 - highest[-1]
    others = {
        "uniform numbers are compared with the weights themselves, not with their running sums (cumsum)": compared,
        "all components are drawn equally often: the weights are ignored": np.full(k, 1 / k),
        "it looks as if a softmax of the weights were taken: they are already probabilities": softmax(weights),
        "all points come from the component with the largest weight": likeliest,
        "the weights are taken in the reverse order": weights[::-1],
        "the search in the cumulated weights is one too far: the last component is drawn for the first": np.roll(
            weights, 1
        ),
        "the search in the cumulated weights is one too early: the second component is drawn for the first": np.roll(
            weights, -1
        ),
        "it looks as if the squares of the weights were used": weights**2 / (weights**2).sum(),
        "it looks as if the square roots of the weights were used": np.sqrt(weights) / np.sqrt(weights).sum(),
    }

    def fits(probabilities: np.ndarray) -> bool:
        spread = counts.sum() * probabilities
        if (counts[spread == 0] > 0).any():
            return False
        seen = spread > 0
        statistic = ((counts[seen] - spread[seen]) ** 2 / spread[seen]).sum()
        return bool(chdtrc(max(1, seen.sum() - 1), statistic) > DOUBTFUL)

    if k < 3 or (weights > 0.01).sum() < 2:  # too few to tell
        return ""
    found = [cause for cause, probabilities in others.items() if fits(probabilities)]
    return found[0] if len(found) == 1 else ""


def _cause_of_calm(component: np.ndarray, weights: np.ndarray) -> str:
    """Why the components' numbers hardly vary: they never do, or as little as those of systematic sampling."""
    counts = np.stack([np.bincount(call, minlength=len(weights)) for call in component])
    if (counts == counts[0]).all():
        return "the numbers of points are n * weights, rounded; how many come from each component is random, too"
    if (np.abs(counts - component.shape[1] * weights) <= 1 + 1e-6 * component.shape[1]).all():
        return "the components are drawn by systematic or stratified sampling; each point needs a draw of its own"
    return ""


def _check_noise(eps: np.ndarray, component: np.ndarray, calls: int) -> None:
    """Fail unless eps (n, d) are n * d independent standard normal numbers, also within each component."""
    n, d = eps.shape
    what = f"{WHAT}, the points after taking off mean and covariance of their component"
    if np.ptp(eps, axis=0).max() <= 0.01:  # hardly more than rounding leaves
        added = np.abs(eps).max() > 0.01
        fail(
            f"{what}: each point needs noise of its own.",
            "the same noise is used for all points" if added else "no noise is added: the points are the means",
        )
    # Over all points, an error in one component may cancel an error in another.
    parts = [eps, *(eps[component == k] for k in np.unique(component))]
    parts = [part for part in parts if len(part) >= ENOUGH]
    if d > 1:
        for part in parts:
            of = f"{what}, their coordinates"
            laws.check_independent(part, of, SHARED["coordinates"], laws.ALPHA / len(parts))
    for part in parts:
        laws.check_standard_normal(part, what, alpha=laws.ALPHA / len(parts))
    laws.check_fresh(eps.reshape(calls, n // calls, d), what, SHARED)


def _causes(x: np.ndarray, component: np.ndarray, mixture: Mixture, factors: np.ndarray, calls: int) -> list[str]:
    """The usual mistakes under which these points are what they should be."""
    found = [
        explanation
        for explanation, means, alternative in _mistakes(mixture, factors)
        if np.linalg.det(alternative).all() and _explains(whiten(x, component, means, alternative), component, calls)
    ]
    eps = whiten(x, component, mixture.means, factors)
    if not found and laws.looks_uniform(eps):
        found = ["the noise is uniform; it must be standard normal"]
    elif np.abs(eps).max() > BEYOND and _follows(x, mixture):
        found.append("`component` does not say where each point came from")
    return list(dict.fromkeys(found))


def _follows(x: np.ndarray, mixture: Mixture) -> bool:
    """Whether every coordinate of the points, and their sum, follow the mixture, whatever component they came from."""
    if len(mixture.weights) == 1:
        return False
    weights, means, covs = (value.astype(np.float64) for value in mixture.arguments)
    n, d = x.shape
    # Wherever they are said to come from, nearly all of a component's points lie around it.
    for weight, mean, cov in zip(weights, means, covs, strict=True):
        distances = np.square(np.linalg.solve(np.linalg.cholesky(cov), (x - mean).T)).sum(axis=0)
        if (distances < chdtri(d, 0.01)).mean() < 0.99 * weight - 5 * np.sqrt(weight / n):
            return False
    for direction in (*np.eye(d), np.ones(d)):
        mean, std = means @ direction, np.sqrt(np.einsum("i,kij,j->k", direction, covs, direction))
        quantiles = ndtr(((x.astype(np.float64) @ direction)[:, np.newaxis] - mean) / std) @ weights
        if scipy.stats.kstest(quantiles, "uniform").pvalue < DOUBTFUL:
            return False
    return n > ENOUGH


def _mistakes(mixture: Mixture, factors: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Explanation, means and factors that it amounts to."""
    means, covs = mixture.means, mixture.covs.astype(np.float64)
    variances = np.diagonal(covs, axis1=1, axis2=2)
    identity = np.eye(means.shape[1])
    k, first = len(means), np.zeros(len(means), dtype=int)
    roots = np.sign(covs) * np.sqrt(np.abs(covs))
    inverse = "it looks as if the inverses of the covariances (precisions) were used"
    changed = [
        ("it looks as if the variances were used as standard deviations", means, variances[..., np.newaxis] * identity),
        ("it looks as if cov @ eps were drawn: use a factor L with L @ L.T = cov, e.g. Cholesky's", means, covs),
        ("it looks as if L.T stood where L belongs (eps @ L instead of eps @ L.T)", means, factors.swapaxes(1, 2)),
        (
            "it looks as if the correlations were ignored: only the variances are used",
            means,
            np.sqrt(variances)[..., np.newaxis] * identity,
        ),
        ("it looks as if every entry of cov had its square root taken: use Cholesky's factor", means, roots),
        ("it looks as if the covariances were ignored", means, np.broadcast_to(identity, covs.shape)),
        (inverse, means, np.linalg.cholesky(np.linalg.inv(covs))),
        ("it looks as if the means were not added", np.zeros_like(means), factors),
        ("it looks as if the means were subtracted", -means, factors),
        ("it looks as if all points had the covariance of the first component", means, factors[first]),
        *(
            (f"it looks as if each component had the {name} of {which}", *changed_parts)
            for name, own in (("covariance", False), ("mean", True))
            for which, order in (
                ("the component before it", np.roll(np.arange(k), 1)),
                ("the component after it", np.roll(np.arange(k), -1)),
                ("another one: their order is reversed", np.arange(k)[::-1]),
            )
            if k > 2 or which == "the component before it"
            for changed_parts in [(means[order], factors) if own else (means, factors[order])]
        ),
        (
            "it looks as if every component made a draw and x were their weighted sum; each point comes from one",
            np.broadcast_to(mixture.weights @ means, means.shape),
            np.broadcast_to(np.linalg.cholesky(np.einsum("k,kij->ij", mixture.weights**2, covs)), covs.shape),
        ),
        ("it looks as if all points had the mean of the first component", means[first], factors),
        ("it looks as if all points came from the first component", means[first], factors[first]),
        *(
            (
                "it looks as if a small constant were added to the diagonals of the covariances",
                means,
                np.linalg.cholesky(covs + constant * identity),
            )
            for constant in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
        ),
    ]
    # What changes no factor and no mean explains nothing.
    return [
        (cause, other, factor)
        for cause, other, factor in changed
        if not (np.allclose(other, means) and np.allclose(factor @ factor.swapaxes(1, 2), covs, rtol=1e-9, atol=0))
    ]


def _explains(eps: np.ndarray, component: np.ndarray, calls: int) -> bool:
    """Whether noise under a mistake's transformation looks right."""
    if not np.isfinite(eps).all():
        return False
    try:
        _check_noise(eps, component, calls)
    except CheckFailed:
        return False
    # More closely than where it is a matter of points.
    return bool(scipy.stats.kstest(eps.ravel(), "norm").pvalue > DOUBTFUL)
