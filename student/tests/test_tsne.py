"""Public checks of tsne.py: the posterior means in the plane."""

import pytest

from support.checks.plotting import check_tsne_clusters, clustered_posteriors
from support.pictures import check_picture

pytestmark = pytest.mark.tsne_latents


@pytest.mark.draws
def test_tsne_latents(submission, rng):
    """tsne_latents: keeps apart what is apart in the posterior means, and draws a picture"""
    posteriors = clustered_posteriors(rng, 60)
    model, outpath = posteriors.oracle.send(submission), submission.path("tsne.png")
    arguments = [model, posteriors.images, posteriors.clusters]
    embedding = submission.call("tsne.tsne_latents", *arguments, outpath=outpath)
    check_tsne_clusters(embedding, posteriors)
    check_picture(submission.file_bytes("tsne.png"), "tsne_latents")
