"""Hidden checks of latent_traversal.py: walks along the latent axes."""

import numpy as np
import pytest

from support.checks.drawing import check_traversal
from support.checks.plotting import check_recorded_in_eval_mode
from support.mistakes.latent_traversal import of_latent_traversal
from support.oracles import traversal_latents
from support.probe_oracle import random_probe

pytestmark = pytest.mark.latent_traversal

TRAVERSE = "latent_traversal.latent_traversal"


def test_latent_traversal(submission, rng):
    """latent_traversal: each latent in turn goes evenly from z_min to z_max, both included, the others stay 0"""
    for latents, arguments, low, high, steps in (
        (2, {}, -3, 3, 15),
        (5, {"z_min": -1.5, "z_max": 4.0, "steps": 6}, -1.5, 4, 6),
        (1, {"z_min": 0.5, "z_max": 2.0, "steps": 2}, 0.5, 2, 2),
        (2, {"z_min": 2.0, "z_max": -1.0, "steps": 5}, 2, -1, 5),
        (2, {"z_min": 4.0, "z_max": 11.0, "steps": 4}, 4, 11, 4),
        (23, {"z_min": -4.5, "z_max": -0.5, "steps": 33}, -4.5, -0.5, 33),
    ):
        oracle = random_probe(rng, latents)
        model = oracle.send(submission)
        images = submission.call(TRAVERSE, model, **arguments)
        z = traversal_latents(np.linspace(low, high, steps), latents)
        check_traversal(images, oracle, z, of_latent_traversal(low, high, steps, latents), model)
        check_recorded_in_eval_mode(model, "decode", "latent_traversal")
