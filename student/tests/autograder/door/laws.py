"""Statistical checks: does a sample follow the law that it should?

Each check may reject a right sample with probability at most `alpha`, ALPHA by default; `spent` records what the
checks of this process have used up: a whole grading's sum must stay below 1e-9.
Inside a check the probability is divided evenly over its comparisons (Bonferroni).

A message says which statistic is off, and nothing else. A cause comes from the caller, and is named only where the
statistic leaves no other.
"""

from collections.abc import Mapping

import numpy as np
import scipy  # loads scipy.stats, which takes half a second, only where a cause is looked for
from scipy.special import bdtr, bdtrc, chdtr, chdtrc, ndtr, ndtri, stdtrit

from autograder.door.diagnose import CheckFailed, check, check_tensor, fail

ALPHA = 1e-12
ENOUGH_ROWS = 30  # of which a correlation is taken
DOUBTFUL = 1e-6  # a cause is not named if what was seen would be less probable than this under it
SAME = 0.01  # how little draws differ, in standard deviations, that are one and the same but for rounding
EACH_WITH_EACH = 64  # columns; of more, only some pairs are compared

spent: list[tuple[str, float]] = []


def check_standard_normal(
    samples: np.ndarray, what: str, causes: Mapping[str, str] | None = None, alpha: float = ALPHA
) -> None:
    """Independent draws, of any shape: do mean, variance, tails and distribution fit N(0, 1)?

    Args:
        samples: finite numbers; they must be independent (see `check_independent` first).
        what: what the draws are, for the message.
        causes: what a wrong "mean", "small variance", "large variance" or "distribution" can only come from.
    """
    spent.append((what, alpha))
    x = _finite(samples, what).ravel()
    n, part = x.size, alpha / 5

    def reject(kind: str, message: str) -> None:
        fail(f"{what}: {message}.", (causes or {}).get(kind, ""))

    if n > 1 and (x == x[0]).all():
        fail(f"{what}: all draws are equal; each must be drawn by itself.")
    if 2 * ndtr(-abs(x.mean()) * np.sqrt(n)) < part:
        reject("mean", "after standardising, the mean of the draws is not 0")
    squares = float(x @ x)  # chi-squared with n degrees of freedom
    if 2 * chdtr(n, squares) < part:
        reject("small variance", "after standardising, the variance of the draws is too small")
    if 2 * chdtrc(n, squares) < part:
        reject("large variance", "after standardising, the variance of the draws is too large")
    # Few draws tell a flat law from the normal one by its tails: about one draw in 22 is larger than 2, one in 370
    # larger than 3.
    for size in (2, 3):
        beyond, share = int((np.abs(x) > size).sum()), 2 * ndtr(-size)
        if 2 * _tail(beyond, n, share) < part:
            reject("distribution", "the draws do not have the shape of a normal distribution: look at its tails")
    # The Dvoretzky-Kiefer-Wolfowitz inequality in Massart's form holds for every n.
    ordered = ndtr(np.sort(x))
    steps = np.arange(n + 1) / n
    distance = max(np.abs(ordered - steps[1:]).max(), np.abs(ordered - steps[:-1]).max())
    if distance > np.sqrt(np.log(2 / part) / (2 * n)):
        reject("distribution", "the draws do not have the shape of a normal distribution")


def looks_uniform(samples: np.ndarray) -> bool:
    """Whether more than 100 numbers may be uniform between 0 and 1, between -1 and 1, or with mean 0 and variance 1."""
    if samples.size <= 100:
        return False
    uniform, x = scipy.stats.uniform, samples.ravel()
    laws = (uniform(0, 1), uniform(-1, 2), uniform(-(3**0.5), 2 * 3**0.5))
    return any(scipy.stats.kstest(x, law.cdf).pvalue > DOUBTFUL for law in laws)


def check_independent(samples: np.ndarray, what: str, cause: str = "", alpha: float = ALPHA) -> None:
    """n rows of m standard normal quantities: is every pair of columns uncorrelated?

    Arrange the draws so that columns are what must be independent: rows of a batch, coordinates, or calls.

    Args:
        samples: (n, m) with n >= 30, m >= 2.
        what: what must be independent of what, for the message.
        cause: why two columns may be one and the same noise. Of other correlations it is not named: draws that are not
            standard normal, such as those around a mean that varies, correlate, too.
    """
    spent.append((what, alpha))
    x = _finite(samples, what)
    n, m = x.shape
    constant = np.ptp(x, axis=0) == 0
    check(not constant.any(), f"{what}: a quantity that should be random never varies.")
    with np.errstate(invalid="ignore"):
        correlations = np.corrcoef(x, rowvar=False)
    correlation = correlations[np.triu_indices(m, 1)]
    # For independent normal columns r * sqrt((n - 2) / (1 - r^2)) has Student's law with n - 2 degrees of freedom.
    limit = -stdtrit(n - 2, alpha / (2 * correlation.size))
    limit = limit / np.sqrt(n - 2 + limit**2)
    if not np.abs(correlation).max() <= limit:  # NaN included
        strengths = np.abs(np.triu(correlations, 1))
        first, second = x[:, np.array(np.unravel_index(strengths.argmax(), strengths.shape))].T
        same = min(np.abs(first - second).max(), np.abs(first + second).max()) < SAME
        if same:
            fail(f"{what}: the same noise is used more than once.", cause)
        fail(f"{what}: the draws are correlated.")


