"""Hidden checks of kl.py: the divergences of normals and of discrete distributions."""

from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.door.diagnose import CheckFailed, case, check, check_gradients, explained, fail
from autograder.door.submission import SubmissionError
from support import oracles
from support.mistakes import kl as mistakes
from support.observing import RANDOM, check_value, right_elsewhere
from support.strategies import DTYPES, normal_pairs, probabilities
from support.terms import cause_of_terms

NORMAL = "kl.kl_univariate_normal"
CATEGORICAL = "kl.kl_categorical"
# The first example, so that no two mistakes look alike: most coincide where a mean is 0 or a variance 1.
GENERIC = mistakes.NORMALS[0]
MANY = tuple(np.geomspace(low, high, 3000) for low, high in ((0.1, 9), (4, 0.2), (5, 0.3), (0.3, 3)))


def rounding(mu1, var1, mu2, var2):
    """What an evaluation of the formula may be off by: each of its terms is rounded once or twice."""
    mu1, var1, mu2, var2 = (x.astype(np.float64) for x in (mu1, var1, mu2, var2))
    epsilon = np.finfo(np.float32).eps
    return 4 * epsilon * (1 + np.abs(np.log(var1)) + np.abs(np.log(var2)) + (var1 + (mu1 - mu2) ** 2) / var2)


def check_normal(submission, arguments, **how):
    """kl_univariate_normal of these arguments is right."""
    call = partial(submission.call, NORMAL)
    with explained(partial(cause_of_terms, call, [({}, [MANY])], terms_of_normal), own_first=True):
        check_value(
            call,
            arguments,
            right=oracles.kl_univariate_normal,
            mistakes=mistakes.of_kl_univariate_normal,
            inputs=mistakes.NORMALS,
            **{"what": "kl_univariate_normal", **how},
        )


def terms_of_normal(mu1, var1, mu2, var2):
    """What the divergence of normals is the sum of."""
    return {
        "the ratio of the variances": 0.5 * var1 / var2,
        "the squared distance of the means": 0.5 * (mu1 - mu2) ** 2 / var2,
        "the 1": -0.5,
        "the logarithm": 0.5 * (np.log(var2) - np.log(var1)),
    }


def check_categorical(submission, p, q, **how):
    """kl_categorical of these probabilities is right."""
    # What is wrong of positive probabilities may be wrong in another way where some are zero.
    positive = (p > 0).all() and (q > 0).all()
    check_value(
        partial(submission.call, CATEGORICAL),
        (p, q),
        right=oracles.kl_categorical,
        mistakes=mistakes.of_kl_categorical,
        inputs=mistakes.POSITIVE if positive else mistakes.DISCRETE,
        **{"what": "kl_categorical", **how},
    )


@pytest.mark.kl_univariate_normal
@given(arguments=normal_pairs())
@example(arguments=GENERIC)
@example(arguments=MANY)
def test_kl_normal_closed_form(submission, arguments):
    """kl_univariate_normal agrees with the closed form for all means and variances, shapes and dtypes"""
    double = arguments[0].dtype == np.float64
    check_normal(
        submission,
        arguments,
        rtol=1e-6 if double else 1e-5,
        atol=1e-7 if double else rounding(*arguments),
    )


@pytest.mark.kl_univariate_normal
def test_kl_normal_by_integration(submission, rng):
    """kl_univariate_normal agrees with the integral that defines it, in both directions"""
    mu1, mu2 = rng.normal(size=(2, 4))
    var1, var2 = rng.uniform(0.3, 3.0, (2, 4))

    def integral(mu1, var1, mu2, var2):
        x = mu1 + 12 * np.sqrt(var1) * np.linspace(-1, 1, 2001)[:, np.newaxis]
        log_p, log_q = (
            oracles.log_normal(*(value[..., np.newaxis] for value in (x, *law))) for law in ((mu1, var1), (mu2, var2))
        )
        return np.trapezoid(np.exp(log_p) * (log_p - log_q), x, axis=0)

    for arguments in ((mu1, var1, mu2, var2), (mu2, var2, mu1, var1)):
        check_normal(submission, arguments, expected=integral(*arguments), rtol=1e-6)


