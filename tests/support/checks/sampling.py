"""What reparameterised noise must be: of the right law, independent, fresh. Shared by public and hidden checks."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from autograder.door.diagnose import CheckFailed, check, check_gradient, check_tensor, fail
from autograder.door.laws import check_fresh, check_standard_normal
from autograder.door.submission import Handle, Lost, Submission, SubmissionError

WHAT = "reparameterize"
UNIFORM = "The noise should be standard normal (torch.randn_like), not uniform (torch.rand_like)."


def sampler(submission: Submission, latents: int = 3) -> Handle:
    """A VAE to call reparameterize on; without its networks if they do not work yet."""
    try:
        return submission.call("VAE.VAE", latent_dim=latents)
    except (SubmissionError, Lost):
        return submission.bare("VAE.VAE", latent_dim=latents)


def sample(vae: Handle, mu: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """One sample z, of the shape of mu."""
    z = vae.call("reparameterize", mu, logvar)
    return check_tensor(z, what=WHAT, shape=mu.shape)


def noise(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The standard normal numbers that a sample z of N(mu, exp(logvar)) was made from, float64."""
    mu, logvar, z = (value.astype(np.float64) for value in (mu, logvar, z))
    return (z - mu) * np.exp(-logvar / 2)


def check_law(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> None:
    """z has the law N(mu, exp(logvar)), entry by entry; if not, name the law that it has.

    Args:
        mu, logvar: very different from entry to entry, so that laws can be told apart.
    """
    eps = noise(mu, logvar, z)
    check_noisy(eps)
    check(eps.min() < -1e-3 or eps.max() > 1.001, f"{WHAT}: (z - mu) / sigma always lies between 0 and 1. {UNIFORM}")
    try:
        check_standard_normal(eps, f"{WHAT}, (z - mu) / sigma", {"distribution": UNIFORM})
    except CheckFailed as error:
        misfits = {}
        for mistake, candidate in _other_laws(mu, logvar, z).items():
            try:
                check_standard_normal(candidate, WHAT)
            except CheckFailed:
                continue
            misfits[mistake] = stats.kstest(candidate.ravel(), "norm").statistic
        if misfits:
            mistake = min(misfits, key=misfits.__getitem__)
            fail(f"{error} It looks as if {mistake}.", mistake)
        raise


def check_noisy(eps: np.ndarray) -> None:
    """The sample is not just the mean."""
    check(np.abs(eps).max() > 1e-3, f"{WHAT} adds no noise: it returns mu.")


def _other_laws(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> Mapping[str, np.ndarray]:
    """What would be standard normal if a usual mistake had been made."""
    mu, logvar, z = (value.astype(np.float64) for value in (mu, logvar, z))
    return {
        "exp(logvar), the VARIANCE, were used as the standard deviation": (z - mu) / np.exp(logvar),
        "logvar itself were used as the standard deviation": (z - mu) / logvar,
        "the standard deviation were logvar / 2, without exp": (z - mu) / (logvar / 2),
        "exp(logvar / 4) were used as the standard deviation": (z - mu) / np.exp(logvar / 4),
        "the standard deviation were exp(-logvar / 2): the sign of logvar": (z - mu) / np.exp(-logvar / 2),
        "logvar were ignored: the standard deviation is always 1": z - mu,
        "mu were ignored": z / np.exp(logvar / 2),
        "mu and logvar were ignored": z,
        "mu and logvar had changed places": (z - logvar) / np.exp(mu / 2),
        "sigma multiplied mu as well": z / np.exp(logvar / 2) - mu,
    }


def random_posterior(rng: np.random.Generator, *shape: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Means and log-variances of this shape: means around 1, variances from 0.05 to 20."""
    mu = 1 + 1.5 * rng.standard_normal(shape)
    logvar = rng.uniform(-3, 3, shape)
    return mu.astype(dtype), logvar.astype(dtype)


def check_noise_independent(vae: Handle, rng: np.random.Generator, latents: int, images: int, draws: int) -> None:
    """Noise is drawn for each latent, each image and each call on its own.

    Args:
        draws: how many calls to compare.
    """
    mu, logvar = random_posterior(rng, images, latents)
    eps = np.stack([noise(mu, logvar, sample(vae, mu, logvar)) for _ in range(draws)])
    check_noisy(eps)
    hints = {
        "calls": "Noise must be drawn afresh in every call; nothing may seed the generator.",
        "images": "One row for all images of a batch is not enough: use torch.randn_like(mu).",
        "latents": "One number for all latents of an image is not enough: use torch.randn_like(mu).",
    }
    check_fresh(eps, WHAT, hints)


def check_sample_gradients(
    vae: Handle, mu: np.ndarray, logvar: np.ndarray, cotangent: np.ndarray, rtol: float, atol: float
) -> None:
    """dz / dmu is 1 and dz / dlogvar is (z - mu) / 2 for the very noise that was drawn."""
    reply = vae.run("reparameterize", [mu, logvar], wrt=[0, 1], cotangent=cotangent)
    deviation = check_tensor(reply.value, what=WHAT, shape=mu.shape).astype(np.float64) - mu
    if reply.value.dtype == np.float32:  # a sample has no more digits than float32 can hold
        rtol, atol = max(rtol, 1e-3), max(atol, 1e-4)
    check_gradient(reply.gradients[0], cotangent, of="z", by="mu", rtol=rtol, atol=atol)
    check_gradient(
        reply.gradients[1],
        cotangent * deviation / 2,
        of="z",
        by="logvar",
        mistakes={
            "it is that of sigma = exp(logvar); sigma is exp(logvar / 2)": cotangent * deviation,
            "it has the wrong sign": -cotangent * deviation / 2,
        },
        rtol=rtol,
        atol=atol,
    )
