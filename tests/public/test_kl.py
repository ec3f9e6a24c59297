"""Public checks of kl.py: divergences in closed form."""

import math
from functools import partial

import numpy as np
import pytest

from autograder.door.cases import check_cases
from autograder.door.diagnose import check, check_tensor, fail

KL = "kl.kl_univariate_normal"
CATEGORICAL = "kl.kl_categorical"


@pytest.mark.kl_univariate_normal
def test_kl_normal_by_hand(submission, cases):
    """kl_univariate_normal agrees with values computed by hand"""
    check_cases(cases("by_hand"), partial(submission.call, KL), "kl_univariate_normal", others=cases("generic"))


@pytest.mark.kl_univariate_normal
def test_kl_normal_never_negative(submission, rng):
    """kl_univariate_normal is never negative, is zero from a distribution to itself, and broadcasts"""
    shapes = [((), (), (), ()), ((3,), (3,), (3,), (3,)), ((2, 1), (3,), (), (2, 3)), ((4, 1, 2), (1,), (3, 1), (2,))]
    for dtype in ("float32", "float64"):
        for mean1, variance1, mean2, variance2 in shapes:
            mu1, mu2 = (np.asarray(rng.uniform(-10, 10, shape), dtype) for shape in (mean1, mean2))
            var1, var2 = (np.asarray(10 ** rng.uniform(-2, 2, shape), dtype) for shape in (variance1, variance2))
            for other in (mu2, var2), (mu1, var1):
                check_bound(submission, mu1, var1, *other)


def check_bound(submission, *arguments):
    """kl_univariate_normal of these has the right shape, no negative value, and zeros for equal distributions."""
    mu1, var1, mu2, var2 = arguments
    what, shape = "kl_univariate_normal", np.broadcast_shapes(*(x.shape for x in arguments))
    value = check_tensor(submission.call(KL, *arguments), what=what, shape=shape)
    itself = mu1 is mu2 and var1 is var2
    wrong = np.abs(value) > 1e-5 if itself else value < -1e-5
    if wrong.any():
        rule = "from a distribution to itself the divergence is zero" if itself else "a KL divergence is never negative"
        m, v, n, w, found = (np.broadcast_to(x, shape)[wrong][0] for x in (*arguments, value))
        fail(f"{what}: {rule}, but that of N({m:g}, {v:g}) from N({n:g}, {w:g}) is {found:g}.")


@pytest.mark.kl_categorical
def test_kl_categorical_by_hand(submission, cases):
    """kl_categorical agrees with values computed by hand, zero probabilities included"""
    others = [*cases("generic"), *cases("infinite")]
    check_cases(cases("by_hand"), partial(submission.call, CATEGORICAL), "kl_categorical", others)


@pytest.mark.kl_categorical
def test_kl_categorical_infinite(submission, cases):
    """kl_categorical is infinite where q rules out what p allows"""
    others = [*cases("generic"), *cases("by_hand")]
    what = "kl_categorical where q = 0 < p"
    check_cases(cases("infinite"), partial(submission.call, CATEGORICAL), what, others)


@pytest.mark.triangle_violation
def test_triangle_violation(submission):
    """triangle_violation returns variances for which the detour is shorter than the direct way"""
    found = submission.call("kl.triangle_violation")
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        cause = "the `return` of the three variances is missing" if found is None else ""
        fail("triangle_violation: it should return three variances, as a tuple (v1, v2, v3).", cause)
    numbers = [isinstance(v, (int, float)) or (isinstance(v, np.ndarray) and v.size == 1) for v in found]
    check(all(numbers), "triangle_violation: each variance should be one number.")
    variances = np.array([float(np.asarray(v).reshape(())) for v in found])
    check(np.isfinite(variances).all(), "triangle_violation: each variance should be finite.")
    check((variances > 0).all(), "triangle_violation: each variance should be positive.")

    def gain(v1: float, v2: float, v3: float) -> float:
        """How much the detour over v2 saves, in nats."""
        return divergence(v1, v3) - divergence(v1, v2) - divergence(v2, v3)

    message = "triangle_violation: KL(p || r) is not larger than KL(p || q) + KL(q || r) for these variances."
    if gain(*variances) > 1e-9:
        return
    first, second, third = variances
    if not min(first, third) < second < max(first, third):
        fail(f"{message} The detour is short only if the second variance is between the other two.")
    others = {
        "they would be right as standard deviations; return variances": variances**2,
        "they would be right in reverse order": variances[::-1],
    }
    causes = [cause for cause, other in others.items() if gain(*other) > 1e-9]
    fail(message, causes[0] if len(causes) == 1 else "")


def divergence(v, w):
    """KL(N(0, v) || N(0, w)), integrated over 12 standard deviations to either side by the trapezoidal rule."""
    x, step = np.linspace(-12 * math.sqrt(v), 12 * math.sqrt(v), 4001, retstep=True)
    log_p, log_q = (-0.5 * (x**2 / variance + math.log(2 * math.pi * variance)) for variance in (v, w))
    return float((np.exp(log_p) * (log_p - log_q)).sum() * step)
