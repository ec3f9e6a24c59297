"""Task 4, public checks: the variational autoencoder, its loss, its training and its pictures."""

import numpy as np
import pytest

from autograder.door.diagnose import check, check_close, check_tensor, fail
from autograder.door.submission import SubmissionError
from support.checks.drawing import check_posterior_rows, check_traversal
from support.checks.networks import check_decoder_shapes, check_encoder_shapes, encode_pair, random_images
from support.checks.plotting import check_curve, check_tsne_clusters, clustered_posteriors
from support.checks.sampling import (
    check_law,
    check_noise_independent,
    check_sample_gradients,
    random_posterior,
    sample,
    sampler,
)
from support.checks.training import check_improves, check_values, stand_in_for_the_loss
from support.mistakes.elbo import of_elbo_loss, of_kl_diag_normal, of_negative_log_likelihood
from support.oracles import kl_diag_normal, negative_log_likelihood
from support.pictures import check_picture
from support.probe_oracle import random_probe

pytestmark = pytest.mark.task4


# Tasks 4.1 and 4.2: VAE.py


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
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


def test_unknown_architecture(submission):
    """VAE (provided): an unknown architecture is a ValueError"""
    try:
        submission.call("VAE.VAE", latent_dim=2, architecture="transformer")
    except SubmissionError as error:
        check(error.type == "ValueError", f"VAE: an unknown architecture should be a ValueError, not {error.type}.")
    else:
        fail("VAE: an unknown architecture is accepted; it should be a ValueError.")


def test_forward(submission, rng):
    """VAE.forward (provided): returns (recon_x, mu, logvar) and decodes a fresh sample each time"""
    vae = submission.call("VAE.VAE", latent_dim=3)
    x = random_images(rng, 5)
    results = [vae.call("", x), vae.call("", x)]
    check(
        all(isinstance(result, tuple) and len(result) == 3 for result in results), "VAE.forward returns three tensors."
    )
    (first, mu, logvar), (second, *_) = results
    check_tensor(first, what="recon_x", shape=(5, 1, 28, 28))
    check_tensor(mu, what="mu", shape=(5, 3))
    check_tensor(logvar, what="logvar", shape=(5, 3))
    check((first != second).any(), "VAE.forward decodes the same z twice: is it mu rather than a sample?")


def test_reparameterize_law(submission, rng):
    """reparameterize: z has mean mu and variance exp(logvar), and noise of its own in every entry"""
    vae = sampler(submission)
    mu, logvar = random_posterior(rng, 1000, 3)
    z = sample(vae, mu, logvar)
    check_noise_independent(vae, rng, latents=4, images=5, draws=20)
    check_law(mu, logvar, z)


def test_reparameterize_gradient(submission, rng):
    """reparameterize: gradients pass through the sample to mu and logvar"""
    mu, logvar = random_posterior(rng, 6, 3)
    check_sample_gradients(sampler(submission), mu, logvar, np.ones_like(mu), rtol=1e-3, atol=1e-4)


# Tasks 4.3 to 4.5: ELBO.py


