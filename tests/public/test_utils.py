"""Public checks of utils.py: the log-density of the mixture prior."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from autograder.door.diagnose import check, check_close, check_gradient, check_tensor, explained
from autograder.door.laws import check_fresh, check_standard_normal
from support.checks.utils import MIXTURE, changed_part, observed

pytestmark = pytest.mark.log_normal_mixture

CHANGED = "The provided {} has been changed: restore it from the original utils.py"


def check_cases(submission, cases, name, what):
    """Compare with the stored cases of this name; a cause must explain what all of the others show, too."""

    def others():
        stored = (case for other in ("shared", "own", "stable", "by_hand") for case in cases(other))
        return observed(submission, ((case.values, case.expected, case.mistakes) for case in stored))

    for case in cases(name):
        value = submission.call(MIXTURE, *case.values)
        with explained(lambda: changed_part(submission)):
            check_close(value, case.expected, what=what, mistakes=case.mistakes, more=others)


def test_mixture_by_hand(submission, cases):
    """log_normal_mixture agrees with values computed by hand"""
    check_cases(submission, cases, "by_hand", "log_normal_mixture")


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_mixture_shapes(submission, cases, shared):
    """log_normal_mixture takes one mixture for all points, (1, K, d), or one for each, (B, K, d)"""
    what = "(1, K, d): one mixture for all points" if shared else "(B, K, d): a mixture for each point"
    name = "shared" if shared else "own"
    check_cases(submission, cases, name, f"log_normal_mixture with m and v of shape {what}")


def test_mixture_stable(submission, cases):
    """log_normal_mixture stays finite and right for rows near all components next to rows far from all of them"""
    check_cases(submission, cases, "stable", "log_normal_mixture of rows of very different scales")


# Provided code: worth no points; if one of these fails, restore that function from the original files.
def test_provided_densities(submission, rng, cases):
    """Provided: the densities, sample_gaussian and gaussian_parameters are as they were handed out"""
    for name in ("log_normal", "log_bernoulli_with_logits"):
        for case in cases(name):
            case.check(submission.call(f"utils.{name}", *case.values), CHANGED.format(name))
    logits = np.array([-300.0, -20, -1, 0, 2, 300]) + rng.normal(size=(2, 3, 6))
    x = (rng.random((2, 3, 6)) < 0.5).astype(np.float64)
    value = submission.call("utils.log_bernoulli_with_logits", x, logits)
    right = (x * logits - np.logaddexp(0, logits)).sum(axis=-1)
    check_close(value, right, what=CHANGED.format("log_bernoulli_with_logits"), rtol=1e-6)
    what = CHANGED.format("gaussian_parameters")
    h = rng.permuted(np.geomspace(0.01, 300, 48)).reshape(4, 6, 2) * np.array([1, -1])
    for dim in (0, 1, -1):
        mean, before = np.split(h, 2, axis=dim)
        pair = submission.call("utils.gaussian_parameters", h, dim)
        for value, right in zip(pair, (mean, np.logaddexp(0, before) + 1e-8), strict=True):
            check_close(value, right, what=what, rtol=1e-6, atol=1e-12)
    what = CHANGED.format("sample_gaussian")
    for scale in (1e-6, 1.0, 100.0):
        m, v = scale * rng.normal(size=(90, 60)), scale**2 * rng.uniform(0.5, 2, (90, 60))
        calls = [submission.run("utils.sample_gaussian", [m, v], grad=grad).value for grad in (True, False) * 5]
        drawn = np.stack([check_tensor(value, what=what, shape=m.shape) for value in calls])
        eps = (drawn - m) / np.sqrt(v)
        check_fresh(eps, what, {"calls": "", "rows": "", "columns": ""})
        check_standard_normal(eps, what)
    reply = submission.run("utils.sample_gaussian", [m, v], wrt=[0, 1])
    check_gradient(reply.gradients[0], np.ones_like(m), of=what, by="m")
    check_gradient(reply.gradients[1], (reply.value - m) / (2 * v), of=what, by="v")


def test_provided_log_mean_exp(submission, rng):
    """Provided: log_mean_exp, log_sum_exp and duplicate are as they were handed out"""
    x = rng.normal(size=(5, 7, 3)) * np.array([1, 10, 1000, 0.1, 300])[:, np.newaxis, np.newaxis]
    for dim in (0, 1, 2):
        right = logsumexp(x, axis=dim)
        for name, expected in (("log_sum_exp", right), ("log_mean_exp", right - math.log(x.shape[dim]))):
            reply = submission.run(f"utils.{name}", [x, dim])
            check_close(reply.value, expected, what=CHANGED.format(name), rtol=1e-6)
            check(reply.inputs_unchanged, CHANGED.format(name))
    check_close(submission.call("utils.log_sum_exp", x), logsumexp(x, axis=0), what=CHANGED.format("log_sum_exp"))
    reply = submission.run("utils.duplicate", [x, 3], wrt=[0])
    check_close(reply.value, np.concatenate([x, x, x]), what=CHANGED.format("duplicate"), rtol=1e-12)
    check_gradient(reply.gradients[0], np.full(x.shape, 3.0), of=CHANGED.format("duplicate"), by="x")
