"""What reparameterised noise must be: of the right law, independent, fresh. Shared by public and hidden checks."""

from collections.abc import Callable, Mapping

import numpy as np
import scipy  # scipy.stats is loaded where a cause is looked for
from scipy.special import chdtr

from autograder.door.diagnose import CheckFailed, check, check_gradient, check_tensor, fail
from autograder.door.laws import DOUBTFUL, check_fresh, check_standard_normal, looks_uniform
from autograder.door.submission import Handle, Lost, Submission, SubmissionError

WHAT = "reparameterize"
USED_AGAIN = "noise is used again, as it is or with its sign turned, for other {}: use torch.randn_like(mu)"
LARGEST = 7.0  # that standard normal numbers get
UNIFORM = "the noise is uniform (torch.rand_like); it should be standard normal (torch.randn_like)"


def sampler(submission: Submission, latents: int = 3) -> Handle:
    """A VAE to call reparameterize on; without its networks if they do not work yet."""
    try:
        return submission.call("VAE.VAE", latent_dim=latents)
    except (SubmissionError, Lost):
        return submission.bare("VAE.VAE", latent_dim=latents)


def sample(vae: Handle, mu: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """One sample z, of the shape of mu."""
    return samples(vae, mu, logvar, 1)[0]


def samples(vae: Handle, mu: np.ndarray, logvar: np.ndarray, calls: int, grad: bool = True) -> np.ndarray:
    """One sample from each of several calls, (calls, *mu.shape).

    Args:
        grad: whether gradients are on.
    """
    drawn = vae.repeat(calls, "reparameterize", (mu, logvar), grad=grad)
    return np.stack([check_tensor(z, what=WHAT, shape=mu.shape) for z in drawn])


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
    if eps.min() >= -1e-3 and eps.max() <= 1.001:
        fail(f"{WHAT}: (z - mu) / sigma always lies between 0 and 1.", UNIFORM if looks_uniform(eps) else "")
    try:
        check_standard_normal(eps, f"{WHAT}, (z - mu) / sigma")
    except CheckFailed as error:
        laws = _other_laws(mu, logvar, z).items()
        found = [f"it looks as if {name}" for name, other in laws if _is_noise(other, mu, logvar)]
        if not found and looks_uniform(eps):
            found = [UNIFORM]
        if not found:
            found = [name for name in (cause_of_repeats(eps),) if name]
        raise CheckFailed(error.message, found[0] if len(found) == 1 else "") from None


def _is_noise(eps: np.ndarray, mu: np.ndarray, logvar: np.ndarray) -> bool:
    """Whether numbers are standard normal, and neither their mean nor their size goes with mu or logvar."""
    if not np.isfinite(eps).all():
        return False
    x = eps.ravel().astype(np.float64)
    if scipy.stats.kstest(x, "norm").pvalue < DOUBTFUL or not DOUBTFUL < chdtr(x.size, x @ x) < 1 - DOUBTFUL:
        return False
    given = [value.ravel().astype(np.float64) for value in (mu, logvar)]
    # Kendall's tau: a few large numbers say little.
    return all(scipy.stats.kendalltau(a, b).pvalue > DOUBTFUL for a in (x, np.abs(x)) for b in given)


def check_noisy(eps: np.ndarray) -> None:
    """The sample is not just the mean."""
    check(np.abs(eps).max() > 1e-3, f"{WHAT} adds no noise: it returns mu.")


def _other_laws(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> Mapping[str, np.ndarray]:
    """What would be standard normal if a usual mistake had been made."""
    mu, logvar, z = (value.astype(np.float64) for value in (mu, logvar, z))
    softplus = np.logaddexp(0, logvar)
    return {
        "exp(logvar), the VARIANCE, were used as the standard deviation": (z - mu) / np.exp(logvar),
        "logvar itself were used as the standard deviation": (z - mu) / logvar,
        "the standard deviation were logvar / 2, without exp": (z - mu) / (logvar / 2),
        "exp(logvar / 4) were used as the standard deviation": (z - mu) / np.exp(logvar / 4),
        "the standard deviation were exp(-logvar / 2): the sign of logvar": (z - mu) / np.exp(-logvar / 2),
        "the standard deviation were exp(0.5) * logvar; it is exp(0.5 * logvar)": (z - mu) / (np.exp(0.5) * logvar),
        "the variance were squared, exp(2 logvar), where its square root should be taken": (z - mu)
        / np.exp(2 * logvar),
        "sigma were added, and the noise multiplied mu: mu and sigma have changed places": (z - np.exp(logvar / 2))
        / mu,
        "the noise multiplied (mu + sigma), mu as well": z / (mu + np.exp(logvar / 2)),
        **(
            {
                "the noise were divided by the root of the number of latents": (z - mu)
                / np.exp(logvar / 2)
                * np.sqrt(mu.shape[-1])
            }
            if mu.shape[-1] > 1
            else {}
        ),
        "logvar were ignored: the standard deviation is always 1": z - mu,
        "mu were ignored": z / np.exp(logvar / 2),
        "mu and logvar were ignored": z,
        "mu and logvar had changed places": (z - logvar) / np.exp(mu / 2),
        "sigma multiplied mu as well": z / np.exp(logvar / 2) - mu,
        "the variance were softplus(logvar); it is exp(logvar)": (z - mu) / np.sqrt(softplus),
        "the standard deviation were softplus(logvar); it is exp(logvar / 2)": (z - mu) / softplus,
        "mu were subtracted": (z + mu) / np.exp(logvar / 2),
        "mu were added twice": (z - 2 * mu) / np.exp(logvar / 2),
    }


def random_posterior(rng: np.random.Generator, *shape: int, dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Means and log-variances of this shape: means around 1, variances from 0.05 to 20."""
    mu = 1 + 1.5 * rng.standard_normal(shape)
    logvar = rng.uniform(-3, 3, shape)
    return mu.astype(dtype), logvar.astype(dtype)


def check_noise_independent(vae: Handle, rng: np.random.Generator, latents: int, images: int, draws: int) -> None:
    """Noise is drawn for each latent, each image and each call on its own, whether gradients are on or off.

    Args:
        draws: how many calls to compare.
    """
    mu, logvar = random_posterior(rng, images, latents)
    on, off = (
        noise(mu, logvar, samples(vae, mu, logvar, calls, grad))
        for calls, grad in ((draws - draws // 2, True), (draws // 2, False))
    )
    check_noisy(on)
    check(np.abs(off).max() > 1e-3, f"{WHAT} adds no noise where gradients are off (torch.no_grad): it returns mu.")
    eps = np.concatenate([on, off])
    causes = {"calls": "", "images": USED_AGAIN.format("images"), "latents": USED_AGAIN.format("latents")}
    if _same_along(eps, 1):
        causes["images"] = "one row of noise is drawn for all images of a batch: use torch.randn_like(mu)"
    if _same_along(eps, 2):
        causes["latents"] = "one number is drawn for all latents of an image: use torch.randn_like(mu)"
    if _same_along(eps, 0):
        causes["calls"] = why_repeated(vae.submission, lambda: sample(vae, mu, logvar))
    elif (np.ptp(eps, axis=(1, 2)) < 1e-3).all():
        causes["images"] = "one number is drawn for the whole batch: use torch.randn_like(mu)"
    check_fresh(eps, WHAT, causes)


def cause_of_repeats(eps: np.ndarray) -> str:
    """Why the noise (images, latents) of one call has the same numbers again and again; "" if it has not."""
    if _recur(eps[:, 0]):
        return "the same noise is used for several images of a batch: use torch.randn_like(mu)"
    if eps.shape[1] > 1 and _recur(eps.ravel()):
        return "the same noise is used for several latents of an image: use torch.randn_like(mu)"
    return ""


def _recur(values: np.ndarray) -> bool:
    """Whether most of many different numbers (n,), none too large for noise, occur more than once, but for rounding."""
    if np.abs(values).max() > LARGEST:
        return False
    steps = np.diff(np.sort(values)) > 1e-5 * values.std()
    return 20 < steps.sum() < 0.6 * len(steps)


def _same_along(eps: np.ndarray, axis: int) -> bool:
    return eps.shape[axis] > 1 and bool((np.ptp(eps, axis=axis) < 1e-3).all())


def why_repeated(submission: Submission, draw: Callable[[], object]) -> str:
    """Why calls that should draw noise give the same: does the generator move on, and from where?"""
    seeded, touched = submission.seeding(draw)
    if seeded:
        return f"a call seeds the generator of {seeded[0]}; noise must be drawn afresh in every call"
    if touched:
        return ""
    return "noise must be drawn afresh in every call: none is kept, and no generator with a seed of its own is used"


def check_sample_gradients(
    vae: Handle, mu: np.ndarray, logvar: np.ndarray, cotangent: np.ndarray, rtol: float, atol: float
) -> None:
    """dz / dmu is 1 and dz / dlogvar is (z - mu) / 2 for the very noise that was drawn."""
    reply = vae.run("reparameterize", [mu, logvar], wrt=[0, 1], cotangent=cotangent)
    for place, name in enumerate(("mu", "logvar")):
        if reply.gradients[place] is None and _ignored(vae, mu, name):
            fail(f"no gradient of z reaches {name}.", f"it looks as if {name} were ignored")
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
            "it is that of sigma = exp(logvar / 4); sigma is exp(logvar / 2)": cotangent * deviation / 4,
            "it is that of sigma = exp(-logvar / 2): the sign of logvar is wrong": -cotangent * deviation / 2,
        },
        rtol=rtol,
        atol=atol,
    )


def _ignored(vae: Handle, mu: np.ndarray, name: str) -> bool:
    """Whether samples are the same size when "mu" is far away, or "logvar" hardly leaves noise."""
    if name == "mu":
        return bool(np.abs(sample(vae, np.full_like(mu, 1000), np.zeros_like(mu))).max() < 500)
    return bool(np.abs(sample(vae, np.zeros_like(mu), np.full_like(mu, -40))).max() > 1e-3)
