"""Hidden checks of ELBO.py: the two costs of a VAE and the loss that they make."""

from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.door.cases import returned
from autograder.door.diagnose import CheckFailed, case, check, check_gradient, check_tensor, explained
from support.checks.networks import random_images
from support.checks.sampling import random_posterior
from support.checks.training import stand_in_for_the_loss
from support.mistakes import elbo
from support.observing import RANDOM, check_value, explained_by, right_elsewhere
from support.terms import cause_of_terms

batches = st.integers(1, 40)
pixel_shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64])


def check_cost(submission, x, recon_x, **how):
    """negative_log_likelihood of these images is right."""
    inside = min(x.min(), recon_x.min()) >= 0 and max(x.max(), recon_x.max()) <= 1  # as a cross-entropy needs it
    call = partial(submission.call, "ELBO.negative_log_likelihood")
    with explained(partial(cause_of_constant, call), own_first=True):
        check_value(
            call,
            (x, recon_x),
            right=elbo.right_cost,
            mistakes=elbo.of_negative_log_likelihood,
            inputs=elbo.INSIDE if inside else elbo.IMAGES,
            fit=elbo.fit_negative_log_likelihood,
            **{"what": "negative_log_likelihood", **how},
        )


def cause_of_constant(call):
    """What to say if the cost is the right one but for what it is of the image itself."""
    wrong = False
    for batch, *shape in ((3, 2, 5, 4), (5, 1, 3, 3), (4, 7)):
        x, recon_x = np.random.default_rng(0).uniform(size=(2, batch, *shape))
        at_best, value = returned(call, x, x), returned(call, x, recon_x)
        if not all(isinstance(cost, np.ndarray) and cost.shape == () for cost in (at_best, value)):
            return ""
        if not np.isclose(value - at_best, np.square(x - recon_x).sum() / 2 / batch, rtol=1e-5):
            return ""
        wrong |= not np.isclose(at_best, np.prod(shape) / 2 * elbo.LOG_2PI, rtol=1e-5)
    cause = "the squared error is right, but the constant is not: it is D/2 log(2 pi), for the D pixels of one image"
    return cause if wrong else ""


def check_divergence(submission, mu, logvar, **how):
    """kl_diag_normal of this posterior is right."""
    call = partial(submission.call, "ELBO.kl_diag_normal")
    few, terms = partial(cause_of_number, call, mu, logvar), partial(cause_of_terms, call, SOME, terms_of_divergence)
    with explained(terms, own_first=True), explained(few, own_first=True):
        check_value(
            call,
            (mu, logvar),
            right=elbo.right_divergence,
            mistakes=elbo.of_kl_diag_normal,
            inputs=elbo.POSTERIORS,
            fit=elbo.fit_kl_diag_normal,
            **{"what": "kl_diag_normal", **how},
        )


def terms_of_divergence(mu, logvar):
    """What the divergence is the sum of."""
    return {
        "the term of the means (mu squared)": 0.5 * np.square(mu).sum(axis=1).mean(),
        "the term of the variances": 0.5 * np.exp(logvar).sum(axis=1).mean(),
        "the 1": -0.5 * mu.shape[1],
        "the logarithm of the variances": -0.5 * logvar.sum(axis=1).mean(),
    }


# Many posteriors of equal sizes, for `cause_of_terms`.
SOME = [
    (
        {"the size of the batch": batch, "the number of latents": latents},
        [random_posterior(np.random.default_rng(seed), batch, latents, dtype=np.float64) for seed in range(9)],
    )
    for batch, latents in ((3, 5), (7, 4))
]


def cause_of_number(call, mu, logvar):
    """What to say if the divergence is right for a few of the first latents at a time, and wrong for all of these."""
    mu, logvar = mu[:, :40], logvar[:, :40]
    few = [(mu[:, j : j + 4], logvar[:, j : j + 4]) for j in range(0, mu.shape[1], 4)]
    right = [right_elsewhere(call, inputs, elbo.right_divergence) for inputs in (few, [(mu, logvar)])]
    cause = "for a few latents at a time it is right: does something hang on the number of latents?"
    return cause if right == [True, False] else ""


def check_loss(submission, x, recon_x, mu, logvar, **how):
    """elbo_loss of these images and posteriors is right."""
    check_value(
        partial(submission.call, "ELBO.elbo_loss"),
        (x, recon_x, mu, logvar),
        right=elbo.right_loss,
        mistakes=elbo.of_elbo_loss,
        inputs=elbo.LOSSES,
        fit=elbo.fit_elbo_loss,
        rtol=1e-5,
        **{"what": "elbo_loss", **how},
    )


