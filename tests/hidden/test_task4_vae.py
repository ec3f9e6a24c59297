"""Task 4, hidden checks: the variational autoencoder, its loss, its training and its pictures."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.door.diagnose import check, check_close, check_gradient, check_inputs_unchanged, check_tensor, fail
from autograder.door.laws import check_differ, check_independent, check_standard_normal
from autograder.door.submission import NotImplementedYet, SubmissionError
from support.checks.drawing import check_posterior_rows, check_traversal
from support.checks.networks import (
    MILD,
    check_decoder_uses_its_range,
    check_depends_on_pixels,
    check_every_latent_matters,
    check_kernels,
    check_leaves_input_alone,
    check_nonlinear,
    check_not_clamped,
    check_rows,
    check_trainable,
    check_varies,
    decode,
    encode_pair,
    load_random_weights,
    logit,
    random_codes,
    random_images,
    under_large_weights,
)
from support.checks.plotting import (
    check_curve,
    check_modes_restored,
    check_new_figure,
    check_recorded_in_eval_mode,
    check_tsne_clusters,
    clustered_posteriors,
)
from support.checks.sampling import (
    WHAT,
    check_law,
    check_noise_independent,
    check_sample_gradients,
    noise,
    random_posterior,
    sample,
    sampler,
)
from support.checks.training import (
    check_manners,
    check_minibatches,
    check_not_seeded,
    check_steps,
    stand_in_for_the_loss,
)
from support.mistakes.elbo import LOG_2PI, of_elbo_loss, of_kl_diag_normal, of_negative_log_likelihood
from support.oracles import kl_diag_normal, negative_log_likelihood
from support.probe_oracle import PIXELS, random_probe

pytestmark = pytest.mark.task4

# Task 4.1: the networks

both_architectures = pytest.mark.parametrize("architecture", ["mlp", "conv"])


def make_vae(submission, architecture, latents=3):
    """A VAE in eval mode."""
    vae = submission.call("VAE.VAE", latent_dim=latents, architecture=architecture)
    vae.train(False)
    return vae


@both_architectures
def test_posterior_is_not_clamped(submission, rng, architecture):
    """Encoder: mu and logvar may each be any real number, of either sign"""
    vae = make_vae(submission, architecture, latents=7)
    mu, logvar = under_large_weights(vae, rng, lambda: encode_pair(vae, random_images(rng, 16), 7))
    plain = "it must be the output of a plain linear layer, with no ReLU, softplus or sigmoid after it."
    check_not_clamped(mu, "mu", plain, 5.0)
    check_not_clamped(
        logvar,
        "logvar",
        "it is the LOGARITHM of the variance, negative for variances below 1, with no exp, softplus or ReLU.",
        2.0,
    )


@both_architectures
def test_posterior_uses_the_image(submission, rng, architecture):
    """Encoder: mu and logvar are two functions, each of the whole of its own image; gradients reach the layers"""
    vae = make_vae(submission, architecture)
    load_random_weights(vae, rng, MILD)
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
    check_leaves_input_alone(vae, "encode", x, "Encoder")


@both_architectures
def test_decoder(submission, rng, architecture):
    """Decoder: each image depends on every latent of its own row; dark and bright pixels are possible"""
    vae = make_vae(submission, architecture)
    load_random_weights(vae, rng, MILD)
    z = random_codes(rng, 9, 3, spread=1.0)
    check_rows(lambda codes: decode(vae, codes), z, "Decoder")
    check_every_latent_matters(lambda codes: decode(vae, codes), 3, "Decoder")
    cotangent = rng.standard_normal((9, 1, 28, 28)).astype(np.float32)
    reply = vae.run("decode", [z], wrt=[0], parameters_of=vae.get("decoder"), cotangent=cotangent)
    check(
        reply.gradients[0] is not None and reply.gradients[0].any(axis=0).all(),
        "Decoder: no gradient reaches z. Is something detached, or computed under torch.no_grad()?",
    )
    check_trainable(reply.parameter_gradients, "Decoder")
    check_leaves_input_alone(vae, "decode", z, "Decoder")
    (images,) = under_large_weights(vae, rng, lambda: [decode(vae, random_codes(rng, 16, 3))], draws=4)
    check_decoder_uses_its_range(images, "Decoder")


@both_architectures
def test_layers(submission, rng, architecture):
    """VAE: "conv" has convolutions in both networks, "mlp" has none, and neither is one linear layer"""
    vae = make_vae(submission, architecture)
    state = vae.state()
    for part in ("encoder", "decoder"):
        weights = {name: value for name, value in state.items() if name.startswith(part)}
        check_kernels(weights, architecture == "conv", f'The {part} of VAE(architecture="{architecture}")')
    load_random_weights(vae, rng, MILD)
    a, b = random_images(rng, 16), random_images(rng, 16)
    check_nonlinear(lambda x: encode_pair(vae, x, 3)[0], a, b, "Encoder")
    load_random_weights(vae, rng, 1.0)
    a, b = random_codes(rng, 16, 3), random_codes(rng, 16, 3)
    check_nonlinear(lambda z: logit(decode(vae, z)), a, b, "Decoder, up to its last sigmoid,")


# Task 4.2: reparameterisation


def test_sample_has_the_right_law(submission, rng):
    """reparameterize: z is N(mu, exp(logvar)) entry by entry, whatever the shape"""
    for shape in ((4000, 2), (64, 3), (5, 40), (1, 300), (777, 1)):
        mu, logvar = random_posterior(rng, *shape)
        check_law(mu, logvar, sample(sampler(submission, shape[1]), mu, logvar))


def test_noise_is_independent(submission, rng):
    """reparameterize: every latent of every image has noise of its own, in every call"""
    check_noise_independent(sampler(submission, 5), rng, latents=5, images=30, draws=12)
    check_noise_independent(sampler(submission, 24), rng, latents=24, images=3, draws=40)


def test_sample_gradients(submission, rng):
    """reparameterize: the gradients by mu and logvar have the right values"""
    for shape, dtype, rtol in (((17, 3), np.float32, 1e-3), ((1, 1), np.float32, 1e-3), ((4, 25), np.float64, 1e-9)):
        mu, logvar = random_posterior(rng, *shape, dtype=dtype)
        cotangent = rng.standard_normal(shape).astype(dtype)
        check_sample_gradients(sampler(submission, shape[1]), mu, logvar, cotangent, rtol=rtol, atol=rtol / 10)


def test_sampling_manners(submission, rng):
    """reparameterize: keeps float64, leaves mu and logvar alone, seeds nothing"""
    vae = sampler(submission)
    for dtype in (np.float32, np.float64):
        mu, logvar = random_posterior(rng, 30, 3, dtype=dtype)
        reply = vae.run("reparameterize", [mu, logvar])
        check_tensor(reply.value, what=WHAT, shape=mu.shape, dtype=dtype)
        check_inputs_unchanged(reply.inputs_unchanged, WHAT)
    draws = []
    for seed in (1, 2):
        submission.seed(seed)
        draws.append(sample(vae, mu, logvar))
    check_differ(*draws, WHAT)
    check_differ(sample(vae, mu, logvar), sample(vae, mu, logvar), WHAT)
    vae.train(False)
    check(
        (sample(vae, mu, logvar) != sample(vae, mu, logvar)).any(),
        f"{WHAT} draws nothing in eval mode. It samples in every mode; whoever wants the mean takes mu.",
    )


def test_sampling_extreme_variances(submission, rng):
    """reparameterize: stays finite and right for very small and very large variances"""
    vae = sampler(submission, 2)
    mu = rng.standard_normal((500, 2)).astype(np.float32)
    small, large = np.full_like(mu, -60), np.full_like(mu, 60)
    z = sample(vae, mu, small)
    floor = {"is logvar clamped, or something added to the variance?": z}
    check_close(z, mu, what=f"{WHAT} with tiny variances", mistakes=floor, rtol=1e-5, atol=1e-5)
    check_standard_normal(noise(mu, large, sample(vae, mu, large)), f"{WHAT} with huge variances")


# Tasks 4.3 to 4.5: the loss

batches = st.integers(1, 40)
pixel_shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64])


@given(batch=batches, shape=pixel_shapes, seed=seeds, dtype=dtypes)
@example(batch=37, shape=(1, 28, 28), seed=0, dtype=np.float32)
@example(batch=256, shape=(784,), seed=1, dtype=np.float32)
@example(batch=1, shape=(3, 8, 8), seed=2, dtype=np.float64)
def test_negative_log_likelihood(submission, batch, shape, seed, dtype):
    """negative_log_likelihood: right for any number of images and pixels, also outside [0, 1]"""
    rng = np.random.default_rng(seed)
    outside = seed % 2  # else values that a binary cross-entropy takes too
    x, recon_x = (rng.uniform(-outside, 1 + outside, (batch, *shape)).astype(dtype) for _ in range(2))
    check_close(
        submission.call("ELBO.negative_log_likelihood", x, recon_x),
        negative_log_likelihood(x, recon_x).mean(),
        what="negative_log_likelihood",
        mistakes=lambda: of_negative_log_likelihood(x, recon_x),
        rtol=1e-5,
        atol=1e-4,
        dtype=dtype,
    )


def test_negative_log_likelihood_gradients(submission, rng):
    """negative_log_likelihood: the gradients by the reconstruction and by the image have the right values"""
    for shape in ((5, 1, 28, 28), (23, 7)):
        x, recon_x = (rng.uniform(0, 1, shape).astype(np.float32) for _ in range(2))
        reply = submission.run("ELBO.negative_log_likelihood", [x, recon_x], wrt=[0, 1])
        check_tensor(reply.value, what="negative_log_likelihood", shape=())
        expected = (recon_x.astype(np.float64) - x) / shape[0]
        pixels = np.prod(shape[1:])
        mistakes = {
            "the 1/2 before the squared error is lost": 2 * expected,
            "the sign is wrong": -expected,
            "the cost is summed over the batch; it should be averaged": shape[0] * expected,
            "the cost is averaged over the pixels; it should be summed": expected / pixels,
            "the mean over pixels and images is taken, without the 1/2": 2 * expected / pixels,
            "it is divided by 100, whatever the batch": shape[0] / 100 * expected,
            "the errors are not squared": np.sign(expected) / (2 * shape[0]),
        }
        of, tolerance = "negative_log_likelihood", {"rtol": 1e-3, "atol": 1e-7}
        check_gradient(reply.gradients[1], expected, of=of, by="recon_x", mistakes=mistakes, **tolerance)
        check_gradient(reply.gradients[0], -expected, of=of, by="x", **tolerance)


def test_negative_log_likelihood_of_the_image_itself(submission, rng):
    """negative_log_likelihood: D/2 log(2 pi) for a perfect reconstruction, and no overflow for an awful one"""
    for shape in ((3, 1, 28, 28), (2, 5), (9, 1)):
        x = rng.uniform(0, 1, shape).astype(np.float32)
        constant = np.prod(shape[1:]) / 2 * LOG_2PI
        what = "negative_log_likelihood of a perfect reconstruction"
        reply = submission.run("ELBO.negative_log_likelihood", [x, x])
        check_close(reply.value, constant, what=what, mistakes=of_negative_log_likelihood(x, x))
        check_inputs_unchanged(reply.inputs_unchanged, "negative_log_likelihood")
    x, recon_x = np.zeros((2, 6), dtype=np.float32), np.full((2, 6), 1e4, dtype=np.float32)
    check_close(
        submission.call("ELBO.negative_log_likelihood", x, recon_x),
        negative_log_likelihood(x, recon_x).mean(),
        what="negative_log_likelihood of a reconstruction so awful that its density underflows",
        mistakes={
            "take the logarithm by formula, not log(density)": np.inf,
            **of_negative_log_likelihood(x, recon_x),
        },
    )


@given(batch=batches, latents=st.integers(1, 30), seed=seeds, dtype=dtypes)
@example(batch=100, latents=2, seed=0, dtype=np.float32)
@example(batch=1, latents=1, seed=1, dtype=np.float64)
@example(batch=3, latents=500, seed=2, dtype=np.float32)
def test_kl_diag_normal(submission, batch, latents, seed, dtype):
    """kl_diag_normal: right for any number of images and latents"""
    rng = np.random.default_rng(seed)
    mu, logvar = rng.standard_normal((batch, latents)), rng.uniform(-3, 2, (batch, latents))
    mu, logvar = mu.astype(dtype), logvar.astype(dtype)
    check_close(
        submission.call("ELBO.kl_diag_normal", mu, logvar),
        kl_diag_normal(mu, logvar).mean(),
        what="kl_diag_normal",
        mistakes=lambda: of_kl_diag_normal(mu, logvar),
        rtol=1e-4,
        atol=1e-5,
        dtype=dtype,
    )


def test_kl_diag_normal_gradients(submission, rng):
    """kl_diag_normal: the gradients by mu and logvar have the right values"""
    for batch, latents in ((1, 1), (19, 2), (4, 31)):
        mu, logvar = random_posterior(rng, batch, latents)
        reply = submission.run("ELBO.kl_diag_normal", [mu, logvar], wrt=[0, 1])
        check_tensor(reply.value, what="kl_diag_normal", shape=())
        check(
            reply.value == submission.call("ELBO.kl_diag_normal", mu, logvar),
            "kl_diag_normal gives two different values for the same posterior: it has a closed form, without samples.",
        )
        by_mu, by_logvar = mu / batch, np.expm1(logvar.astype(np.float64)) / (2 * batch)
        of, tolerance = "kl_diag_normal", {"rtol": 1e-3, "atol": 1e-6}
        for gradient, by, right in zip(reply.gradients.values(), ("mu", "logvar"), (by_mu, by_logvar), strict=True):
            mistakes = {
                "the 1/2 is lost": 2 * right,
                "the sign is wrong": -right,
                "the KL is summed over the batch; it should be averaged": batch * right,
                "the KL is averaged over the latents; it should be summed": right / latents,
            }
            check_gradient(gradient, right, of=of, by=by, mistakes=mistakes, **tolerance)


def test_kl_diag_normal_zero_and_extremes(submission, rng):
    """kl_diag_normal: zero for the prior itself and only there; no overflow for very small and large variances"""
    for shape in ((1, 1), (37, 4)):
        zeros = np.zeros(shape, dtype=np.float32)
        reply = submission.run("ELBO.kl_diag_normal", [zeros, zeros])
        check_close(
            reply.value,
            0.0,
            what="kl_diag_normal of the prior",
            mistakes={
                "sigma is 1 where logvar is 0; logvar is the LOGARITHM": np.inf,
                "the -1 is missing": 0.5 * shape[1],
                "the sum of -log sigma + sigma^2 + mu^2 has its minimum elsewhere": float(shape[1]),
            },
        )
        for j, value in ((0, 0.3), (shape[1] - 1, -0.3)):
            moved = zeros.copy()
            moved[0, j] = value
            for arguments in ((moved, zeros), (zeros, moved)):
                away = submission.call("ELBO.kl_diag_normal", *arguments)
                check_tensor(away, what="kl_diag_normal", shape=())
                check(away > 1e-5, "kl_diag_normal should be positive for every posterior that is not the prior.")
    mu = rng.standard_normal((6, 3)).astype(np.float32)
    for level in (-80.0, -60.0, 60.0):
        logvar = np.full_like(mu, level)
        reply = submission.run("ELBO.kl_diag_normal", [mu, logvar])
        check_close(
            reply.value,
            kl_diag_normal(mu, logvar).mean(),
            what=f"kl_diag_normal with {'tiny' if level < 0 else 'huge'} variances",
            mistakes={
                "the logarithm is taken of exp(logvar), which underflows; logvar is that logarithm": np.inf,
                **of_kl_diag_normal(mu, logvar),
            },
        )
        check_inputs_unchanged(reply.inputs_unchanged, "kl_diag_normal")


def test_elbo_loss(fresh_submission, rng):
    """elbo_loss: the sum of reconstruction cost and KL, for any batch, a loss to minimise"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    for batch, dtype in ((1, np.float32), (6, np.float64), (33, np.float32)):
        x, recon_x = random_images(rng, batch).astype(dtype), random_images(rng, batch).astype(dtype)
        mu, logvar = random_posterior(rng, batch, 4, dtype=dtype)
        check_close(
            fresh_submission.call("ELBO.elbo_loss", x, recon_x, mu, logvar),
            negative_log_likelihood(x, recon_x).mean() + kl_diag_normal(mu, logvar).mean(),
            what="elbo_loss",
            mistakes=lambda given=(x, recon_x, mu, logvar): of_elbo_loss(*given),
            rtol=1e-5,
            dtype=dtype,
        )


