"""The statistical checks: right samples pass, and wrong ones fail."""

import numpy as np
import pytest
from scipy import stats

from autograder.door import laws
from autograder.door.diagnose import CheckFailed


@pytest.mark.parametrize("seed", range(20))
def test_right_samples_pass(seed):
    rng = np.random.default_rng(seed)
    laws.check_standard_normal(rng.standard_normal((40, 25)).astype(np.float32), "noise")
    laws.check_independent(rng.standard_normal((100, 12)), "noise")
    laws.check_counts(rng.multinomial(5000, [0.2, 0.5, 0.3]), np.array([0.2, 0.5, 0.3]), "components")
    laws.check_counts(np.array([0, 700, 0]), np.array([0.0, 1.0, 0.0]), "components")
    laws.check_mean(rng.standard_normal((1000, 3)).mean(axis=0), 0.0, 1000**-0.5, "average")


WRONG_NOISE = {
    "mean": (lambda x: x + 0.2, "the mean"),
    "small variance": (lambda x: 0.85 * x, "variance .* too small"),
    "large variance": (lambda x: 1.15 * x, "variance .* too large"),
    "uniform": (lambda x: np.sqrt(12) * (stats.norm.cdf(x) - 0.5), "shape of a normal"),
    "signs": (np.sign, "shape of a normal"),
    "constant": (np.zeros_like, "all draws are equal"),
    "NaN": (lambda x: np.where(x > 2, np.nan, x), "NaN"),
}


@pytest.mark.parametrize("kind", WRONG_NOISE)
def test_wrong_noise_fails(rng, kind):
    distort, message = WRONG_NOISE[kind]
    with pytest.raises(CheckFailed, match=message):
        laws.check_standard_normal(distort(rng.standard_normal(5000)), "noise")


def test_hints_are_given_for_what_was_found(rng):
    with pytest.raises(CheckFailed, match=r"Was exp\(logvar\) used\?"):
        hints = {"large variance": "Was exp(logvar) used?", "mean": "No."}
        laws.check_standard_normal(2 * rng.standard_normal(1000), "noise", hints)


@pytest.mark.parametrize(
    "dependent, message",
    [
        (lambda x: np.repeat(x[:, :1], 4, axis=1), "same noise"),
        (lambda x: x + 0.7 * x[:, :1], "correlated"),
        (lambda x: np.concatenate([x, -x], axis=1), "same noise"),
        (lambda x: np.ones_like(x) * x[:1], "never varies"),
    ],
)
def test_dependent_columns_fail(rng, dependent, message):
    with pytest.raises(CheckFailed, match=message):
        laws.check_independent(dependent(rng.standard_normal((200, 4))), "noise")


def test_wrong_counts_fail():
    with pytest.raises(CheckFailed, match="frequencies"):
        laws.check_counts(np.array([330, 340, 330]), np.array([0.2, 0.5, 0.3]), "components")
    with pytest.raises(CheckFailed, match="frequencies"):
        laws.check_counts(np.array([1, 699, 0]), np.array([0.0, 1.0, 0.0]), "components")


def test_wrong_mean_and_repeated_draws_fail(rng):
    with pytest.raises(CheckFailed, match="average"):
        laws.check_mean(np.array([0.0, 0.5]), 0.0, 0.03, "average")
    x = rng.standard_normal(10)
    with pytest.raises(CheckFailed, match="two calls"):
        laws.check_differ(x, x.copy(), "noise")
    laws.check_differ(x, x[::-1], "noise")


def test_rejects_as_often_as_stated(rng):
    """At a large alpha, where it can be seen, right samples are rejected at most that often."""
    n, alpha = 400, 0.2
    rejected = {"normal": 0, "independent": 0, "counts": 0, "mean": 0}

    def count(name, check, *arguments):
        try:
            check(*arguments, "trial", alpha=alpha)
        except CheckFailed:
            rejected[name] += 1

    probabilities = np.array([0.2, 0.5, 0.3])
    for _ in range(n):
        count("normal", laws.check_standard_normal, rng.standard_normal(200))
        count("independent", laws.check_independent, rng.standard_normal((50, 4)))
        count("counts", laws.check_counts, rng.multinomial(300, probabilities), probabilities)
        count("mean", laws.check_mean, rng.standard_normal((100, 5)).mean(axis=0), 0.0, 0.1)
    for name, times in rejected.items():
        # Fixed seed; the bound leaves no room for a rate of 0.3.
        assert times <= n * alpha + 3 * (n * alpha * (1 - alpha)) ** 0.5, (name, times)
