"""Public checks of VAE.py: the VAE's networks and its sampling."""

import numpy as np
import pytest

from autograder.door.diagnose import DETACHED, check, check_close, check_tensor, fail, quoted
from autograder.door.laws import check_standard_normal
from autograder.door.submission import SubmissionError
from support.checks.networks import (
    check_decoder_shapes,
    check_encoder_shapes,
    check_not_cut_off,
    check_pair_not_clamped,
    encode_pair,
    every_architecture,
    random_codes,
    random_images,
    under,
)
from support.checks.sampling import (
    check_law,
    check_noise_independent,
    check_sample_gradients,
    noise,
    random_posterior,
    sample,
    sampler,
)


@every_architecture
def test_network_shapes(submission, architecture):
    """Encoder: images become mu and logvar, any real numbers (B, latent_dim); decoder: these become images in [0, 1]"""
    for latents in (2, 3, 7):
        vae = submission.call("VAE.VAE", latent_dim=latents, architecture=architecture)
        vae.train(False)
        what = f'VAE({latents}, "{architecture}")'
        check(vae.get("latent_dim") == latents, f"{what}: latent_dim should be kept as an attribute.")
        encode_pair(vae, random_images(np.random.default_rng(0), 2), latents)
        check_encoder_shapes(submission, lambda x, call=vae.call: call("encode", x), latents, f"{what}.encode")
        z = random_codes(np.random.default_rng(0), 16, latents)
        why = under(vae, lambda call=vae.call, z=z: [call("decode", z)])
        check_decoder_shapes(submission, lambda z, call=vae.call: call("decode", z), latents, f"{what}.decode", why)
        check_not_cut_off(why, f"{what}.decode")
    vae = submission.call("VAE.VAE", latent_dim=13, architecture=architecture)
    vae.train(False)
    x = random_images(np.random.default_rng(1), 8)
    check_pair_not_clamped(vae, lambda: encode_pair(vae, x, 13), draws=4, seed=2)


@pytest.mark.vae_mlp
def test_unknown_architecture(submission):
    """VAE (provided): an unknown architecture is a ValueError"""
    try:
        submission.call("VAE.VAE", latent_dim=2, architecture="transformer")
    except SubmissionError as error:
        if error.stage != "call":
            raise
        check(
            error.type == "ValueError",
            f"VAE: an unknown architecture should be a ValueError, not {quoted(error.type)}.",
        )
    else:
        fail("VAE: an unknown architecture is accepted; it should be a ValueError.")


@pytest.mark.reparameterize
def test_forward(submission, rng):
    """VAE.forward (provided): returns (recon_x, mu, logvar) and decodes a fresh sample each time"""
    check(submission.call("VAE.VAE").get("latent_dim") == 2, "VAE(): latent_dim should be 2 by default.")
    vae = submission.call("VAE.VAE", latent_dim=3)
    vae.train(False)
    fed, x = submission.recorder(), random_images(rng, 700)
    vae.get("decoder").call("register_forward_hook", fed)
    result = vae.call("", x)
    check(isinstance(result, tuple) and len(result) == 3, "VAE.forward should return three values.")
    recon_x, mu, logvar = result
    check_tensor(recon_x, what="recon_x", shape=(700, 1, 28, 28))
    pair = encode_pair(vae, x, 3)
    for value, right, other, name in zip((mu, logvar), pair, pair[::-1], ("mu", "logvar"), strict=True):
        mistakes = {"mu and logvar have changed places: the order is (recon_x, mu, logvar)": other}
        if name == "logvar":
            mistakes["the variance is returned, exp(logvar)"] = np.exp(right)
        check_close(value, right, what=f"VAE.forward, {name}", mistakes=mistakes)
    calls = fed.records()
    check(len(calls) == 1, f"VAE.forward decodes one sample, once, not {quoted(len(calls))} times.")
    _, (z,), decoded = calls[0]
    check_close(recon_x, decoded, what="VAE.forward, recon_x")
    eps = noise(mu, logvar, z)
    if np.abs(eps).max() < 1e-3:
        vae.train(True)
        in_train_mode = sample(vae, mu, logvar)
        vae.train(False)
        samples = [np.abs(sample(vae, mu, logvar) - mu).max() > 1e-6, np.abs(in_train_mode - mu).max() > 1e-6]
        fail(
            "VAE.forward decodes the mean, not a sample.",
            "reparameterize draws no noise in eval mode; it should in every mode"
            if samples == [False, True]
            else "forward decodes mu, not the sample that reparameterize gives"
            if all(samples)
            else "",
        )
    check_standard_normal(eps, "VAE.forward, (z - mu) / sigma")
    # What of the encoder moves logvar alone has a say in the image, too.
    encoder = vae.get("encoder")
    gradients = [
        vae.run("", [x[:40]], parameters_of=encoder, output=(place,)).parameter_gradients.values() for place in range(3)
    ]
    for image, mu, logvar in zip(*gradients, strict=True):
        alone = 0 if logvar is None else (logvar != 0) & (mu is None or mu == 0)
        reached = not np.any(alone) or image is not None and image[alone].any()
        check(reached, "VAE.forward: no gradient of the image reaches logvar.", DETACHED)


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