def test_elbo_loss_gradients(fresh_submission, rng):
    """elbo_loss: gradients reach the reconstruction, mu and logvar with the right values"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    x, recon_x = random_images(rng, 7), random_images(rng, 7)
    mu, logvar = random_posterior(rng, 7, 3)
    reply = fresh_submission.run("ELBO.elbo_loss", [x, recon_x, mu, logvar], wrt=[1, 2, 3])
    expected = {
        "recon_x": (recon_x.astype(np.float64) - x) / 7,
        "mu": mu / 7,
        "logvar": np.expm1(logvar.astype(np.float64)) / 14,
    }
    for gradient, (name, value) in zip(reply.gradients.values(), expected.items(), strict=True):
        check_gradient(gradient, value, of="elbo_loss", by=name, rtol=1e-3, atol=1e-6)
    check_inputs_unchanged(reply.inputs_unchanged, "elbo_loss")


# Task 4.6: training

TRAIN = "train.train_vae"


def test_train_vae_steps(fresh_submission, rng):
    """train_vae: every step is Adam's on minus the ELBO of one minibatch; the ELBO is returned"""
    stand_in_for_the_loss(fresh_submission)

    def other_values(losses, steps):
        sizes = np.array([len(step.x) for step in steps])
        return {
            "the ELBO is divided by the pixels; it is in nats per image": -losses / PIXELS,
            "the ELBO is divided by the batch once more; it is already per image": -losses / sizes,
            "the ELBO is that of the whole minibatch; it should be per image": -losses * sizes,
        }

    oracle = random_probe(rng, 3)

    def other_losses(x, recon_x):
        mean = oracle.mean(x, training=True)
        return of_elbo_loss(x, recon_x, mean, oracle.logvar(mean))

    check_steps(fresh_submission, TRAIN, oracle, random_images(rng, 12), -1.0, other_values, other_losses)


