"""Public checks of latent_traversal.py: walks along the latent axes."""

import pytest

from autograder.door.diagnose import check, check_tensor
from autograder.door.pictures import check_picture
from support.checks.drawing import check_traversal
from support.checks.plotting import check_drawn
from support.probe_oracle import random_probe

pytestmark = pytest.mark.latent_traversal


def test_latent_traversal_by_hand(submission, rng, cases):
    """latent_traversal: three latents, each at -2, 0 and 2 while the others are 0"""
    oracle = random_probe(rng, 3)
    for case in cases("by_hand"):
        model = oracle.send(submission)
        images = submission.call("latent_traversal.latent_traversal", model, **case.arguments)
        check_traversal(images, oracle, case.expected, case.mistakes, model)


def test_latent_traversal_picture(submission, rng):
    """latent_traversal: draws a picture where outpath is given"""
    what, model, outpath = "latent_traversal", random_probe(rng, 2).send(submission), submission.path("traversal.png")
    images = submission.call("latent_traversal.latent_traversal", model, outpath=outpath)
    check_tensor(images, what=f"{what} with 2 latents", shape=(2, 15, 1, 28, 28))
    reply = submission.run("latent_traversal.latent_traversal", [model, 1.0, 9.0, 5, outpath], figures=True)
    check_drawn(reply.figures, what)
    short = any(axes["images"] and axes["xlim"][1] < 9 for figure in reply.figures for axes in figure.axes)
    check(not short, f"{what}: the picture's axis ends before z_max.")
    check_picture(submission.file_bytes("traversal.png"), what)
