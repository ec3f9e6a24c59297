"""Public checks of ELBO.py: the two costs of a VAE and the loss that they make."""

import pytest

from support.checks.training import stand_in_for_the_loss


@pytest.mark.negative_log_likelihood
def test_negative_log_likelihood_by_hand(submission, cases):
    """negative_log_likelihood: three images of four pixels, by hand"""
    for case in cases("by_hand"):
        case.check(submission.call("ELBO.negative_log_likelihood", *case.values), "negative_log_likelihood")


@pytest.mark.kl_diag_normal
def test_kl_diag_normal_by_hand(submission, cases):
    """kl_diag_normal: three images with two latents, by hand"""
    for case in cases("by_hand"):
        case.check(submission.call("ELBO.kl_diag_normal", *case.values), "kl_diag_normal")


@pytest.mark.elbo_loss
def test_elbo_loss_adds_up(fresh_submission, cases):
    """elbo_loss: reconstruction cost plus KL divergence"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    for case in cases("adds_up"):
        case.check(fresh_submission.call("ELBO.elbo_loss", *case.values), "elbo_loss")