def test_train_vae_minibatches(fresh_submission, rng):
    """train_vae: minibatches of batch_size, every image is used, the order varies"""
    stand_in_for_the_loss(fresh_submission)
    check_minibatches(fresh_submission, TRAIN, random_probe(rng, 2), rng)


def test_train_vae_manners(fresh_submission, rng):
    """train_vae: on_step, iterations=0, train mode afterwards, images left alone"""
    stand_in_for_the_loss(fresh_submission)
    check_manners(fresh_submission, TRAIN, random_probe(rng, 2), random_images(rng, 8))


def test_train_vae_seeds_nothing(fresh_submission, rng):
    """train_vae: a new training has a new order of the images"""
    stand_in_for_the_loss(fresh_submission)
    check_not_seeded(fresh_submission, TRAIN, random_probe(rng, 2), random_images(rng, 20))


# Tasks 4.7 to 4.11: pictures

TRAVERSE = "latent_traversal.latent_traversal"


def test_latent_traversal(submission, rng):
    """latent_traversal: each latent in turn goes evenly from z_min to z_max, both included, the others stay 0"""
    for latents, arguments, low, high, steps in (
        (2, {}, -3, 3, 15),
        (5, {"z_min": -1.5, "z_max": 4.0, "steps": 6}, -1.5, 4, 6),
        (1, {"z_min": 0.5, "z_max": 2.0, "steps": 2}, 0.5, 2, 2),
    ):
        oracle = random_probe(rng, latents)
        model = oracle.send(submission)
        images = submission.call(TRAVERSE, model, **arguments)
        check_traversal(images, oracle, low, high, steps, model)
        check_recorded_in_eval_mode(model, "decode", "latent_traversal")