@pytest.mark.negative_log_likelihood
@given(batch=batches, shape=pixel_shapes, seed=seeds, dtype=dtypes)
@example(batch=37, shape=(1, 28, 28), seed=0, dtype=np.float32)
@example(batch=256, shape=(784,), seed=1, dtype=np.float32)
@example(batch=1, shape=(3, 8, 8), seed=2, dtype=np.float64)
@example(batch=1500, shape=(3,), seed=3, dtype=np.float32)
@example(batch=2, shape=(1, 100, 100), seed=4, dtype=np.float64)
def test_negative_log_likelihood(submission, batch, shape, seed, dtype):
    """negative_log_likelihood: right for any number of images and pixels, also outside [0, 1]"""
    rng = np.random.default_rng(seed)
    outside = seed % 2  # else values that a binary cross-entropy takes too
    x, recon_x = (rng.uniform(-outside, 1 + outside, (batch, *shape)).astype(dtype) for _ in range(2))
    single = dtype == np.float32
    with case("a batch of one image" if batch == 1 else f"images of {'32' if single else '64'}-bit floats"):
        what = "negative_log_likelihood" + (" of a batch of one image" if batch == 1 else "")
        check_cost(submission, x, recon_x, what=what, rtol=1e-5 if single else 1e-6, atol=1e-4 if single else 1e-6)


@pytest.mark.negative_log_likelihood
def test_negative_log_likelihood_gradients(submission, rng):
    """negative_log_likelihood: the gradients by the reconstruction and by the image have the right values"""
    for shape in ((5, 1, 28, 28), (23, 7)):
        x, recon_x = (rng.uniform(0, 1, shape).astype(np.float32) for _ in range(2))
        reply = submission.run("ELBO.negative_log_likelihood", [x, recon_x], wrt=[0, 1])
        check_tensor(reply.value, what="negative_log_likelihood", shape=())
        expected = (recon_x.astype(np.float64) - x) / shape[0]
        of, tolerance = "negative_log_likelihood", {"rtol": 1e-3, "atol": 1e-7}
        with explained_by(partial(check_cost, submission, x, recon_x)):
            check_gradient(reply.gradients[1], expected, of=of, by="recon_x", **tolerance)
            check_gradient(reply.gradients[0], -expected, of=of, by="x", **tolerance)


@pytest.mark.negative_log_likelihood
def test_negative_log_likelihood_of_the_image_itself(submission, rng):
    """negative_log_likelihood: D/2 log(2 pi) for a perfect reconstruction, and no overflow for an awful one"""
    for shape in ((3, 1, 28, 28), (2, 5), (9, 1)):
        x = rng.uniform(0, 1, shape).astype(np.float32)
        with case("a perfect reconstruction"):
            check_cost(submission, x, x, what="negative_log_likelihood of a perfect reconstruction")
    x, recon_x = np.zeros((2, 6), dtype=np.float32), np.full((2, 6), 1e4, dtype=np.float32)
    what = "negative_log_likelihood of a reconstruction so awful that its density underflows"
    with case("an awful reconstruction"):
        check_cost(submission, x, recon_x, what=what)


@pytest.mark.kl_diag_normal
@given(batch=batches, latents=st.integers(1, 30), seed=seeds, dtype=dtypes)
@example(batch=100, latents=2, seed=0, dtype=np.float32)
@example(batch=1, latents=1, seed=1, dtype=np.float64)
@example(batch=3, latents=700, seed=2, dtype=np.float32)
@example(batch=1500, latents=2, seed=3, dtype=np.float32)
def test_kl_diag_normal(submission, batch, latents, seed, dtype):
    """kl_diag_normal: right for any number of images and latents"""
    rng = np.random.default_rng(seed)
    # Some means are far from 0, as of an image unlike all others.
    mu = rng.standard_normal((batch, latents)) * np.where(rng.random((batch, latents)) < 0.1, 40, 1)
    logvar = rng.uniform(-3, 2, (batch, latents))
    mu, logvar = mu.astype(dtype), logvar.astype(dtype)
    single = dtype == np.float32
    with case("a batch of one image" if batch == 1 else "one latent" if latents == 1 else "many latents and images"):
        what = "kl_diag_normal" + (" of a batch of one image" if batch == 1 else " of one latent" * (latents == 1))
        check_divergence(
            submission, mu, logvar, what=what, rtol=1e-4 if single else 1e-6, atol=1e-5 if single else 1e-6
        )


