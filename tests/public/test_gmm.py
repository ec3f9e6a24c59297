"""Public checks of gmm.py: Gaussian mixtures."""

from functools import partial

import numpy as np
import pytest

from autograder.door.cases import check_cases
from autograder.door.diagnose import Observation, check, check_tensor, explain, explained
from autograder.door.laws import check_standard_normal
from autograder.door.submission import SubmissionError
from support.checks import mixtures as mixture_checks
from support.mixture import Mixture

SAMPLE = "gmm.sample_gmm"
LOG_PROB = "gmm.gmm_log_prob"
# The weights of the handout.
THREE = Mixture(
    np.array([0.2, 0.5, 0.3]),
    np.array([[-4.0, 0.0], [0.0, 1.0], [3.0, -2.0]]),
    np.array([[[1.0, 0.6], [0.6, 1.0]], [[0.5, 0.0], [0.0, 2.0]], [[1.5, -0.9], [-0.9, 1.0]]]),
).astype("float32")


@pytest.mark.sample_gmm
def test_sample_shapes(submission):
    """sample_gmm returns n points and the component of each, the same for equal generators"""
    drawn = submission.call(SAMPLE, 37, *THREE.arguments, generator=submission.generator(1))
    mixture_checks.check_pair(drawn, 37, THREE)
    mixture_checks.check_generator(submission, THREE, 37)


@pytest.mark.sample_gmm
def test_sample_law(submission):
    """sample_gmm draws each component as often as its weight says, with its mean and covariance"""
    drawn = submission.call(SAMPLE, 5000, *THREE.arguments, generator=submission.generator(2))
    mixture_checks.check_law([drawn], 5000, THREE)


@pytest.mark.gmm_log_prob
def test_log_prob_by_hand(submission, cases):
    """gmm_log_prob agrees with values computed by hand"""
    check_cases(cases("by_hand"), partial(submission.call, LOG_PROB), "gmm_log_prob", others=cases("generic"))


@pytest.mark.gmm_log_prob
def test_log_prob_far_away(submission, cases):
    """gmm_log_prob stays finite and right where every density underflows, and where determinants do"""
    call, others = partial(submission.call, LOG_PROB), [*cases("generic"), *cases("by_hand")]
    extreme = "gmm_log_prob where determinants under- or overflow"
    check_cases(cases("far_away"), call, "gmm_log_prob far from every mean", [*others, *cases("determinants")])
    check_cases(cases("determinants"), call, extreme, [*others, *cases("far_away")])


@pytest.mark.gaussian_entropy
def test_gaussian_entropy_by_hand(submission, cases):
    """gaussian_entropy agrees with values computed by hand, also where a determinant under- or overflows"""
    call, others = partial(submission.call, "gmm.gaussian_entropy"), cases("generic")
    extreme = "gaussian_entropy where the determinant under- or overflows"
    check_cases(cases("by_hand"), call, "gaussian_entropy", [*others, *cases("determinants")])
    check_cases(cases("determinants"), call, extreme, [*others, *cases("by_hand")])


@pytest.mark.mc_entropy
def test_mc_entropy_is_a_mean(fresh_submission, cases):
    """mc_entropy is minus the mean log-density of the points (with gmm_log_prob taken as right)"""
    fresh_submission.stand_in(LOG_PROB)
    what = "mc_entropy, minus the mean log-density of all the given points"
    call, log_prob = (partial(fresh_submission.call, name) for name in ("gmm.mc_entropy", LOG_PROB))

    def why():
        own = "it averages what gmm_log_prob returns, and that is wrong"
        return explain(
            Observation(call(*case.values), case.expected, {own: -np.mean(log_prob(*case.values))})
            for case in cases("is_a_mean")
        )

    with explained(why):
        check_cases(cases("is_a_mean"), call, what, cases("generic"))


# Provided code: worth no points; if it fails, restore that function from the original file.
@pytest.mark.mc_entropy
def test_provided_entropy(submission):
    """Provided: mc_entropy_gaussian is as it was handed out"""
    what = "The provided mc_entropy_gaussian has been changed: restore it from the original gmm.py"
    mean, cov, n = np.array([1.0, -2.0]), np.array([[0.5, 0.3], [0.3, 2.0]]), 10_000
    states, found = [], []
    for seed in (1, 2):
        submission.seed(seed)
        try:
            found += submission.repeat(20, "gmm.mc_entropy_gaussian", (n, mean, cov))
        except SubmissionError as error:
            # Left out, which is fine: nothing that is graded leans on it.
            if error.type == "AttributeError" and "mc_entropy_gaussian" in error.message:
                return
            raise
        states.append(submission.rng_fingerprints()["torch"])
    check(states[0] != states[1], what, "it seeds torch's generator, whatever it was seeded with before")
    # The entropy is 2.790722; the log-density of a point has a standard deviation of sqrt(d / 2) = 1.
    check_standard_normal(np.sqrt(n) * (np.array(found, dtype=np.float64) - 2.790722), what)


@pytest.mark.mc_entropy
def test_entropy_of_samples(fresh_submission, rng, cases):
    """mc_entropy of samples is near the exact entropy where there is one: a mixture of three equal Gaussians"""
    fresh_submission.stand_in(LOG_PROB)
    for case in cases("of_samples"):
        _, means, covs = case.values
        # The coordinates are independent: the covariances are zero.
        x = rng.normal(means[0], np.sqrt(np.diag(covs[0])), (20_000, 2)).astype(np.float32)
        value = fresh_submission.call("gmm.mc_entropy", x, *case.values)
        estimate = float(check_tensor(value, what="mc_entropy", shape=()))
        # The estimate has a standard deviation of sqrt(d / 2 / n) = 0.007 nats.
        close = abs(estimate - case.expected) < 0.08
        check(close, "mc_entropy of a mixture of three equal Gaussians is not near the entropy of one of them.")
