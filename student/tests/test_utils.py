"""Public checks of utils.py: the log-density of the mixture prior."""

import math
from functools import partial

import numpy as np
import pytest
from scipy.special import logsumexp

from autograder.door.diagnose import check_close
from support import oracles
from support.mistakes import utils as mistakes

pytestmark = pytest.mark.log_normal_mixture

MIXTURE = "utils.log_normal_mixture"


def test_mixture_by_hand(submission):
    """log_normal_mixture agrees with values computed by hand"""
    z = np.array([[0.0], [1.0], [-2.0]], dtype=np.float32)
    m, v = np.array([[[0.0], [3.0]]], dtype=np.float32), np.array([[[1.0], [4.0]]], dtype=np.float32)

    def by_hand(z: float) -> float:
        narrow = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        wide = math.exp(-((z - 3) ** 2) / 8) / (2 * math.sqrt(2 * math.pi))
        return math.log((narrow + wide) / 2)

    check_close(
        submission.call(MIXTURE, z, m, v),
        [by_hand(0), by_hand(1), by_hand(-2)],
        what="log_normal_mixture",
        mistakes=partial(mistakes.of_log_normal_mixture, z, m, v),
    )


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_mixture_shapes(submission, rng, shared):
    """log_normal_mixture takes one mixture for all points, (1, K, d), or one for each, (B, K, d)"""
    z, m = rng.normal(size=(6, 3)), rng.normal(size=(1 if shared else 6, 4, 3))
    v = rng.uniform(0.3, 3.0, m.shape)
    check_close(
        submission.call(MIXTURE, z, m, v),
        oracles.log_normal_mixture(z, m, v),
        what="log_normal_mixture",
        mistakes=partial(mistakes.of_log_normal_mixture, z, m, v),
    )


def test_mixture_stable(submission):
    """log_normal_mixture stays finite and right for rows near all components next to rows far from all of them"""
    z = np.array([[0.0, 0.0], [1000.0, -1000.0], [30.0, 30.0], [-1000.0, 0.5]], dtype=np.float32)
    m = np.array([[[0.0, 0.0], [1.0, -1.0], [2.0, 2.0]]], dtype=np.float32)
    v = np.array([[[1.0, 0.5], [2.0, 1.0], [0.1, 0.1]]], dtype=np.float32)
    check_close(
        submission.call(MIXTURE, z, m, v),
        oracles.log_normal_mixture(z, m, v),
        what="log_normal_mixture of rows of very different scales",
        mistakes=partial(mistakes.of_log_normal_mixture, z, m, v),
    )


# Provided code: worth no points; if one of these fails, restore that function from the original files.
def test_provided_densities(submission, rng):
    """Provided: log_normal, kl_normal and log_bernoulli_with_logits are as they were handed out"""
    x, m, qm = rng.normal(size=(3, 5, 4))
    v, qv = rng.uniform(0.3, 3.0, (2, 5, 4))
    changed = "The provided {} has been changed: restore it from the original utils.py"
    cases = (
        ("log_normal", (x, m, v), oracles.log_normal(x, m, v)),
        ("log_normal", (x.T, m.T, v.T, 0), oracles.log_normal(x, m, v)),
        ("kl_normal", (qm, qv, m, v), oracles.kl_univariate_normal(qm, qv, m, v).sum(axis=-1)),
        (
            "log_bernoulli_with_logits",
            ((x > 0).astype(np.float64), 3 * m),
            oracles.log_bernoulli_with_logits(x > 0, 3 * m),
        ),
    )
    for name, arguments, expected in cases:
        check_close(submission.call(f"utils.{name}", *arguments), expected, what=changed.format(name))


def test_provided_log_mean_exp(submission, rng):
    """Provided: log_mean_exp and log_sum_exp are as they were handed out"""
    x = rng.normal(size=(5, 7)) * np.array([1, 10, 1000, 0.1, 300])[:, np.newaxis]
    for dim in (0, 1):
        expected = logsumexp(x, axis=dim)
        changed = "The provided {} has been changed: restore it from the original utils.py"
        check_close(submission.call("utils.log_sum_exp", x, dim), expected, what=changed.format("log_sum_exp"))
        expected = expected - math.log(x.shape[dim])
        check_close(submission.call("utils.log_mean_exp", x, dim), expected, what=changed.format("log_mean_exp"))
