"""Public checks of train.py: what training returns, and that it improves."""

import pytest

from autograder.door.diagnose import check
from support.checks.networks import random_images
from support.checks.training import check_improves, check_values, stand_in_for_the_loss
from support.probe_oracle import random_probe


@pytest.mark.train_autoencoder
def test_train_autoencoder_improves(submission, rng):
    """train_autoencoder: the mean squared error falls, one value per iteration"""
    images = random_images(rng, 30)
    model = random_probe(rng, 2, "ae").send(submission)
    errors = submission.call("train.train_autoencoder", model, images, 80, batch_size=10, lr=0.02)
    errors = check_values(errors, 80, "train_autoencoder")
    check_improves(-errors, 0.2 * errors[0], "train_autoencoder", "the mean squared error")


@pytest.mark.train_vae
def test_train_vae_improves(fresh_submission, rng):
    """train_vae: the ELBO rises, one value per iteration, in nats per image"""
    stand_in_for_the_loss(fresh_submission)
    images = random_images(rng, 30)
    model = random_probe(rng, 2).send(fresh_submission)
    elbos = fresh_submission.call("train.train_vae", model, images, 80, batch_size=10, lr=0.02)
    elbos = check_values(elbos, 80, "train_vae")
    check(elbos.max() < 0, "train_vae: with pixels of unit variance every ELBO is negative. Was the loss returned?")
    check_improves(elbos, 20.0, "train_vae", "the ELBO")
