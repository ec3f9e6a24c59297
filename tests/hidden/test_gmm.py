"""Hidden checks of gmm.py: samples, log-density and entropy of Gaussian mixtures."""

from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.door import laws
from autograder.door.cases import returned
from autograder.door.diagnose import CheckFailed, case, check_tensor, explained, fail
from autograder.door.submission import SubmissionError
from support import oracles
from support.checks import mixtures as mixture_checks
from support.checks.sampling import why_repeated
from support.mistakes import gmm as mistakes
from support.mixture import Mixture
from support.observing import check_value, right_elsewhere
from support.strategies import DTYPES, SEEDS, make_covariances, make_mixture, mixtures

SAMPLE = "gmm.sample_gmm"
LOG_PROB = "gmm.gmm_log_prob"
ENTROPY = "gmm.gaussian_entropy"
MC_ENTROPY = "gmm.mc_entropy"
NEARLY_DEGENERATE = np.array([1e-5, 1 - 2e-5, 1e-5])


def precision(dtype):
    # In float64 a constant such as log(2 pi) may have been made in float32, with a relative error of up to 6e-8.
    return {"rtol": 1e-6, "atol": 1e-6} if dtype == "float64" else {"rtol": 1e-4, "atol": 2e-4}


def check_log_prob(submission, x, mixture, what, dtype):
    """gmm_log_prob is right at x, to the precision that this dtype allows."""
    call = partial(submission.call, LOG_PROB)
    with explained(partial(cause_of_origin, call, x, mixture, dtype), own_first=True):
        check_value(
            call,
            (x, *mixture.arguments),
            right=oracles.gmm_log_prob,
            mistakes=mistakes.of_gmm_log_prob,
            inputs=mistakes.POINTS,
            what=what,
            **precision(dtype),
        )


def cause_of_origin(call, x, mixture, dtype):
    """What to say if all is right for ordinary points, and for these once the origin is the mean of their component."""
    if not right_elsewhere(call, mistakes.POINTS[:1], oracles.gmm_log_prob):
        return ""
    nearest = oracles.component_log_prob(x, mixture.means, mixture.covs).argmax(axis=1)
    for k in np.unique(nearest):
        mean = mixture.means[k]
        moved = x - mean, mixture.weights, mixture.means - mean, mixture.covs
        value, own = returned(call, *moved), nearest == k
        if getattr(value, "shape", None) != own.shape:
            return ""
        if not np.allclose(value[own], oracles.gmm_log_prob(*moved)[own], **precision(dtype)):
            return ""
    return "the result hangs on where the origin is: take the means off first (squares, multiplied out, cancel)"


def check_entropy(submission, cov, **how):
    """gaussian_entropy of this covariance is right."""
    check_value(
        partial(submission.call, ENTROPY),
        (cov,),
        right=oracles.gaussian_entropy,
        mistakes=mistakes.of_gaussian_entropy,
        inputs=mistakes.COVARIANCES,
        **{"what": "gaussian_entropy", **how},
    )


def with_scales(mixture, scales):
    """The mixture with the covariances of component k multiplied by scales[k] squared."""
    return Mixture(mixture.weights, mixture.means, mixture.covs * scales[:, np.newaxis, np.newaxis] ** 2)


@pytest.mark.sample_gmm
def test_sample_law(submission, rng):
    """sample_gmm draws components by their weights, and points with the mean and covariance of their component"""
    mixture = make_mixture(rng, 3, 2).astype("float32")
    generator = submission.call("torch.Generator")
    calls = submission.repeat(40, SAMPLE, (250, *mixture.arguments), {"generator": generator})
    mixture_checks.check_law(calls, 250, mixture)
    mixture_checks.check_pair(submission.call(SAMPLE, 1, *mixture.arguments), 1, mixture)


@pytest.mark.sample_gmm
@pytest.mark.parametrize("k, d, dtype", [(1, 1, "float32"), (2, 1, "float64"), (1, 4, "float32"), (14, 11, "float64")])
def test_sample_law_other_sizes(submission, rng, k, d, dtype):
    """sample_gmm draws from the mixture for any number of components and dimensions, in float64 too"""
    mixture = make_mixture(rng, k, d)
    if dtype == "float64":  # one that has the digits for standard deviations from 1e-4 to 100
        mixture = with_scales(mixture, np.geomspace(1e-4, 100, k))
    mixture = mixture.astype(dtype)
    try:
        drawn = submission.call(SAMPLE, 3000, *mixture.arguments, generator=submission.generator(12))
    except SubmissionError:
        with submission.aside():
            cause = cause_of_size(submission, k, d, dtype)
        if not cause:
            raise
        raise CheckFailed("sample_gmm raises an exception.", cause) from None
    mixture_checks.check_law([drawn], 3000, mixture)