@pytest.mark.kl_univariate_normal
def test_kl_normal_nearly_equal(submission, rng):
    """kl_univariate_normal is zero only for equal distributions, and never negative, also where they nearly agree"""
    mu1, var1 = rng.normal(size=40), rng.uniform(0.5, 2.0, 40)
    gap = np.geomspace(1e-4, 1e-2, 20)
    mu2 = mu1 + np.concatenate([gap, np.zeros(20)])
    var2 = var1 * np.concatenate([np.ones(20), 1 + gap])
    again = [submission.call(NORMAL, mu1, var1, mu2, var2) for _ in range(2)]
    if all(isinstance(value, np.ndarray) for value in again) and again[0].shape == again[1].shape:
        same = np.array_equal(*again, equal_nan=True)
        check(same, "kl_univariate_normal: two calls differ; the closed form is exact.", RANDOM)
    what = "kl_univariate_normal of nearly equal distributions"
    equal = {"nearly equal distributions are taken as equal": np.zeros(40)}
    # The divergence is the same in any unit of length, and wherever the origin is.
    for scale, shift in ((1.0, 0.0), (1e-5, 0.0), (1e-12, 0.0), (1e9, 0.0), (1e-3, 1e4)):
        arguments = scale * mu1 + shift, scale**2 * var1, scale * mu2 + shift, scale**2 * var2
        single = [x.astype(np.float32) for x in arguments]
        # The smallest divergence is 2.5e-9: far above what float64 loses.
        for pair, dtype, atol in ((arguments, "float64", 1e-13), (single, "float32", rounding(*single))):
            check_here = partial(check_normal, submission, what=what, here=equal, rtol=1e-4, atol=atol)
            why = partial(cause_of_origin, submission, check_here, pair)
            with case(f"{dtype}, far from 0" if shift else dtype), explained(why):
                check_here(pair)


def cause_of_origin(submission, check_here, arguments):
    """What to say if all is right with ordinary means, and with these, too, once mu1 is taken off both of them."""
    mu1, var1, mu2, var2 = arguments
    if not right_elsewhere(partial(submission.call, NORMAL), mistakes.NORMALS, oracles.kl_univariate_normal):
        return ""
    try:
        check_here([np.zeros_like(mu1), var1, mu2 - mu1, var2])
    except (CheckFailed, SubmissionError):
        return ""
    return "the result hangs on where the origin is: take mu1 - mu2 first (its square, multiplied out, cancels)"


@pytest.mark.kl_univariate_normal
def test_kl_normal_extreme_variances(submission, rng):
    """kl_univariate_normal survives tiny, huge and very different variances in float32"""
    # All ratios are ordinary float32 numbers: the formula as it stands in the handout, and torch's own, survive these.
    var1 = np.array([1e-12, 1e-10, 1e-15, 1e-18, 1e18, 1e-20, 1e-25, 1e25], dtype=np.float32)
    var2 = np.array([1e6, 1e10, 1e3, 1e-17, 1e18, 1e-20, 1e-26, 1e24], dtype=np.float32)
    mu = rng.normal(size=var1.size).astype(np.float32)
    # And the other way round, which is a large divergence; and means that are far apart.
    var1, var2 = np.r_[var1, var2, [1, 1e-4, 4]].astype(np.float32), np.r_[var2, var1, [1, 1e-4, 9]].astype(np.float32)
    mu1, mu2 = np.r_[mu, mu, [0, 1, -1e5]].astype(np.float32), np.r_[mu, mu, [300, -900, 2e5]].astype(np.float32)
    expected = oracles.kl_univariate_normal(mu1, var1, mu2, var2)
    call = partial(submission.call, NORMAL)
    value = call(mu1, var1, mu2, var2)
    if isinstance(value, np.ndarray) and value.shape == expected.shape and not np.isfinite(value).all():
        cause = "powers or products of variances under- or overflow where their ratio and its logarithm do not"
        fail(
            "kl_univariate_normal: not finite for very different variances.",
            cause if right_elsewhere(call, mistakes.NORMALS, oracles.kl_univariate_normal) else "",
        )
    what = "kl_univariate_normal of very different variances (add no small constant to them, and do not clip them)"
    check_normal(submission, (mu1, var1, mu2, var2), what=what, rtol=1e-4)


