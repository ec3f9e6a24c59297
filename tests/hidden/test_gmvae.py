"""Hidden checks of gmvae.py: the negative ELBO of the mixture-of-Gaussians VAE."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from autograder.door import laws
from autograder.door.cases import read_cases
from autograder.door.diagnose import CheckFailed, case, check, check_close, explained, fail
from autograder.door.submission import SubmissionError
from support import oracles, trained_model
from support.checks import gmvae as gmvae_checks
from support.checks.gmvae import WHAT, Causes

pytestmark = pytest.mark.negative_elbo

MIXTURE = "utils.log_normal_mixture"
TESTS = Path(__file__).resolve().parents[1]
REFERENCE = TESTS / "corpus" / "reference" / "gmvae.safetensors"
STORED = TESTS / "public" / "cases" / "negative_elbo.json"


@pytest.fixture(scope="module")
def causes():
    """Why averages are wrong, looked for once."""
    return Causes(*read_cases(STORED, "terms"), gmvae_checks.changed_part)


# In all of these log_normal_mixture is replaced by a trusted one, so that a mistake there is not punished twice.


@pytest.mark.parametrize("batch", [1, 2, 37])
def test_negative_elbo_reconstruction(fresh_submission, rng, causes, batch):
    """negative_elbo_bound has the right reconstruction cost for any batch size, where the posterior is narrow"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim=5, k=8, variance=1e-6), gmvae_checks.make_images(rng, batch)
    model = gmvae_checks.load_model(fresh_submission, weights)
    # A larger batch before, as in every epoch: the last one has a size of its own.
    with gmvae_checks.of_any_size(fresh_submission), case("batches of different sizes"):
        gmvae_checks.negative_elbo_bound(model, gmvae_checks.make_images(rng, batch + 3))

    def check_rec(weights, what):
        model.load(weights)
        with gmvae_checks.of_any_size(fresh_submission):
            found = gmvae_checks.negative_elbo_bound(model, x)
        mean, _ = oracles.gmvae_encode(weights, x)
        rec = -oracles.log_bernoulli_with_logits(x, oracles.mlp(weights, "dec", mean)).mean()
        # Noise of standard deviation 1e-3 in z moves the cost by well under one part in a hundred.
        with explained(lambda: causes.of(fresh_submission, "rec")):
            check_close(np.array(found[2]), rec, what=f"{WHAT}, {what}", rtol=0.01)

    with case("narrow posteriors"):
        check_rec(weights, "rec, the reconstruction cost")
    with case("a decoder that is very sure"):
        check_rec(gmvae_checks.very_sure(weights), "rec of large logits")
    with case("latents far from 0"):
        check_rec(gmvae_checks.moved(weights, 40.0, prior_too=True), "rec of latents far from 0")


@pytest.mark.parametrize("z_dim, k, variance", [(10, 50, 1e-4), (10, 30, 0.04), (3, 7, None)])
def test_negative_elbo_expectation(fresh_submission, rng, causes, z_dim, k, variance):
    """negative_elbo_bound averages to the KL and reconstruction terms that given weights call for"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim, k, variance), gmvae_checks.make_images(rng, 40)
    x_often = np.tile(x, (10, 1))
    check_terms = partial(gmvae_checks.check_terms, fresh_submission, rng, causes)
    with gmvae_checks.of_any_size(fresh_submission):
        check_terms(weights, x_often, calls=4)
        if variance == 1e-4:  # narrow ones: of the smallest variance that gaussian_parameters gives, and far away
            narrow = gmvae_checks.with_posterior(weights, pre_v=-18.0)
            with case("the smallest variances"):
                check_terms(narrow, x_often, calls=3)
            with case("a prior at a distance"):
                check_terms(gmvae_checks.moved(narrow, 15.0, prior_too=False), x_often, calls=3)
            # Many latents add up what is a little wrong in the noise or in the variances.
            many = gmvae_checks.with_collapsed_posterior(gmvae_checks.make_weights(rng, 128, 4), 0.5, 2.305)
            with case("many latents"):
                check_terms(many, x_often, calls=28)
        elif variance is not None:  # one component as wide as softplus goes beyond exp, all of it far from 0
            wide = {**weights, "z_pre": weights["z_pre"].copy()}
            wide["z_pre"][0, -1] = 200.0
            with case("latents far from 0, and a component with large variances"):
                check_terms(gmvae_checks.moved(wide, -40.0, prior_too=True), x_often, calls=3)
        else:
            collapsed = gmvae_checks.with_collapsed_posterior(weights)
            with case("posteriors that are nearly the prior"):
                check_terms(collapsed, x_often, calls=8)
                # Batches of one and two images, whose estimates are often negative.
                # Nearly the prior: about half of the estimates are negative, for one image and for two, whatever
                # averages.
                near = gmvae_checks.with_collapsed_posterior(weights, 0.5, 0.55)
                for few in (x[:1], x[:2]):
                    gmvae_checks.check_sometimes_negative(fresh_submission, near, few, causes)
            smallest = gmvae_checks.make_weights(rng, z_dim=1, k=1)
            with case("one latent and one component"):
                check_terms(smallest, x[:1], calls=60)
                check_terms(smallest, x_often, calls=3)


def test_negative_elbo_full_size(fresh_submission, rng, causes):
    """negative_elbo_bound averages to the right terms at the model's own size, 10 latents and 500 components"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, 10, 500, variance=0.25), gmvae_checks.make_images(rng, 30)
    with case("the model's own size"):
        gmvae_checks.check_terms(fresh_submission, rng, causes, weights, np.tile(x, (3, 1)), calls=6)


