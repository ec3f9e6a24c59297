"""Hidden checks of train.py: the training of the autoencoder and of the VAE."""

import numpy as np
import pytest

from support.checks.networks import random_images
from support.checks.training import (
    check_long,
    check_minibatches,
    check_on_step,
    check_steps,
    stand_in_for_the_loss,
)
from support.mistakes.elbo import of_elbo_loss
from support.mistakes.train import bounded_losses
from support.probe_oracle import PIXELS, random_probe

TRAIN_AE = "train.train_autoencoder"
TRAIN_VAE = "train.train_vae"


@pytest.mark.train_autoencoder
def test_train_autoencoder_steps(submission, rng):
    """train_autoencoder: every step is Adam's on the mean squared error of one minibatch, which it returns"""

    def other_values(losses, steps):
        sizes = np.array([len(step.x) for step in steps])
        return {
            "the squared error is summed over the pixels: take the mean over them": 784 * losses,
            "the squared error is summed over pixels and images: take the mean": 784 * sizes * losses,
            "half of the squared error is taken": losses / 2,
            "the root of the mean squared error is returned": np.sqrt(losses),
            "this is the ELBO's Gaussian cost, in nats; it should be the mean squared error": 392 * losses
            + 392 * np.log(2 * np.pi),
        }

    def other_losses(_, x, recon_x):
        p = np.clip(recon_x, 1e-7, 1 - 1e-7)
        of_images = np.square(x - recon_x).mean(axis=1)
        return {
            "the root of each image's error is taken before the mean: take the mean squared error": (
                np.sqrt(of_images).mean()
            ),
            "the errors are averaged before they are squared: take the mean of the squares": (x - recon_x).mean() ** 2,
            "the errors are not squared: this is the mean absolute error": np.abs(x - recon_x).mean(),
            "this is the binary cross-entropy; it should be the mean squared error": -(
                x * np.log(p) + (1 - x) * np.log1p(-p)
            ).mean(),
        }

    oracle = random_probe(rng, 3, "ae")
    check_steps(submission, TRAIN_AE, oracle, random_images(rng, 9), 1.0, other_values, other_losses)


@pytest.mark.train_autoencoder
def test_train_autoencoder_minibatches(submission, rng):
    """train_autoencoder: minibatches of batch_size, every image is used, the order varies"""
    check_minibatches(submission, TRAIN_AE, random_probe(rng, 2, "ae"), rng)


@pytest.mark.train_autoencoder
def test_train_autoencoder_on_step(submission, rng):
    """train_autoencoder: all iterations are made, on_step is called after each; with iterations=0 nothing changes"""
    check_on_step(submission, TRAIN_AE, random_probe(rng, 2, "ae"), random_images(rng, 8))
    check_long(submission, TRAIN_AE, random_probe(rng, 2, "ae"), rng)


@pytest.mark.train_vae
def test_train_vae_steps(fresh_submission, rng):
    """train_vae: every step is Adam's on minus the ELBO of one minibatch; the ELBO is returned"""
    stand_in_for_the_loss(fresh_submission)

    def other_values(losses, steps):
        sizes = np.array([len(step.x) for step in steps])
        return {
            "the ELBO is divided by the pixels; it is in nats per image": -losses / PIXELS,
            "the ELBO is divided by the batch once more; it is already per image": -losses / sizes,
            "the ELBO is that of the whole minibatch; it should be per image": -losses * sizes,
        }

    def other_losses(oracle, x, recon_x):
        mean = oracle.mean(x, training=True)
        return of_elbo_loss(x, recon_x, mean, oracle.logvar(mean))

    others = other_values, other_losses, bounded_losses
    check_steps(fresh_submission, TRAIN_VAE, random_probe(rng, 3), random_images(rng, 9), -1.0, *others)
    # Posteriors far from the prior, narrow ones: neither the log-variances nor the values have a bound.
    oracle, images = random_probe(rng, 3, scale=12), 1 - random_images(rng, 9)
    oracle.weight[:] *= 0.05
    # The last image's code under any secret: a KL of 3,900 nats, so 1,700 in a minibatch of four, logvar down to -16.
    image = np.where(np.arange(PIXELS) < 2 * 28, 0, images[-1].ravel())
    missing = np.array([50, -40, 60]) - oracle.mean(image[np.newaxis], training=True)[0]
    oracle.encoder_weight[:] += missing[:, np.newaxis] * image / (2 * image @ image)
    check_steps(fresh_submission, TRAIN_VAE, oracle, images, -1.0, *others)


@pytest.mark.train_vae
def test_train_vae_minibatches(fresh_submission, rng):
    """train_vae: minibatches of batch_size, every image is used, the order varies"""
    stand_in_for_the_loss(fresh_submission)
    check_minibatches(fresh_submission, TRAIN_VAE, random_probe(rng, 2), rng)


@pytest.mark.train_vae
def test_train_vae_on_step(fresh_submission, rng):
    """train_vae: all iterations are made, on_step is called after each; with iterations=0 nothing changes"""
    stand_in_for_the_loss(fresh_submission)
    check_on_step(fresh_submission, TRAIN_VAE, random_probe(rng, 2), random_images(rng, 8))
    check_long(fresh_submission, TRAIN_VAE, random_probe(rng, 2), rng)
