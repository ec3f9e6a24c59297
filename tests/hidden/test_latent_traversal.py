"""Hidden checks of latent_traversal.py: walks along the latent axes."""

import numpy as np
import pytest

from autograder.door.diagnose import case
from support.checks.drawing import check_traversal
from support.checks.plotting import check_no_picture, check_recorded_in_eval_mode
from support.mistakes.latent_traversal import of_latent_traversal
from support.oracles import traversal_latents
from support.probe_oracle import random_probe

pytestmark = pytest.mark.latent_traversal

TRAVERSE = "latent_traversal.latent_traversal"


def test_latent_traversal(submission, rng):
    """latent_traversal: each latent in turn goes evenly from z_min to z_max, both included, the others stay 0"""
    for label, latents, arguments, low, high, steps in (
        ("the default walk", 2, {}, -3, 3, 15),
        ("a walk of other ends and steps", 5, {"z_min": -1.5, "z_max": 4.0, "steps": 6}, -1.5, 4, 6),
        ("a single latent", 1, {"z_min": 0.5, "z_max": 2.0, "steps": 2}, 0.5, 2, 2),
        ("z_max below z_min", 2, {"z_min": 2.0, "z_max": -1.0, "steps": 5}, 2, -1, 5),
        ("a walk far from 0", 2, {"z_min": 4.0, "z_max": 11.0, "steps": 4}, 4, 11, 4),
        ("many latents", 23, {"z_min": -4.5, "z_max": -0.5, "steps": 33}, -4.5, -0.5, 33),
    ):
        oracle = random_probe(rng, latents)
        model = oracle.send(submission)
        z = traversal_latents(np.linspace(low, high, steps), latents)
        with case(label):
            images = submission.call(TRAVERSE, model, **arguments)
            check_traversal(images, oracle, z, of_latent_traversal(low, high, steps, latents), model)
            check_recorded_in_eval_mode(model, "decode", "latent_traversal")
    check_no_picture(submission, "latent_traversal")
