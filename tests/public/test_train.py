"""Public checks of train.py: what training returns, that it improves, and how it takes its steps."""

import pytest

from autograder.door.diagnose import check
from support.checks.networks import random_images
from support.checks.training import (
    cause_of_short,
    check_calls,
    check_few_images,
    check_gradients_zeroed,
    check_improves,
    check_values,
    stand_in_for_the_loss,
)
from support.probe_oracle import random_probe

TRAIN_AE = "train.train_autoencoder"
TRAIN_VAE = "train.train_vae"


@pytest.mark.train_autoencoder
def test_train_autoencoder_improves(submission, rng):
    """train_autoencoder: the mean squared error falls, one value per iteration, which on_step is given, too"""
    images, on_step = random_images(rng, 30), submission.recorder()
    model = random_probe(rng, 2, "ae").send(submission)
    errors = submission.call(TRAIN_AE, model, images, 80, batch_size=10, lr=0.02, on_step=on_step)
    errors = check_values(errors, 80, "train_autoencoder", epoch=3)

    def why():
        return cause_of_short(submission, TRAIN_AE, "ae")

    check_improves(-errors, 0.2 * errors[0], "train_autoencoder", "the mean squared error", why)
    check_calls(on_step.records(), errors, "train_autoencoder")
    check_gradients_zeroed(submission, TRAIN_AE, "ae", errors)


@pytest.mark.train_autoencoder
def test_train_autoencoder_few_images(submission, rng):
    """train_autoencoder: with fewer images than batch_size, a minibatch has all of them"""
    check_few_images(submission, TRAIN_AE, random_probe(rng, 2, "ae"), rng)


@pytest.mark.train_vae
def test_train_vae_improves(fresh_submission, rng):
    """train_vae: the ELBO rises, one value per iteration, in nats per image, which on_step is given, too"""
    stand_in_for_the_loss(fresh_submission)
    images, on_step = random_images(rng, 30), fresh_submission.recorder()
    model = random_probe(rng, 2).send(fresh_submission)
    elbos = fresh_submission.call(TRAIN_VAE, model, images, 80, batch_size=10, lr=0.02, on_step=on_step)
    elbos = check_values(elbos, 80, "train_vae", epoch=3)
    check(
        elbos.max() < 0,
        "train_vae: with pixels of unit variance every ELBO is negative.",
        "the loss is returned, which is MINUS the ELBO" if elbos.min() > 0 else "",
    )

    def why():
        return cause_of_short(fresh_submission, TRAIN_VAE, "vae")

    check_improves(elbos, 20.0, "train_vae", "the ELBO", why)
    check_calls(on_step.records(), elbos, "train_vae")
    check_gradients_zeroed(fresh_submission, TRAIN_VAE, "vae", elbos)


@pytest.mark.train_vae
def test_train_vae_few_images(fresh_submission, rng):
    """train_vae: with fewer images than batch_size, a minibatch has all of them"""
    stand_in_for_the_loss(fresh_submission)
    check_few_images(fresh_submission, TRAIN_VAE, random_probe(rng, 2), rng)
