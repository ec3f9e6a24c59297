"""Hidden checks of utils.py: the log-density of the mixture prior."""

from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.door.cases import returned
from autograder.door.diagnose import CheckFailed, case, check_close, check_gradients, explained
from autograder.door.submission import SubmissionError
from support import oracles
from support.checks.utils import MIXTURE, cause_of_shapes, changed_part, observed
from support.mistakes import utils as mistakes
from support.observing import RANDOM, SINGLE, differs
from support.strategies import DTYPES, SEEDS

pytestmark = pytest.mark.log_normal_mixture


def make_case(rng, batch, k, d, shared, dtype="float64"):
    """z (B, d) and m, v of (1, K, d) or (B, K, d)."""
    shape = (1 if shared else batch, k, d)
    z, m, v = 2 * rng.normal(size=(batch, d)), 2 * rng.normal(size=shape), rng.uniform(0.2, 4.0, shape)
    return tuple(x.astype(dtype) for x in (z, m, v))


def check_value(submission, arguments, what="log_normal_mixture", **tolerance):
    try:
        value = submission.call(MIXTURE, *arguments)
    except SubmissionError as error:
        # What torch raises for shapes that do not broadcast, whose text must not be shown for hidden inputs.
        with submission.aside():
            cause = cause_of_shapes(submission) if error.type == "RuntimeError" else ""
        if cause:
            raise CheckFailed("log_normal_mixture raises a RuntimeError.", cause) from None
        raise
    with (
        explained(lambda: random_cause(submission, arguments), own_first=True),
        explained(lambda: changed_part(submission)),
    ):
        check_close(
            value,
            oracles.log_normal_mixture(*arguments),
            what=what,
            mistakes=partial(mistakes.of_log_normal_mixture, *arguments),
            more=lambda: observed(submission, generic()),
            **tolerance,
        )


def random_cause(submission, arguments):
    """What to say if two equal calls give different values."""
    call = partial(submission.call, MIXTURE)
    return RANDOM if differs(returned(call, *arguments), call, arguments) else ""


def generic():
    """Inputs on which mistakes differ: no size equals another, in float64."""
    rng = np.random.default_rng(0)
    for shape in ((7, 4, 3, True), (7, 4, 3, False), (3, 6, 5, True), (1, 3, 2, True)):
        arguments = make_case(rng, *shape)
        yield arguments, oracles.log_normal_mixture(*arguments), partial(mistakes.of_log_normal_mixture, *arguments)


@given(
    batch=st.integers(1, 20), k=st.integers(1, 12), d=st.integers(1, 6), shared=st.booleans(), dtype=DTYPES, seed=SEEDS
)
@example(batch=7, k=4, d=3, shared=True, dtype="float32", seed=1)
@example(batch=7, k=4, d=3, shared=False, dtype="float64", seed=2)
@example(batch=5, k=1, d=3, shared=True, dtype="float32", seed=3)
@example(batch=1, k=1, d=1, shared=False, dtype="float32", seed=4)
@example(batch=1, k=6, d=2, shared=True, dtype="float32", seed=5)
@example(batch=2100, k=3, d=2, shared=True, dtype="float32", seed=6)
@example(batch=700, k=2, d=3, shared=False, dtype="float32", seed=7)
@example(batch=4, k=5, d=90, shared=True, dtype="float32", seed=8)
def test_mixture_closed_form(submission, batch, k, d, shared, dtype, seed):
    """log_normal_mixture agrees with the density of the mixture for any batch, components and latents"""
    arguments = make_case(np.random.default_rng(seed), batch, k, d, shared, dtype)
    precise = {"rtol": 1e-6, "atol": 1e-6} if dtype == "float64" else {}
    check_value(submission, arguments, **precise)


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_mixture_as_many_points_as_components(submission, rng, shared):
    """log_normal_mixture lets every point meet every component also where B = K = d"""
    with case("as many points as components"):
        for size in (3, 8):
            check_value(submission, make_case(rng, size, size, size, shared))
            check_value(submission, make_case(rng, size, size, 2, shared))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mixture_scales(submission, rng, dtype):
    """log_normal_mixture is right for rows at very different distances from the components, in one batch"""
    _, m, v = make_case(rng, 1, 6, 4, shared=True, dtype=dtype)
    z = (rng.normal(size=(24, 4)) * np.geomspace(0.1, 1000, 24)[:, np.newaxis]).astype(dtype)
    with case("rows of very different scales"):
        check_value(submission, (z, m, v), "log_normal_mixture of rows of very different scales")
    # Components of a row at very different heights, rows also near each of them.
    v = np.broadcast_to(np.geomspace(1e-6, 1e6, 6).reshape(1, 6, 1), m.shape).astype(dtype)
    near = (m[0] + np.sqrt(v[0]) * rng.normal(size=m[0].shape)).astype(dtype)
    with case("variances of very different scales"):
        what = "log_normal_mixture with variances of very different scales"
        check_value(submission, (np.concatenate([z[:8], near]), m, v), what)
    # Ninety variances, whose product under- or overflows. A value near 0 is what is left of a thousand nats, of which
    # float32 keeps four decimals.
    left = {"atol": 2e-3} if dtype == "float32" else {}
    for scale in (1e-3, 1e3):
        z, m, v = make_case(rng, 6, 4, 90, shared=True)
        arguments = tuple(x.astype(dtype) for x in (scale**0.5 * z, scale**0.5 * m, scale * v))
        with case("many small or large variances"):
            check_value(submission, arguments, "log_normal_mixture of many small or large variances", **left)
    _, m, v = make_case(rng, 1, 6, 4, shared=True, dtype=dtype)
    # Means far from 0 beside variances that are small.
    far = (1000 * rng.choice([-1, 1], size=m.shape) + m).astype(dtype)
    near = (far[0] + 0.3 * rng.normal(size=m[0].shape)).astype(dtype)
    with case("means far from 0"):
        what = "log_normal_mixture with means far from 0"
        check_digits(submission, (near, far, np.full_like(far, 0.1)), what)