def test_negative_elbo_gradients(fresh_submission, rng, causes):
    """negative_elbo_bound has the right gradient by every parameter of encoder, decoder and prior"""
    fresh_submission.stand_in(MIXTURE)
    weights, x = gmvae_checks.make_weights(rng, z_dim=6, k=12, variance=1e-6), gmvae_checks.make_images(rng, 64)
    # A call before the weights change, as in every training: nothing of it may be kept.
    model = gmvae_checks.load_model(fresh_submission, gmvae_checks.make_weights(rng, z_dim=6, k=12, variance=1e-4))
    gmvae_checks.negative_elbo_bound(model, x)
    model.load(weights)
    found: dict[str, list] = {}
    try:
        with case("gradients after the weights have changed"):
            for _ in range(4):
                reply = model.run(WHAT, (np.tile(x, (8, 1)),), parameters_of=model, output=(0,))
                for name, gradient in reply.parameter_gradients.items():
                    found.setdefault(name, []).append(gradient)
    except SubmissionError as error:
        if error.type != "RuntimeError" or not _runs_at_first(fresh_submission, weights, x):
            raise
        message = f"{WHAT}: no gradient can be computed after the weights have changed."
        raise CheckFailed(message, "something of an earlier call is kept: compute everything at every call") from None
    expected = oracles.gmvae_gradients(weights, x)
    for name in expected:
        arrived = found.get(name, [None])
        if any(part is None or not part.any() for part in arrived):
            part = next(part for part, begin in gmvae_checks.PARTS.items() if name.startswith(begin))
            cause = causes.of_gradients(fresh_submission, lambda part=part: gmvae_checks.cut_off(part))
            fail(f"{WHAT}: no gradient reaches {name}.", cause)
    means = {name: np.mean(found[name], axis=0, dtype=np.float64) for name in expected}
    for name, gradient in expected.items():
        check(means[name].shape == gradient.shape, f"{WHAT}: the gradient by {name} has another shape.")

    def why():
        named = partial(gmvae_checks.cause_of_gradients, means, weights, x)
        return causes.of_gradients(fresh_submission, named)

    halves = {"enc.net.4.weight": 0, "enc.net.4.bias": 0, "z_pre": 1}  # means, then variances, along this axis
    with explained(why):
        for name, gradient in expected.items():
            if name not in halves:
                check(_near(means[name], gradient), f"{WHAT}: the gradient by {name} is wrong.")
                continue
            blocks = zip(*(np.split(g, 2, axis=halves[name]) for g in (means[name], gradient)), strict=True)
            for (block, right), which in zip(blocks, ("means", "variances"), strict=True):
                check(_near(block, right), f"{WHAT}: the gradient by {name}, in its half of the {which}, is wrong.")


def _runs_at_first(submission, weights, x):
    """Whether a gradient can be computed in the first call of a new model."""
    model = gmvae_checks.load_model(submission, weights)
    try:
        model.run(WHAT, (x,), parameters_of=model, output=(0,))
    except SubmissionError:
        return False
    return True