def check_fresh(eps: np.ndarray, what: str, causes: Mapping[str, str], alpha: float = ALPHA) -> None:
    """Standard normal noise: is every number drawn by itself, along every axis?

    Noise may be shared, correlated (each with each, with its neighbour, with the one half the axis away), or balanced:
    antithetic, standardised or stratified draws have sums that vary less than those of independent ones.

    Args:
        eps: noise, one axis for each of `causes`.
        what: what the noise is of, for the message.
        causes: for each axis what lies along it and why noise may be the same there: {"calls": "A seed is set."}.
    """
    eps = _finite(eps, what)
    check(eps.size == 1 or np.ptp(eps) > 0, f"{what}: all draws are equal; each must be drawn by itself.")
    # First noise that is shared outright, which would also look like a correlation along the other axes.
    for axis, (name, cause) in enumerate(causes.items()):
        shared = eps.shape[axis] > 1 and bool((np.ptp(eps, axis=axis) < 1e-3).all())
        check(not shared, f"{what}: the same noise is used for different {name}.", cause)
    part = alpha / (4 * eps.ndim)
    for axis, (name, cause) in enumerate(causes.items()):
        rows = np.moveaxis(eps, axis, -1).reshape(-1, eps.shape[axis])
        count = rows.shape[1]
        if count < 2:
            continue
        of = f"{what}: noise of different {name}"
        if count <= EACH_WITH_EACH and len(rows) >= ENOUGH_ROWS:
            check_independent(rows, of, cause, part)
        half = count // 2
        apart = np.stack([rows[:, :half], rows[:, -half:]], axis=-1).reshape(-1, 2)
        beside = rows[:, : 2 * half].reshape(-1, 2)
        for pairs in (beside, apart):
            if len(pairs) >= ENOUGH_ROWS:
                check_independent(pairs, of, cause, part / 2)
        squares = np.square(rows).sum(axis=1)
        low, high = chdtr(count, squares), chdtrc(count, squares)
        sizes = np.where(low < high, ndtri(low), -ndtri(high)).clip(-37, 37)  # beyond is 0 for a float
        for sums, quantity in ((rows.sum(axis=1) / np.sqrt(count), "mean"), (sizes, "size")):
            try:
                check_standard_normal(sums, of, alpha=part / 2)
            except CheckFailed:
                calm = len(sums) > 1 and chdtr(len(sums) - 1, len(sums) * sums.var()) < part / 2
                calm = calm and abs(sums.mean()) <= 1  # else it is its own size that is wrong
                check(not calm, f"{of} is balanced: its {quantity} is always nearly the same.")
                raise


def check_counts(
    counts: np.ndarray, probabilities: np.ndarray, what: str, cause: str = "", alpha: float = ALPHA
) -> None:
    """Numbers of draws per category: does each have its binomial law (exact test)?

    Args:
        counts: (K,) integers; their sum is the number of draws.
        probabilities: (K,).
        cause: why they may not.
    """
    spent.append((what, alpha))
    n = int(np.sum(counts))
    for count, p in zip(counts, probabilities, strict=True):
        # A count may be impossible rather than improbable.
        likely = 2 * _tail(count, n, p) >= alpha / len(counts)
        check(likely, f"{what}: the frequencies do not fit the probabilities.", cause)


def check_mean(
    values: np.ndarray,
    expected: "float | np.ndarray",
    std: "float | np.ndarray",
    what: str,
    cause: str = "",
    slack: float = 0.0,
    alpha: float = ALPHA,
) -> None:
    """Averages of many independent terms: does each have its expectation?

    The law of an average is taken as normal with the given standard deviation times 1.25: terms with mild tails
    reach their limit law only approximately.

    Args:
        values: averages, any shape.
        expected: their expectations.
        std: their standard deviations (of the averages, not of the terms), from an oracle.
        cause: why one may not.
        slack: what to allow on top, e.g. for rounding and for the oracle's own error.
    """
    spent.append((what, alpha))
    x = _finite(values, what)
    deviation = np.abs(x - expected)
    limit = -ndtri(alpha / (2 * x.size)) * 1.25 * np.asarray(std) + slack
    check((deviation <= limit).all(), f"{what}: the average over many draws is not what it should be.", cause)


def check_differ(first: np.ndarray, second: np.ndarray, what: str, cause: str = "") -> None:
    """Two draws of the same continuous quantities, at least four of them: fail if all of them are equal.

    Args:
        cause: why they may be.
    """
    if first.shape == second.shape and first.size >= 4 and (first == second).all():
        fail(f"{what}: two calls give the same draws; each must draw noise of its own.", cause)


def _tail(count: int, n: int, p: float) -> float:
    """Probability of so few of n independent events of probability p, or of so many, whichever is smaller."""
    return min(bdtr(count, n, p), bdtrc(count - 1, n, p))


def _finite(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    return check_tensor(values, what=what, shape=values.shape).astype(np.float64)
