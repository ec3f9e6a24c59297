"""Hidden checks of sample_from_prior.py: decoded draws from the prior."""

import numpy as np
import pytest

from autograder.door import laws
from autograder.door.diagnose import check, explained
from support.checks.drawing import check_decoded, check_new_draws, check_prior, law_of
from support.checks.plotting import check_no_picture, check_recorded_in_eval_mode
from support.probe_oracle import random_probe

pytestmark = pytest.mark.sample_from_prior

SAMPLE = "sample_from_prior.sample_from_prior"


def test_prior_samples(submission, rng):
    """sample_from_prior: decodes independent draws of N(0, I) and returns the decoder's mean images"""
    what, drawn = "sample_from_prior", []
    for latents, sizes in ((12, (600, 1)), (1, (1, 7)), (3, (1, 10, *([60] * 20)))):
        oracle = random_probe(rng, latents)
        oracle.weight[:] *= 0.3  # images far from saturation
        for n in sizes:
            drawn.append(_drawn(submission, oracle, n))
    samples = np.stack(drawn[-20:])
    check_new_draws(samples[0], samples[1], submission, lambda: submission.call(SAMPLE, oracle.send(submission), n=10))
    axes = {
        "calls": "",
        "images": "one draw serves several images: draw torch.randn(n, k)",
        "latents": "one number serves all latents of an image: draw torch.randn(n, k)",
    }
    with explained(lambda: law_of(samples)):
        laws.check_fresh(samples, what, axes)
        laws.check_fresh(drawn[0][np.newaxis], what, axes)
    check(all(np.abs(z).max() > 1e-6 for z in drawn), f"{what} of one image decodes zeros, not a draw.")
    for z in (samples, drawn[0]):
        check_prior(z)
    check_no_picture(submission, what)


def _drawn(submission, oracle, n):
    """The latents (n, k) that were decoded to n images, which are what the decoder gives for them."""
    model = oracle.send(submission)
    images = submission.call(SAMPLE, model, n=n)
    check_recorded_in_eval_mode(model, "decode", "sample_from_prior")
    return check_decoded(images, oracle, model, n)