def cause_of_size(submission, k, d, dtype):
    """Why sample_gmm raises for k components in d dimensions; "" if it does so for others, too."""

    def runs(k, d, dtype):
        mixture = make_mixture(np.random.default_rng(0), k, d).astype(dtype)
        return returned(submission.call, SAMPLE, 3000, *mixture.arguments) is not None

    if runs(k, d, "float32" if dtype == "float64" else "float64"):
        return f"it fails for {dtype} only: draw the noise with the dtype of the means"
    return f"it fails for K = {k} and d = {d}, and not for K = 3 and d = 2" if runs(3, 2, dtype) else ""


@pytest.mark.sample_gmm
@pytest.mark.parametrize("weights", [(0.0, 1.0, 0.0), tuple(NEARLY_DEGENERATE)], ids=["zero", "nearly-degenerate"])
def test_sample_extreme_weights(submission, rng, weights):
    """sample_gmm draws from mixtures whose weights are zero or nearly zero"""
    mixture = make_mixture(rng, 3, 2)
    mixture = Mixture(np.array(weights), mixture.means, mixture.covs).astype("float32")
    drawn = submission.call(SAMPLE, 10_000, *mixture.arguments, generator=submission.generator(13))
    mixture_checks.check_law([drawn], 10_000, mixture)
    # A component of which 32 points are to be expected.
    rare = Mixture(np.array([8e-4, 1 - 8e-4]), mixture.means[:2], mixture.covs[:2])
    drawn = submission.call(SAMPLE, 40_000, *rare.arguments, generator=submission.generator(14))
    mixture_checks.check_law([drawn], 40_000, rare)


@pytest.mark.sample_gmm
def test_sample_generator(submission, rng):
    """sample_gmm takes all its randomness from a given generator"""
    mixture = make_mixture(rng, 3, 2).astype("float32")
    mixture_checks.check_generator(submission, mixture, 200)
    generator = submission.call("torch.Generator")
    drawn = (submission.call(SAMPLE, 200, *mixture.arguments, generator=generator) for _ in range(2))
    first, second = (mixture_checks.check_pair(pair, 200, mixture) for pair in drawn)
    cause = "the generator is rewound, or starts another one with its seed: its state must move on"
    laws.check_differ(first[0], second[0], "sample_gmm with one generator", cause)


@pytest.mark.sample_gmm
def test_sample_without_generator(submission, rng):
    """sample_gmm without a generator draws from the global one, afresh at every call"""
    mixture = make_mixture(rng, 3, 2).astype("float32")

    def draw():
        return mixture_checks.check_pair(submission.call(SAMPLE, 200, *mixture.arguments), 200, mixture)

    submission.seed(3)
    first, second = draw(), draw()
    for what, a, b in zip(("the points", "the components"), first, second, strict=True):
        try:
            laws.check_differ(a, b, f"sample_gmm, {what}")
        except CheckFailed as error:
            fail(error.message, why_repeated(submission, draw))
    submission.seed(3)
    again = draw()
    if not (first[0] == again[0]).all():
        same = (first[1] == again[1]).all()
        fail(
            "sample_gmm: with equal seeds of torch's global generator the points differ.",
            "the noise is not drawn from the global generator" if same else "",
        )


@pytest.mark.sample_gmm
def test_sample_counts_are_random(submission, rng):
    """sample_gmm lets the number of points from each component vary from call to call, as independent draws do"""
    mixture = make_mixture(rng, 4, 3)
    calls = submission.repeat(30, SAMPLE, (400, *mixture.arguments))
    mixture_checks.check_law(calls, 400, mixture)


@pytest.mark.gmm_log_prob
@given(mixture=mixtures(), dtype=DTYPES, n=st.integers(1, 30), seed=SEEDS)
@example(mixture=make_mixture(np.random.default_rng(1), 3, 2), dtype="float32", n=20, seed=1)
@example(mixture=make_mixture(np.random.default_rng(2), 40, 3), dtype="float32", n=1300, seed=2)
@example(mixture=make_mixture(np.random.default_rng(3), 2, 70), dtype="float32", n=5, seed=3)
@example(mixture=make_mixture(np.random.default_rng(4), 1, 1), dtype="float64", n=1, seed=4)
def test_log_prob_closed_form(submission, mixture, dtype, n, seed):
    """gmm_log_prob agrees with the density of the mixture for any number of components, dimensions and points"""
    rng = np.random.default_rng(seed)
    mixture = mixture.astype(dtype)
    k, d = mixture.means.shape
    x = (oracles.sample_gmm(mixture, n, rng)[0] + rng.normal(size=(n, d))).astype(dtype)
    with case("one component" if k == 1 else "one dimension" if d == 1 else "several components and dimensions"):
        check_log_prob(submission, x, mixture, "gmm_log_prob", dtype)