def test_latent_traversal_gives_the_model_back(submission, rng):
    """latent_traversal: the model is given back in the mode in which it came"""
    check_modes_restored(submission, random_probe(rng, 2), TRAVERSE, [-1.0, 1.0, 3])


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
                "the decoder's mean images are wanted as they are, with nothing drawn, added or rounded": images,
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


def test_prior_samples_seed_nothing(submission, rng):
    """sample_from_prior: the generator's state decides what is drawn"""
    model, drawn = random_probe(rng, 4).send(submission), []
    for seed in (1, 2):
        submission.seed(seed)
        images = submission.call(SAMPLE, model, n=5)
        drawn.append(check_tensor(images, what="sample_from_prior with n=5", shape=(5, 1, 28, 28)))
    check_differ(*drawn, "sample_from_prior")


def test_sample_from_prior_gives_the_model_back(submission, rng):
    """sample_from_prior: the model is given back in the mode in which it came"""
    check_modes_restored(submission, random_probe(rng, 2), SAMPLE, [4])


EMBED = "tsne.tsne_latents"


def test_tsne_embeds_the_posterior_means(submission, rng):
    """tsne_latents: embeds the posterior means of any dimension, row i for image i"""
    for latents in (2, 6):
        posteriors = clustered_posteriors(rng, 60, latents)
        model = posteriors.oracle.send(submission)
        reply = submission.run(EMBED, [model, posteriors.images, rng.integers(0, 10, 60)])
        check_tsne_clusters(reply.value, posteriors)
        check_inputs_unchanged(reply.inputs_unchanged, "tsne_latents")
        check_recorded_in_eval_mode(model, "encode", "tsne_latents")


