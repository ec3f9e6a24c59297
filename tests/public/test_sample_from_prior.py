"""Public checks of sample_from_prior.py: decoded draws from the prior."""

import pytest

from autograder.door.diagnose import check
from autograder.door.pictures import check_picture
from support.checks.drawing import check_decoded, check_new_draws, check_prior
from support.checks.plotting import check_drawn
from support.probe_oracle import random_probe

pytestmark = pytest.mark.sample_from_prior

SAMPLE = "sample_from_prior.sample_from_prior"


def test_sample_from_prior_decodes_samples(submission, rng):
    """sample_from_prior: decodes n different draws of N(0, I), new ones at every call"""
    oracle = random_probe(rng, 3)
    model = oracle.send(submission)
    images = []
    for _ in range(2):
        before = len(model.records())
        images.append(submission.call(SAMPLE, model, n=20))
        check_decoded(images[-1], oracle, model, 20, before)
        check((images[-1][0] != images[-1][1]).any(), "sample_from_prior: the images are all alike.")
    check_new_draws(*images, submission, lambda: submission.call(SAMPLE, model, n=20))
    before = len(model.records())
    many = submission.call(SAMPLE, model, n=400)
    check_prior(check_decoded(many, oracle, model, 400, before))


def test_sample_from_prior_picture(submission, rng):
    """sample_from_prior: draws a picture where outpath is given"""
    oracle, outpath = random_probe(rng, 2), submission.path("samples.png")
    model = oracle.send(submission)
    reply = submission.run(SAMPLE, [model], {"outpath": outpath}, figures=True)
    check_decoded(reply.value, oracle, model, 64)  # none but those that are returned
    check_drawn(reply.figures, "sample_from_prior")
    check_picture(submission.file_bytes("samples.png"), "sample_from_prior")
