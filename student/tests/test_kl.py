"""Public checks of kl.py: divergences in closed form."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given

from autograder.door.diagnose import check, check_close, check_tensor, fail
from support import oracles
from support.mistakes import kl as mistakes
from support.strategies import normal_pairs


@pytest.mark.kl_univariate_normal
def test_kl_normal_by_hand(submission):
    """kl_univariate_normal agrees with values computed by hand"""
    mu1, var1, mu2, var2 = np.array(
        [
            [1.0, 4.0, 0.0, 1.0],  # (4 + 1 - 1 - log 4) / 2
            [0.0, 1.0, 2.0, 1.0],  # means only: 2^2 / 2
            [0.0, 9.0, 0.0, 3.0],  # variances only: (3 - 1 - log 3) / 2
            [-1.0, 0.5, 3.0, 2.0],  # (1/4 + 16/2 - 1 + log 4) / 2
        ],
    ).T
    by_hand = [(4 - math.log(4)) / 2, 2.0, (2 - math.log(3)) / 2, (7.25 + math.log(4)) / 2]
    value = submission.call("kl.kl_univariate_normal", mu1, var1, mu2, var2)
    check_close(
        value,
        by_hand,
        what="kl_univariate_normal",
        mistakes=partial(mistakes.of_kl_univariate_normal, mu1, var1, mu2, var2),
    )


@pytest.mark.kl_univariate_normal
@given(arguments=normal_pairs())
def test_kl_normal_never_negative(submission, arguments):
    """kl_univariate_normal is never negative, is zero from a distribution to itself, and broadcasts"""
    mu1, var1, mu2, var2 = arguments
    what = "kl_univariate_normal"
    value = submission.call("kl.kl_univariate_normal", mu1, var1, mu2, var2)
    check_tensor(value, what=what, shape=np.broadcast_shapes(*(x.shape for x in arguments)))
    check((value >= -1e-5).all(), f"{what}: a KL divergence is never negative, whatever the two distributions are.")
    itself = submission.call("kl.kl_univariate_normal", mu1, var1, mu1, var1)
    check((np.abs(itself) <= 1e-5).all(), f"{what}: from a distribution to itself the divergence is zero.")


@pytest.mark.kl_categorical
def test_kl_categorical_by_hand(submission):
    """kl_categorical agrees with values computed by hand, zero probabilities included"""
    p = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]], dtype=np.float32)
    q = np.array([[0.25, 0.75, 0.0], [0.5, 0.25, 0.25], [0.2, 0.3, 0.5]], dtype=np.float32)
    value = submission.call("kl.kl_categorical", p, q)
    check_close(
        value,
        [math.log(2) / 2 + math.log(2 / 3) / 2, math.log(2), 0.0],
        what="kl_categorical",
        mistakes=partial(mistakes.of_kl_categorical, p, q),
    )


@pytest.mark.kl_categorical
def test_kl_categorical_infinite(submission):
    """kl_categorical is infinite where q rules out what p allows"""
    p, q = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    value = submission.call("kl.kl_categorical", p, q)
    check_close(
        value,
        [math.inf, math.log(2)],
        what="kl_categorical where q = 0 < p",
        mistakes=partial(mistakes.of_kl_categorical, p, q),
    )


@pytest.mark.triangle_violation
def test_triangle_violation(submission):
    """triangle_violation returns variances for which the detour is shorter than the direct way"""
    found = submission.call("kl.triangle_violation")
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        fail("triangle_violation: it should return three variances, as a tuple (v1, v2, v3).")
    numbers = [isinstance(v, (int, float)) or (isinstance(v, np.ndarray) and v.size == 1) for v in found]
    check(all(numbers), "triangle_violation: each variance should be one number.")
    variances = np.array([float(np.asarray(v).reshape(())) for v in found])
    check(np.isfinite(variances).all(), "triangle_violation: each variance should be finite.")
    check((variances > 0).all(), "triangle_violation: each variance should be positive.")

    def gain(v1: float, v2: float, v3: float) -> float:
        """How much the detour over v2 saves, in nats."""
        return float(
            oracles.kl_univariate_normal(0, v1, 0, v3)
            - oracles.kl_univariate_normal(0, v1, 0, v2)
            - oracles.kl_univariate_normal(0, v2, 0, v3)
        )

    message = "triangle_violation: KL(p || r) is not larger than KL(p || q) + KL(q || r) for these variances."
    if gain(*variances) <= 1e-9 < gain(*variances**2):
        fail(f"{message} They would be right as standard deviations; return variances.")
    if gain(*variances) <= 1e-9 < gain(*variances[::-1]):
        fail(f"{message} They would be right in reverse order.")
    check(gain(*variances) > 1e-9, message)