@pytest.mark.kl_diag_normal
def test_kl_diag_normal_gradients(submission, rng):
    """kl_diag_normal: the gradients by mu and logvar have the right values"""
    for batch, latents in ((1, 1), (19, 2), (4, 31)):
        mu, logvar = random_posterior(rng, batch, latents)
        reply = submission.run("ELBO.kl_diag_normal", [mu, logvar], wrt=[0, 1])
        check_tensor(reply.value, what="kl_diag_normal", shape=())
        check(
            reply.value == submission.call("ELBO.kl_diag_normal", mu, logvar),
            "kl_diag_normal gives two different values for the same posterior; it has a closed form.",
            RANDOM,
        )
        by_mu, by_logvar = mu / batch, np.expm1(logvar.astype(np.float64)) / (2 * batch)
        of, tolerance = "kl_diag_normal", {"rtol": 1e-3, "atol": 1e-6}
        with explained_by(partial(check_divergence, submission, mu, logvar)):
            for gradient, by, right in zip(reply.gradients.values(), ("mu", "logvar"), (by_mu, by_logvar), strict=True):
                check_gradient(gradient, right, of=of, by=by, **tolerance)


@pytest.mark.kl_diag_normal
def test_kl_diag_normal_zero_and_extremes(submission, rng):
    """kl_diag_normal: zero for the prior itself and only there; no overflow for very small and large variances"""
    for shape in ((1, 1), (37, 4)):
        zeros = np.zeros(shape, dtype=np.float32)
        with case("the prior itself"):
            check_divergence(submission, zeros, zeros, what="kl_diag_normal of the prior")
        for j, value in ((0, 0.3), (shape[1] - 1, -0.3)):
            moved = zeros.copy()
            moved[0, j] = value
            for arguments in ((moved, zeros), (zeros, moved)):
                with case("near the prior"):
                    check_divergence(submission, *arguments, what="kl_diag_normal of a posterior near the prior")
    mu = rng.standard_normal((6, 3)).astype(np.float32)
    call = partial(submission.call, "ELBO.kl_diag_normal")
    for level in (-80.0, -60.0, -14.0, 7.0, 14.0, 60.0):
        size = "tiny" if level < 0 else "huge"
        with case("tiny variances" if level < 0 else "huge variances"):
            try:
                logvar = np.full_like(mu, level)
                check_divergence(submission, mu, logvar, what=f"kl_diag_normal with {size} variances (clip none)")
            except CheckFailed as error:
                further = [returned(call, mu, np.full_like(mu, factor * level)) for factor in (1, 1.05, 1.1)]
                if not error.cause:
                    raise CheckFailed(error.message, cause_at_extremes(further, level), error.wrong) from None
                raise


def cause_at_extremes(values, level):
    """Why the divergence is wrong for variances of exp(level), by what it is there and for more extreme ones."""
    numbers = [value for value in values if isinstance(value, np.ndarray) and value.shape == ()]
    if len(numbers) < len(values) or np.isnan(numbers).any():
        return ""
    if np.isinf(numbers).all() and level < 0:
        return "the logarithm is taken of exp(logvar), which underflows; logvar is that logarithm"
    if np.ptp(numbers) <= 1e-4 * np.abs(numbers).max():
        constant = ", or a small constant is added to the variance" if level < 0 else ""
        return f"is logvar clamped{constant}? More extreme variances change nothing"
    return ""


@pytest.mark.elbo_loss
def test_elbo_loss(fresh_submission, rng):
    """elbo_loss: the sum of reconstruction cost and KL, for any batch, a loss to minimise"""
    stand_in_for_the_loss(fresh_submission, whole=False)
    for batch, dtype in ((1, np.float32), (6, np.float64), (33, np.float32)):
        x, recon_x = random_images(rng, batch).astype(dtype), random_images(rng, batch).astype(dtype)
        check_loss(fresh_submission, x, recon_x, *random_posterior(rng, batch, 4, dtype=dtype))
    # Costs of any size: few pixels, a perfect reconstruction, a posterior near the prior or far from it.
    for spread in (0.01, 1.0, 30.0):
        x = rng.uniform(size=(4, 7)).astype(np.float32)
        recon_x = x + (spread > 0.5) * rng.uniform(size=x.shape).astype(np.float32)
        mu, logvar = ((spread * value).astype(np.float32) for value in random_posterior(rng, 4, 3))
        logvar = np.clip(logvar, -60, 5)
        what = "elbo_loss of small images (no bound on the sum or on a part of it)"
        with case("near the prior" if spread < 1 else "far from the prior" if spread > 1 else "small images"):
            check_loss(fresh_submission, x, recon_x, mu, logvar, what=what)


@pytest.mark.elbo_loss
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
    with explained_by(partial(check_loss, fresh_submission, x, recon_x, mu, logvar)):
        for gradient, (name, value) in zip(reply.gradients.values(), expected.items(), strict=True):
            check_gradient(gradient, value, of="elbo_loss", by=name, rtol=1e-3, atol=1e-6)
