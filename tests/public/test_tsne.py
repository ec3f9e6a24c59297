"""Public checks of tsne.py: the posterior means in the plane."""

import pytest

from autograder.door.pictures import check_picture
from support.checks.networks import random_images
from support.checks.plotting import check_few_images, check_scatter, check_tsne_clusters, clustered_posteriors
from support.probe_oracle import random_probe

pytestmark = pytest.mark.tsne_latents


def test_tsne_latents(submission, rng):
    """tsne_latents: keeps apart what is apart in the posterior means, draws a picture, takes five images"""
    posteriors = clustered_posteriors(rng, 60)
    model, outpath = posteriors.oracle.send(submission), submission.path("tsne.png")
    labels = rng.integers(0, 10, 60)
    reply = submission.run("tsne.tsne_latents", [model, posteriors.images, labels, outpath], figures=True)
    check_tsne_clusters(reply.value, posteriors)
    check_scatter(reply.figures, reply.value, labels, "tsne_latents")
    check_picture(submission.file_bytes("tsne.png"), "tsne_latents")
    check_few_images(submission, random_probe(rng, 2), random_images(rng, 5))