def test_tsne_seed(submission, rng):
    """tsne_latents: the same embedding again with the same seed"""
    posteriors = clustered_posteriors(rng, 40, 3)
    model, embeddings = posteriors.oracle.send(submission), []
    for generator in (1, 2):
        submission.seed(generator)
        embeddings.append(submission.call(EMBED, model, posteriors.images, posteriors.clusters, seed=5))
        check_tsne_clusters(embeddings[-1], posteriors)
    # Threads may add up in another order, so not to the last digit.
    check(
        np.corrcoef(*(embedding.ravel() for embedding in embeddings))[0, 1] > 0.999,
        "tsne_latents: two calls with the same seed give different embeddings. Pass it on as random_state.",
    )


def test_tsne_of_few_images(submission, rng):
    """tsne_latents: works for as few as five images"""
    oracle = random_probe(rng, 3)
    for count in (5, 8):
        try:
            embedding = submission.call(EMBED, oracle.send(submission), random_images(rng, count), np.arange(count))
        except SubmissionError as error:
            if isinstance(error, NotImplementedYet) or error.stage == "import":
                raise
            fail(
                f"tsne_latents of {count} images raises {error.type}. Is the perplexity smaller than the number of "
                "images?"
            )
        check_tensor(embedding, what=f"tsne_latents of {count} images", shape=(count, 2))


