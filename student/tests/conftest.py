"""The checks' settings: the tasks' markers. What all checks share is in autograder/door/fixtures.py."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))  # for `support`

pytest_plugins = ["autograder.door.fixtures"]

MARKERS = {
    "kl_univariate_normal": "KL of univariate normals (kl.py)",
    "kl_categorical": "KL of discrete distributions (kl.py)",
    "triangle_violation": "No triangle inequality (kl.py)",
    "sample_gmm": "Sampling a mixture (gmm.py)",
    "gmm_log_prob": "Log-density of a mixture (gmm.py)",
    "gaussian_entropy": "Entropy of a Gaussian (gmm.py)",
    "mc_entropy": "Entropy of a mixture by Monte Carlo (gmm.py)",
    "autoencoder": "Autoencoder (AE.py)",
    "train_autoencoder": "Training the autoencoder (train.py)",
    "plot_embeddings": "Embeddings (embeddings.py)",
    "decode_grid": "Decoded grid (embeddings.py)",
    "vae_mlp": "Encoder and decoder of linear layers (VAE.py)",
    "vae_conv": "Convolutional encoder and decoder (VAE.py)",
    "reparameterize": "Reparameterisation (VAE.py)",
    "negative_log_likelihood": "Reconstruction cost (ELBO.py)",
    "kl_diag_normal": "KL divergence from the prior (ELBO.py)",
    "elbo_loss": "Loss (ELBO.py)",
    "train_vae": "Training the VAE (train.py)",
    "latent_traversal": "Latent traversal (latent_traversal.py)",
    "sample_from_prior": "Samples from the prior (sample_from_prior.py)",
    "tsne_latents": "t-SNE of the latents (tsne.py)",
    "plot_learning_curve": "Learning curve (learning_curve.py)",
    "plot_posterior_rows": "Posterior and reconstruction, image by image (embeddings.py)",
    "log_normal_mixture": "Log-density of the mixture prior (utils.py)",
    "negative_elbo": "Negative ELBO (gmvae.py)",
    "trained_gmvae": "The trained model (gmvae.safetensors)",
    "manners": "Manners (every file)",
}


@pytest.hookimpl(tryfirst=True)  # the plugin reads these
def pytest_configure(config: pytest.Config) -> None:
    config.tests_folder = TESTS  # type: ignore[attr-defined]
    config.task_markers = MARKERS  # type: ignore[attr-defined]