@pytest.mark.kl_univariate_normal
def test_kl_normal_gradients(submission, rng):
    """kl_univariate_normal has the right derivative by each of its arguments"""
    mu1, mu2 = rng.normal(size=(2, 5, 4))
    var1, var2 = rng.uniform(0.3, 3.0, (2, 5, 4))
    cotangent = rng.normal(size=(5, 4))
    arguments = (mu1, var1, mu2, var2)
    check_gradients(
        partial(submission.run, NORMAL),
        arguments,
        ("mu1", "var1", "mu2", "var2"),
        oracles.kl_univariate_normal(*arguments),
        [cotangent * gradient for gradient in oracles.kl_univariate_normal_gradients(*arguments)],
        what="kl_univariate_normal",
        cotangent=cotangent,
    )


@pytest.mark.kl_categorical
@given(
    data=st.data(),
    dtype=DTYPES,
    shape=st.sampled_from([(4,), (1,), (3, 2), (2, 3, 5), (1, 1, 4), (5, 5), (1400, 3), (2, 900)]),
)
def test_kl_categorical_closed_form(submission, data, dtype, shape):
    """kl_categorical agrees with the definition for any leading dimensions, outcomes without probability included"""
    p = data.draw(probabilities(shape, zeros=True)).astype(dtype)
    q = data.draw(probabilities(shape)).astype(dtype)
    check_categorical(submission, p, q)


@pytest.mark.kl_categorical
def test_kl_categorical_zeros(submission, rng):
    """kl_categorical is infinite exactly where q = 0 < p, and an outcome that both rule out adds nothing"""
    p = np.array([[0.3, 0.7, 0.0, 0.0], [0.0, 0.4, 0.6, 0.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0]])
    q = np.array([[0.6, 0.4, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5], [0.1, 0.2, 0.3, 0.4]])
    order = rng.permutation(4)
    p, q = p[:, order].reshape(2, 2, 4), q[:, order].reshape(2, 2, 4)
    with case("zero probabilities"):
        what = "kl_categorical with zeros (it is infinite where q = 0 < p)"
        check_categorical(submission, p.astype(np.float32), q.astype(np.float32), what=what)
    # Probabilities as small as 1e-30 are not zero.
    small = np.array([1e-30, 1e-20, 1e-12, 1e-8])
    p, q = np.c_[small, 1 - small], np.c_[small[::-1], 1 - small[::-1]]
    certain = np.tile([0.0, 1.0], (4, 1))
    for dtype in (np.float32, np.float64):
        for first, second in ((p, q), (np.tile([0.3, 0.7], (4, 1)), p), (p, certain)):
            first, second = first.astype(dtype), second.astype(dtype)
            with case("tiny probabilities"):
                what = "kl_categorical of tiny probabilities (clip none of them, and add no small constant)"
                check_categorical(submission, first, second, what=what, rtol=1e-5, atol=1e-6)


@pytest.mark.kl_categorical
def test_kl_categorical_identities(submission, rng):
    """kl_categorical is never negative, zero only for equal distributions, and not symmetric"""
    p, q = rng.dirichlet(np.ones(6), size=(2, 30))
    check_categorical(submission, p, q, what="kl_categorical(p, q)")
    check_categorical(submission, q, p, what="kl_categorical(q, p)")
    there = submission.call(CATEGORICAL, p, q)
    check((there > 0).all(), "kl_categorical: between different distributions the divergence is positive.")
    near = p * (1 + 1e-3 * rng.uniform(-1, 1, p.shape))
    near /= near.sum(axis=-1, keepdims=True)
    what = "kl_categorical of nearly equal distributions"
    check_categorical(submission, p, near, what=what, atol=1e-11)
    check_categorical(submission, p, p, what="kl_categorical(p, p)", expected=np.zeros(30), atol=1e-12)
