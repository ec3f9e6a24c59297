"""Hidden checks of sample_from_prior.py: decoded draws from the prior."""

import numpy as np
import pytest

from autograder.door.diagnose import check, check_close, check_tensor
from autograder.door.laws import check_differ, check_independent, check_standard_normal
from support.checks.plotting import check_recorded_in_eval_mode
from support.probe_oracle import random_probe

pytestmark = pytest.mark.sample_from_prior

SAMPLE = "sample_from_prior.sample_from_prior"


def test_prior_samples(submission, rng):
    """sample_from_prior: decodes independent draws of N(0, I) and returns the decoder's mean images"""
    oracle, what, drawn = random_probe(rng, 3), "sample_from_prior", []
    oracle.weight[:] *= 0.3  # images far from saturation
    for n in (1, 10, 200, 200, 200, 200, 200, 200):
        model = oracle.send(submission)
        images = submission.call(SAMPLE, model, n=n)
        check_tensor(images, what=f"{what} with n={n}", shape=(n, 1, 28, 28))
        check_recorded_in_eval_mode(model, "decode", what)
        fed = [record["input"].reshape(-1, 3) for record in model.records() if record["part"] == "decode"]
        z = np.concatenate(fed).astype(np.float64)
        check(len(z) == n, f"{what} with n={n}: the decoder should be fed n latents.")
        check_close(
            images,
            oracle.decode(z),
            what=f"images that {what} returns",
            mistakes={
                "the model was in train mode: use evaluating": oracle.decode(z, training=True),
                "return the decoder's mean images as they are, with nothing drawn, added or rounded": images,
            },
        )
        drawn.append(z)
    samples = np.concatenate(drawn)
    check_differ(drawn[2], drawn[3], what)
    check_independent(samples, f"{what}: different latents", "Each latent needs a draw of its own: torch.randn(n, k).")
    calls = np.stack([z.ravel() for z in drawn[2:]], axis=1)
    check_independent(calls, f"{what}: different calls", "Nothing may seed the generator.")
    normal = "The prior is N(0, I): torch.randn, not torch.rand."
    check_standard_normal(
        samples,
        f"{what}: the latents",
        dict.fromkeys(("mean", "small variance", "large variance", "distribution"), normal),
    )