def _near(gradient: np.ndarray, right: np.ndarray) -> bool:
    """Noise of standard deviation 0.001 in z leaves less than 1 % of error, and about 5 % where an estimator of the
    gradient is itself noisy, such as one without the score of q (Roeder et al. 2017, arXiv:1703.09194)."""
    return bool(np.linalg.norm(gradient - right) < 0.1 * np.linalg.norm(right))


def test_negative_elbo_fresh_noise(fresh_submission, rng, causes):
    """negative_elbo_bound draws noise afresh for every image, latent and call"""
    fresh_submission.stand_in(MIXTURE)
    rows, calls = 16, 200
    # So wide that an antithetic pair of samples, of which the first order cancels, still varies.
    weights = gmvae_checks.make_weights(rng, z_dim=10, k=20, variance=0.04)
    model = gmvae_checks.load_model(fresh_submission, weights)
    x = np.repeat(gmvae_checks.make_images(rng, 1), rows, axis=0)

    def terms(images):
        return gmvae_checks.negative_elbo_bounds(model, images, calls)[:, 1:].T

    def why():
        return causes.of(fresh_submission)

    def why_constant():
        return gmvae_checks.cause_of_constant(fresh_submission, model, x, causes)

    kl, rec = terms(x)
    with explained(why_constant):
        check(len(np.unique(rec)) > calls / 2, f"{WHAT}: rec is the same at every call.")
        check(len(np.unique(kl)) > calls / 2, f"{WHAT}: kl is the same at every call.")
    expected = gmvae_checks.expectations(weights, x[:1], rng, samples=2000)
    why_kl = partial(causes.of, fresh_submission, "kl")
    gmvae_checks.check_average(float(kl.mean()), expected["kl"], calls * rows, "kl", why_kl)
    with explained(why):
        for name, batch, single in zip(("kl", "rec"), (kl, rec), terms(x[:1]), strict=True):
            gmvae_checks.check_calls_independent(batch, name)
            with case("a single image"):
                gmvae_checks.check_calls_independent(single, name)
            gmvae_checks.check_rows_independent(single, batch, rows, name)
            gmvae_checks.check_spread(batch, expected[name].std / np.sqrt(rows), name)
    elsewhere = gmvae_checks.make_weights(rng, z_dim=10, k=20, variance=1e-4)
    elsewhere["z_pre"] += 3  # other means, and variances that are larger by far
    model = gmvae_checks.load_model(fresh_submission, elsewhere)
    model.train(False)
    gmvae_checks.negative_elbo_bound(model, x)
    model.load(weights)  # of which nothing was known at the first call
    for grad, how, cause in (
        (True, "in eval mode", "z must be a sample in train mode and in eval mode"),
        (False, "in eval mode without gradients", "z must be a sample under torch.no_grad(), too: draw noise there"),
    ):
        with case(how):
            kl, rec = gmvae_checks.negative_elbo_bounds(model, x, 8, grad)[:, 1:].T
            check(len(np.unique(rec)) > 1, f"{WHAT}: {how} rec is the same at every call.", cause)
            gmvae_checks.check_average(float(kl.mean()), expected["kl"], 8 * rows, f"kl {how}", why_kl)
    # Noise may come from any generator, such as NumPy's, but not from one that starts with the same number every time.
    runs = []
    for seed in (1, 2):
        fresh_submission.stand_in(MIXTURE)  # imports the submission's modules anew, with all that they keep
        model = gmvae_checks.load_model(fresh_submission, weights)
        fresh_submission.seed(seed)
        runs.append(gmvae_checks.negative_elbo_bounds(model, x, 4))
    laws.check_differ(*runs, WHAT)


def test_reference_weights(fresh_submission, rng, causes):
    """negative_elbo_bound gives a well trained model its negative ELBO"""
    fresh_submission.stand_in(MIXTURE)
    weights = trained_model.read_gmvae(REFERENCE)
    x = trained_model.binary_test_images(trained_model.find_data(REFERENCE.parent), 100, seed=int(rng.integers(2**32)))
    with case("a trained model"):
        gmvae_checks.check_terms(fresh_submission, rng, causes, weights, x.astype(np.float32), calls=16)
