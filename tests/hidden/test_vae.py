"""Hidden checks of VAE.py: the VAE's networks and its sampling."""

import numpy as np
import pytest
import scipy  # scipy.stats is loaded where a cause is looked for

from autograder.door.diagnose import CheckFailed, check, check_close
from autograder.door.laws import DOUBTFUL, check_differ, check_standard_normal
from support.checks.networks import (
    MILD,
    check_decoder_gradient,
    check_decoder_uses_its_range,
    check_depends_on_pixels,
    check_every_latent_matters,
    check_kernels,
    check_nonlinear,
    check_pair_not_clamped,
    check_rows,
    check_same_in_train_mode,
    check_trainable,
    check_varies,
    check_width,
    decode,
    encode_pair,
    every_architecture,
    logit,
    random_codes,
    random_images,
    under,
    under_large_weights,
)
from support.checks.sampling import (
    WHAT,
    cause_of_repeats,
    check_law,
    check_noise_independent,
    check_sample_gradients,
    noise,
    random_posterior,
    sample,
    sampler,
)

FLOOR = "there is a floor under the variances: logvar is clamped, or something is added to the variance or to sigma"


def make_vae(submission, architecture, latents=3):
    """A VAE in eval mode."""
    vae = submission.call("VAE.VAE", latent_dim=latents, architecture=architecture)
    vae.train(False)
    return vae


@every_architecture
def test_posterior_is_not_clamped(submission, rng, architecture):
    """Encoder: mu and logvar may each be any real number, of either sign"""
    vae = make_vae(submission, architecture, latents=13)
    seed = int(rng.integers(2**31))
    check_pair_not_clamped(vae, lambda: encode_pair(vae, random_images(rng, 16), 13), draws=8, seed=seed)


@every_architecture
def test_posterior_uses_the_image(submission, rng, architecture):
    """Encoder: mu and logvar are two functions, each of the whole of its own image; gradients reach the layers"""
    vae = make_vae(submission, architecture)
    vae.randomize(rng, MILD)
    x = random_images(rng, 9)
    mu, logvar = encode_pair(vae, x, 3)
    check(np.abs(mu - logvar).max() > 1e-3 * np.abs(mu).max(), "Encoder: mu and logvar are the same numbers.")
    cotangent = rng.standard_normal((9, 3)).astype(np.float32)
    for index, name in enumerate(("mu", "logvar")):
        check_varies((mu, logvar)[index], name, "image")
        check_rows(lambda images, i=index: encode_pair(vae, images, 3)[i], x, f"Encoder ({name})")
        reply = vae.run("encode", [x], wrt=[0], parameters_of=vae.get("encoder"), cotangent=cotangent, output=(index,))
        check_depends_on_pixels(reply.gradients[0], f"Encoder ({name})")
        check_trainable(reply.parameter_gradients, f"Encoder ({name})")
    wide = make_vae(submission, architecture, latents=13)
    wide.randomize(rng, MILD)
    pair = encode_pair(wide, random_images(rng, 40), 13)
    for values, name in zip(pair, ("mu", "logvar"), strict=True):
        check_width(values, name)
    alike = [abs(np.corrcoef(*columns)[0, 1]) > 0.9999 for columns in zip(*(values.T for values in pair), strict=True)]
    check(
        not all(alike), "Encoder: logvar is mu in another guise. Each needs a last layer, or half of one, of its own."
    )
    check_same_in_train_mode(wide, lambda: encode_pair(wide, x, 13), "Encoder")


@every_architecture
def test_decoder(submission, rng, architecture):
    """Decoder: each image depends on every latent of its own row; dark and bright pixels are possible"""
    vae = make_vae(submission, architecture)
    vae.randomize(rng, MILD)
    z = random_codes(rng, 9, 3, spread=1.0)
    vae.randomize(rng, 0.5)  # no pixel is black or white
    check_rows(lambda codes: decode(vae, codes), z, "Decoder")
    vae.randomize(rng, MILD)
    check_rows(lambda codes: decode(vae, codes), z, "Decoder")
    check_every_latent_matters(lambda codes: decode(vae, codes), 3, "Decoder")
    cotangent = rng.standard_normal((9, 1, 28, 28)).astype(np.float32)
    reply = vae.run("decode", [z], wrt=[0], parameters_of=vae.get("decoder"), cotangent=cotangent)
    check_decoder_gradient(reply.gradients[0], "z")
    check_trainable(reply.parameter_gradients, "Decoder")

    def outputs():
        return [decode(vae, random_codes(rng, 16, 3))]

    (images,) = under_large_weights(vae, rng, outputs, draws=4)
    for latents in (1, 14):
        other = make_vae(submission, architecture, latents)
        other.randomize(rng, MILD)
        encode_pair(other, random_images(rng, 1), latents)
        check_every_latent_matters(lambda codes, model=other: decode(model, codes), latents, "Decoder")
    z = random_codes(rng, 4, latents)
    check_same_in_train_mode(other, lambda: [decode(other, z)], "Decoder")
    check_decoder_uses_its_range(images, "Decoder", under(vae, outputs))


