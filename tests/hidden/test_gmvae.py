"""Hidden checks of gmvae.py: the negative ELBO of the mixture-of-Gaussians VAE."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autograder.door import laws
from autograder.door.diagnose import DETACHED, check, check_close, fail
from autograder.door.submission import SubmissionError
from support import oracles, trained_model
from support.checks import gmvae as gmvae_checks
from support.checks.gmvae import WHAT
from support.mistakes.gmvae import of_rec

pytestmark = pytest.mark.negative_elbo

MIXTURE = "utils.log_normal_mixture"
REFERENCE = Path(__file__).resolve().parents[1] / "corpus" / "reference" / "gmvae.safetensors"


# In all of these log_normal_mixture is replaced by a trusted one, so that a mistake there is not punished twice.


@pytest.mark.parametrize("batch", [1, 2, 37])
def test_negative_elbo_reconstruction(fresh_submission, rng, batch):
    """negative_elbo_bound has the right reconstruction cost for any batch size, where the posterior is narrow"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim=5, k=8, variance=1e-6), gmvae_checks.make_images(rng, batch)
    model = gmvae_checks.load_model(fresh_submission, weights)

    def check_rec(weights, what):
        model.load(weights)
        with gmvae_checks.of_any_size():
            found = gmvae_checks.negative_elbo_bound(model, x)
        mean, _ = oracles.gmvae_encode(weights, x)
        rec = -oracles.log_bernoulli_with_logits(x, oracles.mlp(weights, "dec", mean)).mean()
        named = partial(of_rec, weights, x, rng, batch)
        # Noise of standard deviation 1e-3 in z moves the cost by well under one part in a hundred.
        check_close(np.array(found[2]), rec, what=f"{WHAT}, {what}", mistakes=named, rtol=0.01)

    check_rec(weights, "rec")
    # Logits of about 40, where float32 rounds the sigmoid to 0 or 1.
    sure = weights | {"dec.net.4.weight": 40 * weights["dec.net.4.weight"]}
    check_rec(sure, "rec of a decoder that is very sure (logits, not probabilities, go to log_bernoulli_with_logits)")


@pytest.mark.parametrize("z_dim, k, variance", [(10, 50, 1e-4), (10, 30, 0.04), (3, 7, None)])
def test_negative_elbo_expectation(fresh_submission, rng, z_dim, k, variance):
    """negative_elbo_bound averages to the KL and reconstruction terms that given weights call for"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim, k, variance), gmvae_checks.make_images(rng, 40)
    with gmvae_checks.of_any_size():
        gmvae_checks.check_terms(fresh_submission, rng, weights, np.tile(x, (10, 1)), calls=4)
        if variance is None:
            collapsed = gmvae_checks.with_collapsed_posterior(weights)
            gmvae_checks.check_terms(fresh_submission, rng, collapsed, np.tile(x, (10, 1)), calls=16)


def test_negative_elbo_full_size(fresh_submission, rng):
    """negative_elbo_bound averages to the right terms at the model's own size, 10 latents and 500 components"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, 10, 500, variance=0.25), gmvae_checks.make_images(rng, 30)
    gmvae_checks.check_terms(fresh_submission, rng, weights, np.tile(x, (3, 1)), calls=6)


def test_negative_elbo_gradients(fresh_submission, rng):
    """negative_elbo_bound has the right gradient by every parameter of encoder, decoder and prior"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim=6, k=12, variance=1e-4), gmvae_checks.make_images(rng, 64)
    # A call before the weights change, as in every training: nothing of it may be kept.
    model = gmvae_checks.load_model(fresh_submission, gmvae_checks.make_weights(rng, z_dim=6, k=12, variance=1e-4))
    gmvae_checks.negative_elbo_bound(model, x)
    model.load(weights)
    try:
        found = model.run(WHAT, (x,), parameters_of=model, output=(0,)).parameter_gradients
    except SubmissionError as error:
        if error.type != "RuntimeError":
            raise
        fail(f"{WHAT}: no gradient can be computed after the weights have changed. Compute everything at every call.")
    expected = oracles.gmvae_gradients(weights, x)
    hints = {  # by the first part of a parameter's name
        "enc": "log p(z) and log p(x | z) depend on the encoder through z: z must not be detached",
        "dec": "rec depends on the decoder",
        "z_pre": "log p(z) depends on the prior's means and variances: take them from self.prior() at every call",
    }
    for name, gradient in expected.items():
        part, arrived = name.split(".")[0], found.get(name)
        if arrived is None or not arrived.any():
            fail(f"{WHAT}: no gradient reaches {name}. {hints[part]}. {DETACHED}.")
        # Noise of standard deviation 0.01 in z leaves about 1 % of error.
        close = np.linalg.norm(arrived - gradient) < 0.08 * np.linalg.norm(gradient)
        check(arrived.shape == gradient.shape and close, f"{WHAT}: the gradient by {name} is wrong. {hints[part]}.")


def test_negative_elbo_fresh_noise(fresh_submission, rng):
    """negative_elbo_bound draws noise afresh for every image, latent and call"""
    fresh_submission.stand_in(MIXTURE)
    batch, calls = 16, 50
    weights = gmvae_checks.make_weights(rng, z_dim=10, k=20, variance=1e-4)
    model = gmvae_checks.load_model(fresh_submission, weights)
    x = np.repeat(gmvae_checks.make_images(rng, 1), batch, axis=0)
    _, kl, rec = np.array([gmvae_checks.negative_elbo_bound(model, x) for _ in range(calls)]).T
    hint = "z must be a sample of q(z | x), drawn afresh at every call; nothing may seed the generator."
    check(len(np.unique(rec)) > calls / 2, f"{WHAT}: rec is the same at every call. {hint}")
    check(len(np.unique(kl)) > calls / 2, f"{WHAT}: kl is the same at every call. {hint}")
    model.train(False)
    first, second = (gmvae_checks.negative_elbo_bound(model, x) for _ in range(2))
    message = "in eval mode rec is the same at every call. z must be a sample in train mode and in eval mode."
    check(first[2] != second[2], f"{WHAT}: {message}")
    # Noise may come from any generator, such as NumPy's, but not from one that starts with the same number every time.
    runs = []
    for seed in (1, 2):
        fresh_submission.stand_in(MIXTURE)  # imports the submission's modules anew, with all that they keep
        model = gmvae_checks.load_model(fresh_submission, weights)
        fresh_submission.seed(seed)
        runs.append(np.array([gmvae_checks.negative_elbo_bound(model, x) for _ in range(4)]))
    laws.check_differ(*runs, WHAT)
    std = gmvae_checks.expectations(weights, x[:1], rng, samples=400)
    hint = "Every image and every latent needs noise of its own (torch.randn_like of the means)."
    gmvae_checks.check_spread(rec, std["rec"].std / np.sqrt(batch), "rec", hint)
    gmvae_checks.check_spread(kl, std["kl"].std / np.sqrt(batch), "kl", hint)


def test_reference_weights(fresh_submission, rng):
    """negative_elbo_bound gives a well trained model its negative ELBO"""
    fresh_submission.stand_in(MIXTURE)
    weights = trained_model.read_gmvae(REFERENCE)
    x = trained_model.binary_test_images(trained_model.find_data(REFERENCE.parent), 200, seed=int(rng.integers(2**32)))
    gmvae_checks.check_terms(fresh_submission, rng, weights, x.astype(np.float32), calls=20)