def test_negative_log_likelihood_by_hand(submission):
    """negative_log_likelihood: three images of four pixels, by hand"""
    x = np.array([[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[1, 0], [1, 0]]], dtype=np.float32)
    recon_x = np.array([[[0, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[1, 0], [1, 0]]], dtype=np.float32)
    # The squared errors of the three images add up to 1, 1 and 0.
    error, constant = (1 + 1 + 0) / 3, 4 / 2 * np.log(2 * np.pi)
    check_close(
        submission.call("ELBO.negative_log_likelihood", x, recon_x),
        error / 2 + constant,
        what="negative_log_likelihood",
        mistakes=lambda: of_negative_log_likelihood(x, recon_x),
    )


def test_kl_diag_normal_by_hand(submission):
    """kl_diag_normal: three images with two latents, by hand"""
    mu = np.array([[0, 0], [1, 2], [0, 0]], dtype=np.float32)
    logvar = np.array([[0, 0], [0, np.log(4)], [0, 0]], dtype=np.float32)
    # Two rows are the prior itself; the other gives 1/2 and (4 + 4 - 1 - log 4) / 2.
    second = 0.5 + (7 - np.log(4)) / 2
    check_close(
        submission.call("ELBO.kl_diag_normal", mu, logvar),
        second / 3,
        what="kl_diag_normal",
        mistakes=lambda: of_kl_diag_normal(mu, logvar),
    )


def test_elbo_loss_adds_up(fresh_submission, rng):
    """elbo_loss: reconstruction cost plus KL divergence"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    x, recon_x = random_images(rng, 5), random_images(rng, 5)
    mu, logvar = random_posterior(rng, 5, 3)
    check_close(
        fresh_submission.call("ELBO.elbo_loss", x, recon_x, mu, logvar),
        negative_log_likelihood(x, recon_x).mean() + kl_diag_normal(mu, logvar).mean(),
        what="elbo_loss",
        mistakes=lambda: of_elbo_loss(x, recon_x, mu, logvar),
    )


# Task 4.6: train.py


def test_train_vae_improves(fresh_submission, rng):
    """train_vae: the ELBO rises, one value per iteration, in nats per image"""
    stand_in_for_the_loss(fresh_submission)
    images = random_images(rng, 30)
    model = random_probe(rng, 2).send(fresh_submission)
    elbos = fresh_submission.call("train.train_vae", model, images, 80, batch_size=10, lr=0.02)
    elbos = check_values(elbos, 80, "train_vae")
    check(elbos.max() < 0, "train_vae: with pixels of unit variance every ELBO is negative. Was the loss returned?")
    check_improves(elbos, 20.0, "train_vae", "the ELBO")


# Tasks 4.7 to 4.11: pictures


def test_latent_traversal_by_hand(submission, rng):
    """latent_traversal: three latents, each at -2, 0 and 2 while the others are 0"""
    oracle = random_probe(rng, 3)
    model = oracle.send(submission)
    images = submission.call("latent_traversal.latent_traversal", model, -2.0, 2.0, steps=3)
    check_traversal(images, oracle, -2.0, 2.0, steps=3, model=model)


@pytest.mark.draws
def test_latent_traversal_picture(submission, rng):
    """latent_traversal: draws a picture where outpath is given"""
    model, outpath = random_probe(rng, 2).send(submission), submission.path("traversal.png")
    images = submission.call("latent_traversal.latent_traversal", model, outpath=outpath)
    check_tensor(images, what="latent_traversal with 2 latents", shape=(2, 15, 1, 28, 28))
    check_picture(submission.file_bytes("traversal.png"), "latent_traversal")


def test_sample_from_prior_decodes_samples(submission, rng):
    """sample_from_prior: decodes n different latents, new ones at every call"""
    oracle = random_probe(rng, 3)
    model = oracle.send(submission)
    images = [submission.call("sample_from_prior.sample_from_prior", model, n=20) for _ in range(2)]
    for drawn in images:
        check_tensor(drawn, what="sample_from_prior with n=20", shape=(20, 1, 28, 28))
        check((drawn[0] != drawn[1]).any(), "sample_from_prior: the images are all alike.")
    check((images[0] != images[1]).any(), "sample_from_prior: two calls give the same images. Nothing may seed.")


@pytest.mark.draws
def test_sample_from_prior_picture(submission, rng):
    """sample_from_prior: draws a picture where outpath is given"""
    model, outpath = random_probe(rng, 2).send(submission), submission.path("samples.png")
    images = submission.call("sample_from_prior.sample_from_prior", model, outpath=outpath)
    check_tensor(images, what="sample_from_prior", shape=(64, 1, 28, 28))
    check_picture(submission.file_bytes("samples.png"), "sample_from_prior")


@pytest.mark.draws
def test_tsne_latents(submission, rng):
    """tsne_latents: keeps apart what is apart in the posterior means, and draws a picture"""
    posteriors = clustered_posteriors(rng, 60)
    model, outpath = posteriors.oracle.send(submission), submission.path("tsne.png")
    arguments = [model, posteriors.images, posteriors.clusters]
    embedding = submission.call("tsne.tsne_latents", *arguments, outpath=outpath)
    check_tsne_clusters(embedding, posteriors)
    check_picture(submission.file_bytes("tsne.png"), "tsne_latents")


@pytest.mark.draws
def test_plot_learning_curve(submission):
    """plot_learning_curve: a figure with the curve, labelled axes, and a picture"""
    elbos = [-900.0, -800.0, -760.0, -750.0, -752.0, -748.0]
    figure = submission.call("learning_curve.plot_learning_curve", elbos, submission.path("ELBO_Curve.png"))
    check_curve(figure, elbos)
    check_picture(submission.file_bytes("ELBO_Curve.png"), "plot_learning_curve")


@pytest.mark.draws
def test_plot_posterior_rows(fresh_submission, rng):
    """plot_posterior_rows: reconstruction error, KL and their sum for each image, and a picture"""
    stand_in_for_the_loss(fresh_submission)
    oracle, images = random_probe(rng, 2), random_images(rng, 2)
    model, outpath = oracle.send(fresh_submission), fresh_submission.path("rows.png")
    costs = fresh_submission.call("embeddings.plot_posterior_rows", model, images, outpath=outpath)
    check_posterior_rows(costs, oracle, images, model)
    check_picture(fresh_submission.file_bytes("rows.png"), "plot_posterior_rows")