def check_digits(submission, arguments, what):
    """As `check_value`, in float64 to its digits; what is right in float64 alone has lost digits."""
    precise = {"rtol": 1e-6, "atol": 1e-6} if arguments[0].dtype == np.float64 else {}
    try:
        check_value(submission, arguments, what, **precise)
    except CheckFailed as error:
        cause = error.cause or cause_of_digits(submission, arguments)
        raise CheckFailed(error.message, cause, error.wrong) from None


def cause_of_digits(submission, arguments):
    """Why digits are lost, if they are: with float32 inside, the last digits of float64 arguments have no say."""
    single, precise = ([x.astype(dtype) for x in arguments] for dtype in ("float32", "float64"))
    with submission.aside():
        in_single, in_double = (returned(submission.call, MIXTURE, *cast) for cast in (single, precise))
    right_in_single, right = (oracles.log_normal_mixture(*cast) for cast in (single, precise))
    if not np.shape(in_single) == np.shape(in_double) == right.shape:
        return ""
    same = np.allclose(in_single, in_double, rtol=1e-6) and np.ptp(in_double) > 0
    if same and not np.allclose(right_in_single, right, rtol=1e-5):
        return SINGLE
    lost = "digits cancel far from 0: subtract m from z first; neither expand the square nor move both"
    return lost if np.allclose(in_double, right) else ""


def test_mixture_shifted(submission, rng):
    """log_normal_mixture keeps its digits where points and means are all near 1,000"""
    z, m, v = make_case(rng, 30, 8, 5, shared=True)
    what = "log_normal_mixture where everything is shifted by 1,000"
    with case("everything shifted by 1,000"):
        for shift in (1000, -1000):
            arguments = ((z + shift).astype("float32"), (m + shift).astype("float32"), v.astype("float32"))
            check_digits(submission, arguments, what)


def test_mixture_full_size(submission, rng):
    """log_normal_mixture is right at the model's own size, for thousands of components, and in any order of them"""
    z, m, v = make_case(rng, 100, 500, 10, shared=True, dtype="float32")
    with case("the model's own size"):
        check_value(submission, (z, m, v))
        order = rng.permutation(500)
        check_value(
            submission, (z, m[:, order], v[:, order]), "log_normal_mixture with its components in another order"
        )
    with case("thousands of components"):
        many = make_case(rng, 5, 4000, 2, shared=True, dtype="float32")
        check_value(submission, many, "log_normal_mixture of thousands of components")


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_mixture_gradients(submission, rng, shared):
    """log_normal_mixture has the right derivative by z, means and variances, far from the components too"""
    z, m, v = make_case(rng, 9, 5, 3, shared)
    z[-2:] *= 100
    cotangent = rng.normal(size=9)
    with explained(lambda: changed_part(submission)):
        check_gradients(
            partial(submission.run, MIXTURE),
            (z, m, v),
            ("z", "m", "v"),
            oracles.log_normal_mixture(z, m, v),
            oracles.log_normal_mixture_gradients(z, m, v, cotangent),
            what="log_normal_mixture",
            cotangent=cotangent,
        )
