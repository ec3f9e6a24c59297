"""Hidden checks of embeddings.py: codes, decoded grid and posteriors."""

import numpy as np
import pytest

from autograder.door.diagnose import check_inputs_unchanged
from support.checks.drawing import check_codes, check_grid, check_posterior_rows
from support.checks.networks import random_images
from support.checks.plotting import check_modes_restored, check_recorded_in_eval_mode
from support.checks.training import stand_in_for_the_loss
from support.probe_oracle import random_probe


@pytest.mark.plot_embeddings
def test_plot_embeddings_of_autoencoder(submission, rng):
    """plot_embeddings: the codes of an autoencoder, row i for image i"""
    check_embeddings(submission, rng, "ae")


@pytest.mark.plot_embeddings
def test_plot_embeddings_of_vae(submission, rng):
    """plot_embeddings: the posterior means of a VAE, row i for image i"""
    check_embeddings(submission, rng, "vae")


def check_embeddings(submission, rng, kind):
    """plot_embeddings of a model of this kind returns its codes."""
    for latents, count in ((2, 37), (5, 130)):
        images, labels = random_images(rng, count), rng.integers(0, 10, count)
        oracle = random_probe(rng, latents, kind)
        model = oracle.send(submission)
        reply = submission.run("embeddings.plot_embeddings", [model, images, labels])
        check_recorded_in_eval_mode(model, "encode", "plot_embeddings")
        check_codes(reply.value, oracle, images)
        check_inputs_unchanged(reply.inputs_unchanged, "plot_embeddings")


@pytest.mark.plot_embeddings
def test_plot_embeddings_gives_the_model_back(submission, rng):
    """plot_embeddings: the model is given back in the mode in which it came"""
    images, labels = random_images(rng, 3), np.arange(3)
    check_modes_restored(submission, random_probe(rng, 2, "ae"), "embeddings.plot_embeddings", [images, labels])


@pytest.mark.decode_grid
def test_decode_grid(submission, rng):
    """decode_grid: even steps from the smallest to the largest code, in each coordinate on its own"""
    for low, high, steps in (((-3.0, 1.0), (5.0, 2.5), 4), ((-40.0, -9.0), (-12.0, 80.0), 11)):
        codes = rng.uniform(low, high, (50, 2)).astype(np.float32)
        oracle = random_probe(rng, 2, "ae")
        oracle.weight[:] *= 0.1  # far codes are not to saturate the images
        model = oracle.send(submission)
        reply = submission.run("embeddings.decode_grid", [model, codes], {"steps": steps})
        check_grid(reply.value, oracle, codes, steps, model)
        check_inputs_unchanged(reply.inputs_unchanged, "decode_grid")
        check_recorded_in_eval_mode(model, "decode", "decode_grid")


@pytest.mark.decode_grid
def test_decode_grid_gives_the_model_back(submission, rng):
    """decode_grid: the model is given back in the mode in which it came"""
    codes = rng.standard_normal((6, 2)).astype(np.float32)
    check_modes_restored(submission, random_probe(rng, 2, "ae"), "embeddings.decode_grid", [codes, 3])


ROWS = "embeddings.plot_posterior_rows"


@pytest.mark.plot_posterior_rows
def test_posterior_rows(fresh_submission, rng):
    """plot_posterior_rows: cost of each image by itself, with the posterior mean decoded, in nats"""
    stand_in_for_the_loss(fresh_submission)
    for latents, count in ((2, 5), (6, 1), (3, 4)):
        oracle, images = random_probe(rng, latents), random_images(rng, count)
        model = oracle.send(fresh_submission)
        reply = fresh_submission.run(ROWS, [model, images])
        check_posterior_rows(reply.value, oracle, images, model)
        check_inputs_unchanged(reply.inputs_unchanged, "plot_posterior_rows")
        check_recorded_in_eval_mode(model, "decode", "plot_posterior_rows")


@pytest.mark.plot_posterior_rows
def test_posterior_rows_give_the_model_back(fresh_submission, rng):
    """plot_posterior_rows: the model is given back in the mode in which it came"""
    stand_in_for_the_loss(fresh_submission)
    check_modes_restored(fresh_submission, random_probe(rng, 2), ROWS, [random_images(rng, 2)])
