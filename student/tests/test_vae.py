"""Public checks of VAE.py: the VAE's networks and its sampling."""

import numpy as np
import pytest

from autograder.door.diagnose import check, check_tensor, fail
from autograder.door.submission import SubmissionError
from support.checks.networks import (
    check_decoder_shapes,
    check_encoder_shapes,
    encode_pair,
    every_architecture,
    random_images,
)
from support.checks.sampling import (
    check_law,
    check_noise_independent,
    check_sample_gradients,
    random_posterior,
    sample,
    sampler,
)


@every_architecture
def test_network_shapes(submission, architecture):
    """Encoder: images become mu and logvar, each (B, latent_dim); decoder: these become images in [0, 1]"""
    for latents in (2, 3, 7):
        vae = submission.call("VAE.VAE", latent_dim=latents, architecture=architecture)
        vae.train(False)
        what = f'VAE({latents}, "{architecture}")'
        check(vae.get("latent_dim") == latents, f"{what}: latent_dim should be kept as an attribute.")
        encode_pair(vae, random_images(np.random.default_rng(0), 2), latents)
        check_encoder_shapes(lambda x, call=vae.call: call("encode", x), latents, f"{what}.encode")
        check_decoder_shapes(lambda z, call=vae.call: call("decode", z), latents, f"{what}.decode")


@pytest.mark.vae_mlp
def test_unknown_architecture(submission):
    """VAE (provided): an unknown architecture is a ValueError"""
    try:
        submission.call("VAE.VAE", latent_dim=2, architecture="transformer")
    except SubmissionError as error:
        check(error.type == "ValueError", f"VAE: an unknown architecture should be a ValueError, not {error.type}.")
    else:
        fail("VAE: an unknown architecture is accepted; it should be a ValueError.")


@pytest.mark.reparameterize
def test_forward(submission, rng):
    """VAE.forward (provided): returns (recon_x, mu, logvar) and decodes a fresh sample each time"""
    vae = submission.call("VAE.VAE", latent_dim=3)
    x = random_images(rng, 5)
    results = [vae.call("", x), vae.call("", x)]
    check(
        all(isinstance(result, tuple) and len(result) == 3 for result in results),
        "VAE.forward should return three values.",
    )
    (first, mu, logvar), (second, *_) = results
    check_tensor(first, what="recon_x", shape=(5, 1, 28, 28))
    check_tensor(mu, what="mu", shape=(5, 3))
    check_tensor(logvar, what="logvar", shape=(5, 3))
    check((first != second).any(), "VAE.forward decodes the same z twice: is it mu rather than a sample?")


@pytest.mark.reparameterize
def test_reparameterize_law(submission, rng):
    """reparameterize: z has mean mu and variance exp(logvar), and noise of its own in every entry"""
    vae = sampler(submission)
    mu, logvar = random_posterior(rng, 1000, 3)
    z = sample(vae, mu, logvar)
    check_noise_independent(sampler(submission, 4), rng, latents=4, images=5, draws=20)
    check_law(mu, logvar, z)


@pytest.mark.reparameterize
def test_reparameterize_gradient(submission, rng):
    """reparameterize: gradients pass through the sample to mu and logvar"""
    mu, logvar = random_posterior(rng, 6, 3)
    check_sample_gradients(sampler(submission), mu, logvar, np.ones_like(mu), rtol=1e-3, atol=1e-4)
