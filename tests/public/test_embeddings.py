"""Public checks of embeddings.py: what is drawn of the latent plane."""

from functools import partial

import numpy as np
import pytest

from autograder.door.diagnose import Observation, check_tensor, explain, explained
from autograder.door.pictures import check_picture
from support.checks.drawing import check_a_row_of_each, check_codes, check_grid, check_posterior_rows
from support.checks.networks import random_images
from support.checks.plotting import check_drawn, check_generators_kept, check_rows_drawn, check_scatter
from support.checks.training import costs, stand_in_for_the_loss
from support.probe_oracle import random_probe


@pytest.mark.plot_embeddings
def test_plot_embeddings_codes(submission, rng):
    """plot_embeddings: returns the codes of the images, row i for image i"""
    images, labels = random_images(rng, 11), np.arange(11) % 10
    oracle = random_probe(rng, 2, "ae")
    call = partial(submission.call, "embeddings.plot_embeddings", oracle.send(submission), images, labels)
    check_codes(call(), oracle, images, again=call, labels=labels)


@pytest.mark.plot_embeddings
def test_plot_embeddings_picture(submission, rng):
    """plot_embeddings: draws a picture where outpath is given"""
    # Of more than two coordinates two are drawn.
    for count, latents in ((1030, 3), (20, 2)):
        oracle, images = random_probe(rng, latents, "ae"), random_images(rng, count)
        labels, outpath = rng.integers(0, 10, count), submission.path(f"{count}_embeddings.png")
        arguments = [oracle.send(submission), images, labels, outpath]
        call = partial(submission.run, "embeddings.plot_embeddings", arguments, figures=True)
        reply = check_generators_kept(submission, call, "plot_embeddings")
        check_a_row_of_each(reply.value, oracle.mean(images), "plot_embeddings")
        codes = check_tensor(reply.value, what="plot_embeddings", shape=(count, latents))
        check_scatter(reply.figures, codes, labels, "plot_embeddings")
        check_picture(submission.file_bytes(outpath.name), "plot_embeddings")


@pytest.mark.decode_grid
def test_decode_grid_by_hand(submission, rng, cases):
    """decode_grid: 3 by 3 images from (0, 10) to (2, 20)"""
    oracle = random_probe(rng, 2, "ae")
    for case in cases("by_hand"):
        model = oracle.send(submission)
        images = submission.call("embeddings.decode_grid", model, **case.arguments)
        check_grid(images, oracle, case.expected, case.mistakes, model)


@pytest.mark.decode_grid
def test_decode_grid_picture(submission, rng):
    """decode_grid: draws a picture where outpath is given"""
    oracle = random_probe(rng, 2, "ae")
    codes = rng.standard_normal((20, 2)).astype(np.float32)
    outpath = submission.path("grid.png")
    arguments = [oracle.send(submission), codes]
    reply = submission.run("embeddings.decode_grid", arguments, {"outpath": outpath}, figures=True)
    check_tensor(reply.value, what="decode_grid without steps", shape=(10, 10, 1, 28, 28))
    check_drawn(reply.figures, "decode_grid")
    check_picture(submission.file_bytes("grid.png"), "decode_grid")


@pytest.mark.plot_posterior_rows
def test_plot_posterior_rows(fresh_submission, cases):
    """plot_posterior_rows: reconstruction error, KL and their sum for each image, and a picture"""
    stand_in_for_the_loss(fresh_submission)
    for case in cases("two_images"):
        rng = np.random.default_rng(case.arguments["seed"])
        oracle, images = random_probe(rng, 2), random_images(rng, 2)
        model, outpath = oracle.send(fresh_submission), fresh_submission.path("rows.png")
        reply = fresh_submission.run("embeddings.plot_posterior_rows", [model, images, outpath], figures=True)
        mean = oracle.mean(images)
        given = (images, oracle.decode(mean), mean, oracle.logvar(mean))
        with explained(partial(own_costs, fresh_submission, given, reply.value, case.expected)):
            check_posterior_rows(reply.value, oracle, images, case.expected, case.mistakes, model)
        check_rows_drawn(reply.figures, mean, np.exp(oracle.logvar(mean) / 2), reply.value, "plot_posterior_rows")
        check_picture(fresh_submission.file_bytes("rows.png"), "plot_posterior_rows")


def own_costs(submission, given, came, expected):
    """Whether wrong rows are what the submission's own two functions return, given images, means of pixels, ..."""
    rows = zip(*(value.astype(np.float32)[:, np.newaxis] for value in given), strict=True)
    found = [(error, divergence, error + divergence) for error, divergence in (costs(submission, *row) for row in rows)]
    cause = "these are what negative_log_likelihood and kl_diag_normal return, and one of these is wrong"
    return explain([Observation(came, expected, {cause: np.array(found)})])
