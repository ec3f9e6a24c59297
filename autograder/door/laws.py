"""Statistical checks: does a sample follow the law that it should?

Each check may reject a right sample with probability at most `alpha`, ALPHA by default; `spent` records what the
checks of this process have used up: a whole grading's sum must stay below 1e-9.
Inside a check the probability is divided evenly over its comparisons (Bonferroni).
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from autograder.door.diagnose import CheckFailed, check, check_tensor, fail

ALPHA = 1e-12
ENOUGH_ROWS = 30  # of which a correlation is taken
EACH_WITH_EACH = 64  # columns; of more, only some pairs are compared

spent: list[tuple[str, float]] = []


def check_standard_normal(
    samples: np.ndarray, what: str, hints: Mapping[str, str] | None = None, alpha: float = ALPHA
) -> None:
    """Independent draws, of any shape: do mean, variance, tails and distribution fit N(0, 1)?

    Args:
        samples: finite numbers; they must be independent (see `check_independent` first).
        what: what the draws are, for the message.
        hints: what to add to the message of "mean", "small variance", "large variance" or "distribution".
    """
    spent.append((what, alpha))
    hints = hints or {}
    x = _finite(samples, what).ravel()
    n, part = x.size, alpha / 5

    def reject(kind: str, message: str) -> None:
        fail(f"{what}: {message}. {hints[kind]}" if kind in hints else f"{what}: {message}.")

    if n > 1 and (x == x[0]).all():
        fail(f"{what}: all draws are equal. Noise must be drawn afresh for every entry.")
    if 2 * stats.norm.sf(abs(x.mean()) * np.sqrt(n)) < part:
        reject("mean", f"after standardising, the mean of {n} draws is not 0")
    squares = float(x @ x)  # chi-squared with n degrees of freedom
    if 2 * stats.chi2.cdf(squares, n) < part:
        reject("small variance", f"after standardising, the variance of {n} draws is too small")
    if 2 * stats.chi2.sf(squares, n) < part:
        reject("large variance", f"after standardising, the variance of {n} draws is too large")
    # Few draws tell a flat law from the normal one by its tails: about one draw in 22 is larger than 2, one in 370
    # larger than 3.
    for size in (2, 3):
        beyond, share = int((np.abs(x) > size).sum()), 2 * stats.norm.sf(size)
        if 2 * min(stats.binom.cdf(beyond, n, share), stats.binom.sf(beyond - 1, n, share)) < part:
            reject("distribution", f"{n} draws do not have the shape of a normal distribution: look at its tails")
    # The Dvoretzky-Kiefer-Wolfowitz inequality in Massart's form holds for every n.
    ordered = stats.norm.cdf(np.sort(x))
    steps = np.arange(n + 1) / n
    distance = max(np.abs(ordered - steps[1:]).max(), np.abs(ordered - steps[:-1]).max())
    if distance > np.sqrt(np.log(2 / part) / (2 * n)):
        reject("distribution", f"{n} draws do not have the shape of a normal distribution")


def check_independent(samples: np.ndarray, what: str, hint: str = "", alpha: float = ALPHA) -> None:
    """n rows of m standard normal quantities: is every pair of columns uncorrelated?

    Arrange the draws so that columns are what must be independent: rows of a batch, coordinates, or calls.

    Args:
        samples: (n, m) with n >= 30, m >= 2.
        what: what must be independent of what, for the message.
        hint: what to add to the message.
    """
    spent.append((what, alpha))
    x = _finite(samples, what)
    n, m = x.shape
    constant = np.ptp(x, axis=0) == 0
    check(not constant.any(), f"{what}: a quantity that should be random never varies. {hint}".rstrip())
    with np.errstate(invalid="ignore"):
        correlation = np.corrcoef(x, rowvar=False)[np.triu_indices(m, 1)]
    # For independent normal columns r * sqrt((n - 2) / (1 - r^2)) has Student's law with n - 2 degrees of freedom.
    limit = stats.t.isf(alpha / (2 * correlation.size), n - 2)
    limit = limit / np.sqrt(n - 2 + limit**2)
    worst = np.abs(correlation).max()
    if worst > 0.999:
        fail(f"{what}: the same noise is used more than once. {hint}".rstrip())
    check(worst <= limit, f"{what}: the draws are correlated. {hint}".rstrip())


def check_fresh(eps: np.ndarray, what: str, hints: Mapping[str, str], alpha: float = ALPHA) -> None:
    """Standard normal noise: is every number drawn by itself, along every axis?

    Noise may be shared, correlated (each with each, with its neighbour, with the one half the axis away), or balanced:
    antithetic, standardised or stratified draws have sums that vary less than those of independent ones.

    Args:
        eps: noise, one axis for each of `hints`.
        what: what the noise is of, for the message.
        hints: for each axis what lies along it and what to do: {"calls": "Draw afresh in every call."}.
    """
    eps = _finite(eps, what)
    # First noise that is shared outright, which would also look like a correlation along the other axes.
    for axis, (name, hint) in enumerate(hints.items()):
        shared = eps.shape[axis] > 1 and bool((np.ptp(eps, axis=axis) < 1e-3).all())
        check(not shared, f"{what}: the same noise is used for different {name}. {hint}")
    part = alpha / (4 * eps.ndim)
    for axis, (name, hint) in enumerate(hints.items()):
        rows = np.moveaxis(eps, axis, -1).reshape(-1, eps.shape[axis])
        count = rows.shape[1]
        if count < 2:
            continue
        of = f"{what}: noise of different {name}"
        if count <= EACH_WITH_EACH and len(rows) >= ENOUGH_ROWS:
            check_independent(rows, of, hint, part)
        half = count // 2
        apart = np.stack([rows[:, :half], rows[:, -half:]], axis=-1).reshape(-1, 2)
        beside = rows[:, : 2 * half].reshape(-1, 2)
        for pairs in (beside, apart):
            if len(pairs) >= ENOUGH_ROWS:
                check_independent(pairs, of, hint, part / 2)
        balanced = f"{of} is balanced: its mean or its size is always nearly the same. {hint}".rstrip()
        squares = np.square(rows).sum(axis=1)
        low, high = stats.chi2.cdf(squares, count), stats.chi2.sf(squares, count)
        sizes = np.where(low < high, stats.norm.ppf(low), stats.norm.isf(high)).clip(-37, 37)  # beyond is 0 for a float
        for sums in (rows.sum(axis=1) / np.sqrt(count), sizes):
            try:
                check_standard_normal(sums, of, alpha=part / 2)
            except CheckFailed:
                check(sums.var() >= 1 or abs(sums.mean()) > 1, balanced)
                raise


def check_counts(
    counts: np.ndarray, probabilities: np.ndarray, what: str, hint: str = "", alpha: float = ALPHA
) -> None:
    """Numbers of draws per category: does each have its binomial law (exact test)?

    Args:
        counts: (K,) integers; their sum is the number of draws.
        probabilities: (K,).
    """
    spent.append((what, alpha))
    n = int(np.sum(counts))
    for count, p in zip(counts, probabilities, strict=True):
        # A count may be impossible rather than improbable.
        tail = min(stats.binom.cdf(count, n, p), stats.binom.sf(count - 1, n, p))
        check(2 * tail >= alpha / len(counts), f"{what}: the frequencies do not fit the probabilities. {hint}".rstrip())


def check_mean(
    values: np.ndarray,
    expected: "float | np.ndarray",
    std: "float | np.ndarray",
    what: str,
    hint: str = "",
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
        slack: what to allow on top, e.g. for rounding and for the oracle's own error.
    """
    spent.append((what, alpha))
    x = _finite(values, what)
    deviation = np.abs(x - expected)
    limit = stats.norm.isf(alpha / (2 * x.size)) * 1.25 * np.asarray(std) + slack
    check((deviation <= limit).all(), f"{what}: the average over many draws is not what it should be. {hint}".rstrip())


def check_differ(first: np.ndarray, second: np.ndarray, what: str) -> None:
    """Two draws of the same continuous quantities, at least four of them: fail if all of them are equal."""
    if first.shape == second.shape and first.size >= 4 and (first == second).all():
        fail(f"{what}: two calls give the same draws. Noise must be fresh; nothing may seed the generator.")


def _finite(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    return check_tensor(values, what=what, shape=values.shape).astype(np.float64)