@pytest.mark.gmm_log_prob
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_prob_far_away(submission, rng, dtype):
    """gmm_log_prob is right where every density underflows, next to points where none does"""
    mixture = make_mixture(rng, 4, 3).astype(dtype)
    x = (rng.normal(size=(24, 3)) * np.geomspace(0.1, 1000, 24)[:, np.newaxis]).astype(dtype)
    with case("far from every mean"):
        check_log_prob(submission, x, mixture, "gmm_log_prob far from every mean", dtype)
    # Determinants from 1e-60 to 1e60, points near every component.
    mixture = with_scales(make_mixture(rng, 4, 5), np.geomspace(1e-6, 1e6, 4)).astype(dtype)
    x = np.concatenate([mean + 1e-6 * 1e4**k * rng.normal(size=(5, 5)) for k, mean in enumerate(mixture.means)])
    x = x.astype(dtype)
    what = (
        "gmm_log_prob where determinants under- or overflow (take their logarithms with slogdet or Cholesky, and "
        "add no small constants to the diagonals)"
    )
    with case("tiny and huge covariances"):
        check_log_prob(submission, x, mixture, what, dtype)
    if dtype == "float64":
        # Determinants from 1e-720 to 1e720.
        mixture = with_scales(make_mixture(rng, 3, 90), np.geomspace(1e-4, 1e4, 3))
        x = oracles.sample_gmm(mixture, 9, rng)[0]
        what = "gmm_log_prob in many dimensions, where determinants under- or overflow in float64, too"
        with case("many dimensions"):
            check_log_prob(submission, x, mixture, what, dtype)
        mixture = make_mixture(rng, 4, 5)
        # Axes of one component from 1e-2 to 100 long, a mean far from 0, variances of 1e10.
        narrow = make_covariances(rng, 3, 5, decades=4)
        mixture = Mixture(mixture.weights[:3] / mixture.weights[:3].sum(), mixture.means[:3], narrow)
        for scale, shift in ((1.0, 0.0), (1.0, 1e4), (1e5, 0.0)):
            scaled = Mixture(mixture.weights, scale * mixture.means + shift, scale**2 * mixture.covs)
            x = oracles.sample_gmm(scaled, 30, rng)[0]
            what = "gmm_log_prob of long and narrow components (invert no covariance with a tolerance)"
            with case("long and narrow components"):
                check_log_prob(submission, x, scaled, what, dtype)


@pytest.mark.gmm_log_prob
@pytest.mark.parametrize("weights", [(0.4, 0.6, 0.0), tuple(NEARLY_DEGENERATE)], ids=["zero", "nearly-degenerate"])
def test_log_prob_extreme_weights(submission, rng, weights):
    """gmm_log_prob is right for components whose weight is zero or nearly zero, also in their midst"""
    mixture = make_mixture(rng, 3, 2, spread=1.0)
    separated = mixture.means + 8 * np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    mixture = Mixture(np.array(weights), separated, mixture.covs).astype("float32")
    # Near the mean of a component of weight zero, too: only the others count there. As small as floats can be, last.
    x = np.concatenate([mean + rng.normal(size=(6, 2)) for mean in separated]).astype(np.float32)
    tiny = Mixture(np.where(mixture.weights < 0.1, 1e-30, mixture.weights), mixture.means, mixture.covs)
    what = (
        "gmm_log_prob with a weight that is zero or nearly zero (none may be raised to a smallest one, as "
        "torch.distributions.Categorical does, and none dropped)"
    )
    for weighted in (mixture, tiny.astype("float32"), tiny.astype("float64")):
        with case("a weight that is zero or nearly zero"):
            check_log_prob(submission, x.astype(weighted.means.dtype), weighted, what, "float32")


@pytest.mark.gaussian_entropy
@given(d=st.integers(1, 5), dtype=DTYPES, seed=SEEDS, decade=st.integers(-3, 3))
@example(d=3, dtype="float32", seed=1, decade=1)
@example(d=3, dtype="float32", seed=2, decade=-1)
@example(d=1, dtype="float64", seed=3, decade=5)
@example(d=80, dtype="float32", seed=4, decade=0)
def test_gaussian_entropy_closed_form(submission, d, dtype, seed, decade):
    """gaussian_entropy agrees with the closed form in any dimension, negative entropies included"""
    cov = make_covariances(np.random.default_rng(seed), 1, d, scale=10.0**decade)[0].astype(dtype)
    with case("one dimension" if d == 1 else "many dimensions" if d > 5 else "a small or a large covariance"):
        check_entropy(submission, cov, **precision(dtype))


