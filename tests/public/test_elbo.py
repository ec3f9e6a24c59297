"""Public checks of ELBO.py: the two costs of a VAE and the loss that they make."""

import numpy as np
import pytest

from autograder.door.diagnose import check_close
from support.checks.networks import random_images
from support.checks.sampling import random_posterior
from support.checks.training import stand_in_for_the_loss
from support.mistakes.elbo import of_elbo_loss, of_kl_diag_normal, of_negative_log_likelihood
from support.oracles import kl_diag_normal, negative_log_likelihood


@pytest.mark.negative_log_likelihood
def test_negative_log_likelihood_by_hand(submission):
    """negative_log_likelihood: three images of four pixels, by hand"""
    x = np.array([[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[1, 0], [1, 0]]], dtype=np.float32)
    recon_x = np.array([[[0, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[1, 0], [1, 0]]], dtype=np.float32)
    # The squared errors of the three images add up to 1, 1 and 0.
    error, constant = (1 + 1 + 0) / 3, 4 / 2 * np.log(2 * np.pi)
    check_close(
        submission.call("ELBO.negative_log_likelihood", x, recon_x),
        error / 2 + constant,
        what="negative_log_likelihood",
        mistakes=lambda: of_negative_log_likelihood(x, recon_x),
    )


@pytest.mark.kl_diag_normal
def test_kl_diag_normal_by_hand(submission):
    """kl_diag_normal: three images with two latents, by hand"""
    mu = np.array([[0, 0], [1, 2], [0, 0]], dtype=np.float32)
    logvar = np.array([[0, 0], [0, np.log(4)], [0, 0]], dtype=np.float32)
    # Two rows are the prior itself; the other gives 1/2 and (4 + 4 - 1 - log 4) / 2.
    second = 0.5 + (7 - np.log(4)) / 2
    check_close(
        submission.call("ELBO.kl_diag_normal", mu, logvar),
        second / 3,
        what="kl_diag_normal",
        mistakes=lambda: of_kl_diag_normal(mu, logvar),
    )


@pytest.mark.elbo_loss
def test_elbo_loss_adds_up(fresh_submission, rng):
    """elbo_loss: reconstruction cost plus KL divergence"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    x, recon_x = random_images(rng, 5), random_images(rng, 5)
    mu, logvar = random_posterior(rng, 5, 3)
    check_close(
        fresh_submission.call("ELBO.elbo_loss", x, recon_x, mu, logvar),
        negative_log_likelihood(x, recon_x).mean() + kl_diag_normal(mu, logvar).mean(),
        what="elbo_loss",
        mistakes=lambda: of_elbo_loss(x, recon_x, mu, logvar),
    )
