"""Public checks of gmm.py: Gaussian mixtures."""

import math
from functools import partial

import numpy as np
import pytest

from autograder.door.diagnose import check, check_close, check_tensor
from support import oracles
from support.checks import mixtures as mixture_checks
from support.mistakes import gmm as mistakes
from support.oracles import Mixture

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
    """sample_gmm returns n points and the component of each"""
    drawn = submission.call(SAMPLE, 37, *THREE.arguments, generator=submission.generator(1))
    mixture_checks.check_pair(drawn, 37, THREE)


@pytest.mark.sample_gmm
def test_sample_law(submission):
    """sample_gmm draws each component as often as its weight says, with its mean and covariance"""
    drawn = submission.call(SAMPLE, 5000, *THREE.arguments, generator=submission.generator(2))
    mixture_checks.check_law([drawn], 5000, THREE)


@pytest.mark.gmm_log_prob
def test_log_prob_by_hand(submission):
    """gmm_log_prob agrees with values computed by hand"""
    x = np.array([[0.0], [2.0], [-1.0]], dtype=np.float32)
    mixture = Mixture(np.array([0.25, 0.75]), np.array([[0.0], [1.0]]), np.array([[[1.0]], [[4.0]]])).astype("float32")

    def by_hand(x: float) -> float:
        narrow = math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
        wide = math.exp(-((x - 1) ** 2) / 8) / (2 * math.sqrt(2 * math.pi))
        return math.log(0.25 * narrow + 0.75 * wide)

    check_close(
        submission.call(LOG_PROB, x, *mixture.arguments),
        [by_hand(0), by_hand(2), by_hand(-1)],
        what="gmm_log_prob",
        mistakes=partial(mistakes.of_gmm_log_prob, x, mixture),
    )


@pytest.mark.gmm_log_prob
def test_log_prob_far_away(submission):
    """gmm_log_prob stays finite and right where every density underflows"""
    x = np.array([[60.0, 0.0], [0.0, -80.0], [0.0, 1.0], [-500.0, 500.0]], dtype=np.float32)
    check_close(
        submission.call(LOG_PROB, x, *THREE.arguments),
        oracles.gmm_log_prob(x, *THREE.arguments),
        what="gmm_log_prob far from every mean",
        mistakes=partial(mistakes.of_gmm_log_prob, x, THREE),
    )


@pytest.mark.gaussian_entropy
def test_gaussian_entropy_by_hand(submission):
    """gaussian_entropy agrees with values computed by hand"""
    log_2_pi_e = 1 + math.log(2 * math.pi)
    by_hand = (
        (np.array([[1.0]]), log_2_pi_e / 2),
        (np.array([[2.0, 1.0], [1.0, 3.0]]), log_2_pi_e + math.log(5) / 2),
        (np.array([[0.01, 0.0], [0.0, 0.01]]), log_2_pi_e - 2 * math.log(10)),  # negative
    )
    for cov, entropy in by_hand:
        value = submission.call("gmm.gaussian_entropy", cov.astype(np.float32))
        named = partial(mistakes.of_gaussian_entropy, cov)
        check_close(value, entropy, what="gaussian_entropy", mistakes=named)


@pytest.mark.mc_entropy
def test_mc_entropy_is_a_mean(fresh_submission):
    """mc_entropy is minus the mean log-density of the points (with gmm_log_prob taken as right)"""
    fresh_submission.stand_in(LOG_PROB)
    x = np.array([[-4.0, 0.5], [0.0, 1.0], [0.3, 2.0], [3.5, -2.0], [1.0, 1.0]], dtype=np.float32)
    check_close(
        fresh_submission.call("gmm.mc_entropy", x, *THREE.arguments),
        -oracles.gmm_log_prob(x, *THREE.arguments).mean(),
        what="mc_entropy, minus the mean log-density of all the given points",
        mistakes=partial(mistakes.of_mc_entropy, x, THREE),
    )


@pytest.mark.mc_entropy
def test_entropy_of_samples(fresh_submission, rng):
    """mc_entropy of samples is near the exact entropy where there is one: a mixture of three equal Gaussians"""
    fresh_submission.stand_in(LOG_PROB)
    one = Mixture(THREE.weights, THREE.means[[1, 1, 1]], THREE.covs[[1, 1, 1]])
    x = one.sample(20_000, rng)[0].astype(np.float32)
    estimate = check_tensor(fresh_submission.call("gmm.mc_entropy", x, *one.arguments), what="mc_entropy", shape=())
    # The estimate has a standard deviation of sqrt(d / 2 / n) = 0.007 nats.
    close = abs(float(estimate) - oracles.gaussian_entropy(one.covs[1])) < 0.08
    check(close, "mc_entropy of a mixture of three equal Gaussians is not near the entropy of one of them.")
