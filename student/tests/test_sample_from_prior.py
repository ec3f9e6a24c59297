"""Public checks of sample_from_prior.py: decoded draws from the prior."""

import pytest

from autograder.door.diagnose import check, check_tensor
from support.pictures import check_picture
from support.probe_oracle import random_probe

pytestmark = pytest.mark.sample_from_prior


def test_sample_from_prior_decodes_samples(submission, rng):
    """sample_from_prior: decodes n different latents, new ones at every call"""
    oracle = random_probe(rng, 3)
    model = oracle.send(submission)
    images = [submission.call("sample_from_prior.sample_from_prior", model, n=20) for _ in range(2)]
    for drawn in images:
        check_tensor(drawn, what="sample_from_prior with n=20", shape=(20, 1, 28, 28))
        check((drawn[0] != drawn[1]).any(), "sample_from_prior: the images are all alike.")
    check(
        (images[0] != images[1]).any(),
        "sample_from_prior: two calls give the same images. Nothing may seed the generator.",
    )


@pytest.mark.draws
def test_sample_from_prior_picture(submission, rng):
    """sample_from_prior: draws a picture where outpath is given"""
    model, outpath = random_probe(rng, 2).send(submission), submission.path("samples.png")
    images = submission.call("sample_from_prior.sample_from_prior", model, outpath=outpath)
    check_tensor(images, what="sample_from_prior", shape=(64, 1, 28, 28))
    check_picture(submission.file_bytes("samples.png"), "sample_from_prior")