def test_tsne_gives_the_model_back(submission, rng):
    """tsne_latents: the model is given back in the mode in which it came"""
    arguments = [random_images(rng, 6), np.arange(6)]
    check_modes_restored(submission, random_probe(rng, 2), EMBED, arguments)


def test_learning_curve(submission, rng):
    """plot_learning_curve: shows every value at its iteration, counted from 1"""
    earlier: list[np.ndarray] = []
    for count in (1, 7, 400, 3000):
        values = np.sort(rng.normal(-800, 50, count)) + rng.normal(0, 3, count)
        figure = submission.call("learning_curve.plot_learning_curve", values.tolist(), None)
        check_curve(figure, values)
        check_new_figure(figure, earlier)
        earlier.append(values)


ROWS = "embeddings.plot_posterior_rows"


def test_posterior_rows(fresh_submission, rng):
    """plot_posterior_rows: cost of each image by itself, with the posterior mean decoded, in nats"""
    stand_in_for_the_loss(fresh_submission)
    for latents, count in ((2, 5), (6, 1), (3, 4)):
        oracle, images = random_probe(rng, latents), random_images(rng, count)
        model = oracle.send(fresh_submission)
        reply = fresh_submission.run(ROWS, [model, images])
        check_posterior_rows(reply.value, oracle, images, model)
        check_inputs_unchanged(reply.inputs_unchanged, "plot_posterior_rows")
        check_recorded_in_eval_mode(model, "decode", "plot_posterior_rows")


def test_posterior_rows_give_the_model_back(fresh_submission, rng):
    """plot_posterior_rows: the model is given back in the mode in which it came"""
    stand_in_for_the_loss(fresh_submission)
    check_modes_restored(fresh_submission, random_probe(rng, 2), ROWS, [random_images(rng, 2)])