@pytest.mark.gaussian_entropy
@pytest.mark.parametrize("scale", [1e-4, 1e4], ids=["small", "large"])
def test_gaussian_entropy_extreme_determinants(submission, rng, scale):
    """gaussian_entropy survives covariances whose determinant under- or overflows although its logarithm does not"""
    cov = make_covariances(rng, 1, 20, scale=scale)[0].astype(np.float32)
    what = (
        "gaussian_entropy where the determinant under- or overflows (take its logarithm with slogdet or Cholesky, "
        "and add no small constants)"
    )
    with case("a determinant that under- or overflows"):
        check_entropy(submission, cov, what=what, rtol=1e-4, atol=1e-3)
    cov = scale**2 * make_covariances(rng, 1, 4, decades=4)[0]
    what = "gaussian_entropy of a long and narrow covariance (add no small constants, drop no small eigenvalues)"
    with case("a long and narrow covariance"):
        check_entropy(submission, cov, what=what, **precision("float64"))


# In all of these gmm_log_prob is replaced by a trusted one, so that a mistake there is not punished twice.
@pytest.mark.mc_entropy
@given(mixture=mixtures(), dtype=DTYPES, n=st.integers(2, 200), decade=st.integers(-2, 1), seed=SEEDS)
@example(mixture=make_mixture(np.random.default_rng(2), 3, 2), dtype="float32", n=150, decade=0, seed=3)
@example(mixture=make_mixture(np.random.default_rng(2), 3, 2), dtype="float32", n=150, decade=-2, seed=4)
@example(mixture=make_mixture(np.random.default_rng(4), 2, 1), dtype="float64", n=30_011, decade=0, seed=5)
@example(mixture=make_mixture(np.random.default_rng(5), 1, 3), dtype="float64", n=1, decade=0, seed=6)
def test_mc_entropy_any_points(fresh_submission, mixture, dtype, n, decade, seed):
    """mc_entropy is minus the mean log-density over all the given points (with gmm_log_prob taken as right)"""
    scale = 10.0**decade  # small ones have densities above 1 and a negative entropy
    mixture = Mixture(mixture.weights, scale * mixture.means, scale**2 * mixture.covs).astype(dtype)
    x = (oracles.sample_gmm(mixture, n, np.random.default_rng(seed))[0] * 1.2).astype(dtype)
    if n > 2:  # one point far from all others counts as much as they do
        x[n // 2] += 30 * scale
    fresh_submission.stand_in(LOG_PROB)
    with case("a single point" if n == 1 else "densities above 1" if decade < 0 else "many points"):
        check_value(
            partial(fresh_submission.call, MC_ENTROPY),
            (x, *mixture.arguments),
            right=mistakes.right_entropy,
            mistakes=mistakes.of_mc_entropy,
            inputs=mistakes.ENTROPIES,
            what="mc_entropy, minus the mean log-density of all the given points (of one component, too)",
            **precision(dtype),
        )


@pytest.mark.mc_entropy
def test_mc_entropy_against_quadrature(fresh_submission, rng):
    """mc_entropy of many points is near the entropy that integration gives"""
    fresh_submission.stand_in(LOG_PROB)
    n = 40_000
    mixture = make_mixture(rng, 3, 1)
    x, _ = oracles.sample_gmm(mixture, n, rng)
    std = oracles.gmm_log_prob(x, *mixture.arguments).std() / np.sqrt(n)
    value = check_tensor(fresh_submission.call(MC_ENTROPY, x, *mixture.arguments), what="mc_entropy", shape=())
    laws.check_mean(value, oracles.mixture_entropy_1d(mixture), std, "mc_entropy")


@pytest.mark.mc_entropy
def test_mc_entropy_nearly_degenerate(fresh_submission, rng):
    """mc_entropy of a nearly degenerate mixture is near the entropy of its main component"""
    fresh_submission.stand_in(LOG_PROB)
    n = 20_000
    mixture = make_mixture(rng, 3, 2)
    mixture = Mixture(NEARLY_DEGENERATE, mixture.means, mixture.covs).astype("float32")
    x = oracles.sample_gmm(mixture, n, rng)[0].astype(np.float32)
    value = check_tensor(fresh_submission.call(MC_ENTROPY, x, *mixture.arguments), what="mc_entropy", shape=())
    # The entropy of the whole differs from that of the main component by at most the entropy of the component,
    # 2.6e-4 nats, and what 2e-5 of the mass can add; the estimate's standard deviation is about sqrt(d / 2 / n).
    expected, std = oracles.gaussian_entropy(mixture.covs[1]), np.sqrt(1 / n)
    laws.check_mean(value, expected, std, "mc_entropy of a nearly degenerate mixture", slack=0.005)
