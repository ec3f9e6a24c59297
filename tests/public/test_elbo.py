"""Public checks of ELBO.py: the two costs of a VAE and the loss that they make."""

from functools import partial

import pytest

from autograder.door.cases import check_cases
from autograder.door.diagnose import Observation, explain, explained
from support.checks.training import costs, stand_in_for_the_loss


@pytest.mark.negative_log_likelihood
def test_negative_log_likelihood_by_hand(submission, cases):
    """negative_log_likelihood: three images of four pixels, by hand"""
    call = partial(submission.call, "ELBO.negative_log_likelihood")
    check_cases(cases("by_hand"), call, "negative_log_likelihood", others=cases("generic"))


@pytest.mark.kl_diag_normal
def test_kl_diag_normal_by_hand(submission, cases):
    """kl_diag_normal: three images with two latents, by hand"""
    call = partial(submission.call, "ELBO.kl_diag_normal")
    check_cases(cases("by_hand"), call, "kl_diag_normal", others=cases("generic"))


@pytest.mark.elbo_loss
def test_elbo_loss_adds_up(fresh_submission, cases):
    """elbo_loss: reconstruction cost plus KL divergence"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    call = partial(fresh_submission.call, "ELBO.elbo_loss")

    def why():
        own = "it adds what negative_log_likelihood and kl_diag_normal return, and one of these is wrong"
        return explain(
            Observation(call(*case.values), case.expected, {own: sum(costs(fresh_submission, *case.values))})
            for case in cases("adds_up")
        )

    with explained(why):
        check_cases(cases("adds_up"), call, "elbo_loss", others=cases("generic"))
