"""Hidden checks of embeddings.py: codes, decoded grid and posteriors."""

from functools import partial

import numpy as np
import pytest

from autograder.door.diagnose import case
from support.checks.drawing import check_codes, check_grid, check_posterior_rows
from support.checks.networks import random_images
from support.checks.plotting import check_no_picture, check_recorded_in_eval_mode
from support.checks.training import stand_in_for_the_loss
from support.mistakes.embeddings import of_decode_grid, of_plot_posterior_rows
from support.oracles import grid_latents, posterior_costs
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
    for latents, count in ((2, 37), (5, 1), (13, 1117)):
        images, labels = random_images(rng, count), rng.integers(0, 10, count)
        oracle = random_probe(rng, latents, kind)
        model = oracle.send(submission)
        call = partial(submission.call, "embeddings.plot_embeddings", model, images, labels)
        with case("a single image" if count == 1 else "more than two latents" if latents > 2 else "two latents"):
            codes = call()
            check_recorded_in_eval_mode(model, "encode", "plot_embeddings")
            check_codes(codes, oracle, images, again=call, labels=labels)
    check_no_picture(submission, "plot_embeddings")


@pytest.mark.decode_grid
def test_decode_grid(submission, rng):
    """decode_grid: even steps from the smallest to the largest code, in each coordinate on its own"""
    for low, high, steps, count in (
        ((-3.0, 1.0), (6.0, 2.5), 4, 50),
        ((-40.0, -9.0), (-12.0, 80.0), 11, 50),
        ((-3.0, -1.0), (3.0, 2.5), 26, 1200),
    ):
        codes = rng.uniform(low, high, (count, 2)).astype(np.float32)
        codes[-1, 0], codes[-2, 1] = high  # the largest come last
        oracle = random_probe(rng, 2, "ae")
        oracle.weight[:] *= 0.1  # so that far codes do not saturate the images
        model = oracle.send(submission)
        with case("some codes"):
            images = submission.call("embeddings.decode_grid", model, codes, steps=steps)
            z = grid_latents(codes.min(axis=0), codes.max(axis=0), steps)
            check_grid(images, oracle, z, of_decode_grid(codes, steps), model)
        # The same model with other codes: one lies far out; all have the same second coordinate.
        outlier, flat = codes.copy(), codes.copy()
        outlier[0] -= 9 * np.ptp(codes, axis=0)
        flat[:, 1] = 0.5
        for kind, others in (("one code far from all others", outlier), ("codes on a line", flat)):
            with case(kind):
                images = submission.call("embeddings.decode_grid", model, others, steps=steps)
                z = grid_latents(others.min(axis=0), others.max(axis=0), steps)
                check_grid(images, oracle, z, of_decode_grid(others, steps), model)
        check_recorded_in_eval_mode(model, "decode", "decode_grid")
    check_no_picture(submission, "decode_grid")


ROWS = "embeddings.plot_posterior_rows"


@pytest.mark.plot_posterior_rows
def test_posterior_rows(fresh_submission, rng):
    """plot_posterior_rows: cost of each image by itself, with the posterior mean decoded, in nats"""
    stand_in_for_the_loss(fresh_submission)
    for latents, count in ((2, 5), (6, 1), (1, 2), (13, 24)):
        oracle, images = random_probe(rng, latents), random_images(rng, count)
        model = oracle.send(fresh_submission)
        mean = oracle.mean(images)
        right = posterior_costs(images, oracle.decode(mean), mean, oracle.logvar(mean))
        with case("a single image" if count == 1 else "two latents" if latents == 2 else "one latent or many"):
            costs = fresh_submission.call(ROWS, model, images)
            check_posterior_rows(costs, oracle, images, right, of_plot_posterior_rows(oracle, images), model)
        check_recorded_in_eval_mode(model, "decode", "plot_posterior_rows")
    check_no_picture(fresh_submission, "plot_posterior_rows")
