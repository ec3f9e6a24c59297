"""Public checks of utils.py: the log-density of the mixture prior."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from autograder.door.diagnose import check_close

pytestmark = pytest.mark.log_normal_mixture

MIXTURE = "utils.log_normal_mixture"
CHANGED = "The provided {} has been changed: restore it from the original utils.py"


def test_mixture_by_hand(submission, cases):
    """log_normal_mixture agrees with values computed by hand"""
    for case in cases("by_hand"):
        case.check(submission.call(MIXTURE, *case.values), "log_normal_mixture")


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_mixture_shapes(submission, cases, shared):
    """log_normal_mixture takes one mixture for all points, (1, K, d), or one for each, (B, K, d)"""
    for case in cases("shared" if shared else "own"):
        case.check(submission.call(MIXTURE, *case.values), "log_normal_mixture")


def test_mixture_stable(submission, cases):
    """log_normal_mixture stays finite and right for rows near all components next to rows far from all of them"""
    for case in cases("stable"):
        case.check(submission.call(MIXTURE, *case.values), "log_normal_mixture of rows of very different scales")


# Provided code: worth no points; if one of these fails, restore that function from the original files.
def test_provided_densities(submission, cases):
    """Provided: log_normal and log_bernoulli_with_logits are as they were handed out"""
    for name in ("log_normal", "log_bernoulli_with_logits"):
        for case in cases(name):
            case.check(submission.call(f"utils.{name}", *case.values), CHANGED.format(name))


def test_provided_log_mean_exp(submission, rng):
    """Provided: log_mean_exp and log_sum_exp are as they were handed out"""
    x = rng.normal(size=(5, 7)) * np.array([1, 10, 1000, 0.1, 300])[:, np.newaxis]
    for dim in (0, 1):
        expected = logsumexp(x, axis=dim)
        check_close(submission.call("utils.log_sum_exp", x, dim), expected, what=CHANGED.format("log_sum_exp"))
        expected = expected - math.log(x.shape[dim])
        check_close(submission.call("utils.log_mean_exp", x, dim), expected, what=CHANGED.format("log_mean_exp"))