@every_architecture
def test_layers(submission, rng, architecture):
    """Encoder, decoder: convolutions where they are asked for and only there, and more than one linear layer"""
    vae = make_vae(submission, architecture)
    state = vae.state()
    for part in ("encoder", "decoder"):
        weights = {name: value for name, value in state.items() if name.startswith(part)}
        check_kernels(weights, architecture == "conv", f'The {part} of VAE(architecture="{architecture}")')
    vae.randomize(rng, MILD)
    a, b = random_images(rng, 16), random_images(rng, 16)
    check_nonlinear(lambda x: encode_pair(vae, x, 3)[0], a, b, "Encoder")
    vae.randomize(rng, 1.0)
    a, b = random_codes(rng, 16, 3), random_codes(rng, 16, 3)
    check_nonlinear(lambda z: logit(decode(vae, z)), a, b, "Decoder, up to its last sigmoid,")


@pytest.mark.reparameterize
def test_sample_has_the_right_law(submission, rng):
    """reparameterize: z is N(mu, exp(logvar)) entry by entry, whatever the shape"""
    for shape in ((12_000, 2), (64, 3), (5, 40), (1, 300), (777, 1)):
        mu, logvar = random_posterior(rng, *shape)
        check_law(mu, logvar, sample(sampler(submission, shape[1]), mu, logvar))


@pytest.mark.reparameterize
def test_noise_is_independent(submission, rng):
    """reparameterize: every latent of every image has noise of its own, in every call"""
    check_noise_independent(sampler(submission, 5), rng, latents=5, images=30, draws=24)
    check_noise_independent(sampler(submission, 24), rng, latents=24, images=3, draws=60)
    check_noise_independent(sampler(submission, 1), rng, latents=1, images=600, draws=3)
    check_noise_independent(sampler(submission, 1), rng, latents=1, images=1, draws=400)


@pytest.mark.reparameterize
def test_sample_gradients(submission, rng):
    """reparameterize: the gradients by mu and logvar have the right values"""
    for shape, dtype, rtol in (((17, 3), np.float32, 1e-3), ((1, 1), np.float32, 1e-3), ((4, 25), np.float64, 1e-6)):
        mu, logvar = random_posterior(rng, *shape, dtype=dtype)
        cotangent = rng.standard_normal(shape).astype(dtype)
        check_sample_gradients(sampler(submission, shape[1]), mu, logvar, cotangent, rtol=rtol, atol=rtol / 10)


@pytest.mark.reparameterize
def test_samples_are_fresh(submission, rng):
    """reparameterize: two calls differ, in eval mode too"""
    vae = sampler(submission)
    mu, logvar = random_posterior(rng, 30, 3)
    check_differ(sample(vae, mu, logvar), sample(vae, mu, logvar), WHAT)
    vae.train(False)
    first = sample(vae, mu, logvar)
    check(
        (first != sample(vae, mu, logvar)).any(),
        f"{WHAT} gives the same twice in eval mode. It should sample in every mode.",
        f"{WHAT} draws no noise in eval mode: it returns mu" if np.abs(first - mu).max() < 1e-6 else "",
    )


@pytest.mark.reparameterize
def test_sampling_extreme_variances(submission, rng):
    """reparameterize: stays finite and right for very small and very large variances"""
    vae = sampler(submission, 2)
    for scale in (1.0, 1000.0):
        mu = (scale * rng.standard_normal((1500, 2))).astype(np.float32)
        small, large = np.full_like(mu, -60), np.full_like(mu, 60)
        z = sample(vae, mu, small)
        added = z.astype(np.float64) - mu
        floor = {FLOOR: z} if is_normal(added) and right_between(vae) else {}
        check_close(z, mu, what=f"{WHAT} with tiny variances", mistakes=floor, rtol=1e-5, atol=1e-5)
        check_variances(vae, mu, large, f"{WHAT} with huge variances")
    # Around 0, where float32 has digits for a standard deviation of 1e-3 and less.
    for level in (-24.0, -14.0, 14.0, 24.0):
        mu = np.zeros((1000, 2), dtype=np.float32)
        logvar = np.full_like(mu, level)
        of = f"{WHAT} with {'small' if level < 0 else 'large'} variances"
        check_variances(vae, mu, logvar, of)


def check_variances(vae, mu, logvar, what):
    """Samples are N(mu, exp(logvar)), where logvar is the same for all."""
    eps = noise(mu, logvar, sample(vae, mu, logvar))
    try:
        check_standard_normal(eps, what)
    except CheckFailed as error:
        # Too much noise or too little.
        small = logvar[0, 0] < 0
        bounded = is_normal(eps) and small == (eps.std() > 1) and right_between(vae)
        bound = FLOOR if small else "there is a bound on the variances: logvar is clamped"
        raise CheckFailed(error.message, bound if bounded else cause_of_repeats(eps)) from None


def right_between(vae):
    """Whether samples have the right law where variances are neither small nor large."""
    mu, logvar = np.full((1000, 2), 3, dtype=np.float32), np.tile(np.float32([-1, 1]), (1000, 1))
    try:
        for column in noise(mu, logvar, sample(vae, mu, logvar)).T:
            check_standard_normal(column, WHAT, alpha=DOUBTFUL)
    except CheckFailed:
        return False
    return True


def is_normal(values):
    """Whether numbers are normal with mean 0 and some variance."""
    size = values.std()
    return bool(size > 0 and scipy.stats.kstest((values / size).ravel(), "norm").pvalue > 1e-6)
