"""A GMVAE under weights of ours: what its negative ELBO must be, and which usual mistake explains a wrong one."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from autograder.door import laws
from autograder.door.diagnose import check_tensor, fail, sentence
from autograder.door.submission import Handle, Submission, SubmissionError
from support import oracles
from support.mistakes.gmvae import of_kl, of_rec
from support.trained_model import PIXELS, gmvae_shapes

WHAT = "negative_elbo_bound"
TERMS = ("nelbo", "kl", "rec")
CALLS = 10  # over which a public check averages


def make_weights(rng: np.random.Generator, z_dim: int, k: int, variance: float | None = None) -> dict[str, np.ndarray]:
    """Weights, float32, under which codes, variances and pixels differ clearly from image to image.

    Args:
        variance: of every posterior; None for variances between about 0.1 and 1.
    """
    weights = {name: rng.normal(size=shape) / math.sqrt(shape[-1]) for name, shape in gmvae_shapes(z_dim, k).items()}
    weights["enc.net.0.weight"] *= 3  # few of the pixels are on
    weights["enc.net.4.weight"][:z_dim] *= 2
    weights["enc.net.4.bias"][z_dim:] -= 1
    weights["z_pre"] = rng.normal(size=(1, 2 * k, z_dim))
    weights["z_pre"][:, :k] *= 2  # distributed unlike the variances, so that it shows when they change places
    weights["pi"] = np.full(k, 1 / k)
    if variance is not None:
        weights["enc.net.4.weight"][z_dim:] = 0
        weights["enc.net.4.bias"][z_dim:] = before_softplus(variance)
    return {name: value.astype(np.float32) for name, value in weights.items()}


def before_softplus(variance: float) -> float:
    """What `gaussian_parameters` turns into this variance: the inverse of softplus(.) + 1e-8."""
    return math.log(math.expm1(variance - 1e-8))


def with_collapsed_posterior(weights: Mapping[str, np.ndarray], variance: float = 0.5) -> dict[str, np.ndarray]:
    """The weights with one posterior for all images, nearly the prior: single estimates of kl are often negative."""
    bias, z_pre = np.zeros_like(weights["enc.net.4.bias"]), np.zeros_like(weights["z_pre"])
    bias[bias.size // 2 :] = before_softplus(variance)
    z_pre[:, z_pre.shape[1] // 2 :] = before_softplus(2 * variance)
    encoder = {"enc.net.4.weight": np.zeros_like(weights["enc.net.4.weight"]), "enc.net.4.bias": bias}
    return {**weights, **encoder, "z_pre": z_pre}


def make_images(rng: np.random.Generator, n: int) -> np.ndarray:
    """Binary images (n, 784), float32, some darker than others."""
    return (rng.random((n, PIXELS)) < rng.uniform(0.05, 0.4, (n, 1))).astype(np.float32)


def example(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights with narrow posteriors, and images: those of the stored cases."""
    rng = np.random.default_rng(seed)
    return make_weights(rng, z_dim=10, k=60, variance=1e-4), make_images(rng, 50)


def load_model(submission: Submission, weights: Mapping[str, np.ndarray]) -> Handle:
    """A GMVAE of the submission with these weights."""
    z_dim, k = weights["z_pre"].shape[2], weights["z_pre"].shape[1] // 2
    model = submission.call("gmvae.GMVAE", z_dim=z_dim, k=k)
    model.load(weights)
    return model


def negative_elbo_bound(model: Handle, x: np.ndarray) -> np.ndarray:
    """(nelbo, kl, rec) of one call, float64 (3,); fails unless they are three finite 0-d tensors that add up."""
    found = model.call(WHAT, x)
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        fail(f"{WHAT}: it should return three tensors, as a tuple (nelbo, kl, rec).")
    nelbo, kl, rec = (
        float(check_tensor(value, what=f"{WHAT}, {name}", shape=())) for name, value in zip(TERMS, found, strict=True)
    )
    if not math.isclose(nelbo, kl + rec, rel_tol=1e-4, abs_tol=1e-3):
        hints = {
            "It looks like rec - kl.": rec - kl,
            "It looks like kl - rec.": kl - rec,
            "It looks like the ELBO itself: a loss must be its negative.": -kl - rec,
        }
        named = [hint for hint, value in hints.items() if math.isclose(nelbo, value, rel_tol=1e-4, abs_tol=1e-3)]
        fail(" ".join([f"{WHAT}: nelbo is not kl + rec.", *named[:1]]))
    return np.array([nelbo, kl, rec])


@contextmanager
def of_any_size() -> Iterator[None]:
    """Says what a RuntimeError inside probably means: for hidden inputs torch's own text is not shown."""
    try:
        yield
    except SubmissionError as error:
        if error.type != "RuntimeError":
            raise
        fail(
            f"{WHAT} raises a RuntimeError. Does it work for any batch size, any number of latents and of components? "
            "Sizes must come from the shapes of the tensors."
        )


@dataclass(frozen=True)
class Expectation:
    """What the average of a term over images and noise should be.

    Attributes:
        mean: over images and noise.
        std: of one image's term with one draw of noise, about that image's mean; root mean square over the images.
        error: standard deviation of `mean`, which is a Monte-Carlo estimate itself.
    """

    mean: float
    std: float
    error: float


def expectations(
    weights: Mapping[str, np.ndarray], x: np.ndarray, rng: np.random.Generator, samples: int
) -> dict[str, Expectation]:
    """The expected "kl" and "rec" for images x."""
    terms = oracles.gmvae_terms(weights, x, rng, samples)

    def expectation(values: np.ndarray, *alternatives: np.ndarray) -> Expectation:
        """`alternatives` have the same mean and another spread."""
        std = max(math.sqrt(v.var(axis=0, ddof=1).mean()) for v in (values, *alternatives))
        return Expectation(float(values.mean()), std, std / math.sqrt(values.size))

    # log q may also be averaged in closed form: then only log p varies.
    return {"kl": expectation(terms["log_q"] - terms["log_p"], -terms["log_p"]), "rec": expectation(-terms["log_x"])}


def check_average(
    average: float, expected: Expectation, draws: int, what: str, mistakes: Callable[[], Mapping[str, float]] = dict
) -> None:
    """Fail unless an average over draws (images times calls) is near its expectation.

    Args:
        mistakes: gives what usual mistakes would give on average, {explanation: value}; called only if it is wrong.
    """
    std = math.hypot(expected.std / math.sqrt(draws), expected.error)
    slack = 1e-3 + 1e-5 * abs(expected.mean)
    try:
        laws.check_mean(np.array(average), expected.mean, std, f"{WHAT}, {what}", slack=slack)
    except AssertionError as error:
        limit = stats.norm.isf(laws.ALPHA / 2) * 1.25 * std + slack
        near: dict[str, float] = {}
        for explanation, value in mistakes().items():
            gap = abs(value - average)
            # What is summed over the batch has that many times the noise. An explanation that is indistinguishable
            # from the right value explains nothing.
            if gap <= limit * max(1, abs(value / expected.mean)) and abs(value - expected.mean) > limit:
                near[explanation] = gap
        if near:
            explanation = min(near, key=near.__getitem__)
            fail(f"{error} {sentence(explanation)}", explanation)
        raise


def average_terms(submission: Submission, weights: Mapping[str, np.ndarray], x: np.ndarray, calls: int) -> np.ndarray:
    """(nelbo, kl, rec) for the batch x, averaged over calls; fails if rec never varies."""
    model = load_model(submission, weights)
    found = np.array([negative_elbo_bound(model, x) for _ in range(calls)])
    if (found[:, 2] == found[0, 2]).all():
        fail(f"{WHAT}: rec is the same at every call. Decode z, a sample of q(z | x) that is drawn afresh.")
    return found.mean(axis=0)


def check_terms(
    submission: Submission, rng: np.random.Generator, weights: Mapping[str, np.ndarray], x: np.ndarray, calls: int
) -> None:
    """Fail unless kl and rec, averaged over calls on the batch x, are near their expectations.

    Images may be repeated in x: every row has noise of its own.
    """
    found = average_terms(submission, weights, x, calls)
    images, rows = np.unique(x, axis=0), len(x)
    if rows % len(images):
        raise ValueError("every image must be repeated equally often")
    expected = expectations(weights, images, rng, samples=calls * rows // len(images))
    for place, name, mistakes in ((2, "rec", of_rec), (1, "kl", of_kl)):
        check_average(found[place], expected[name], calls * rows, name, partial(mistakes, weights, images, rng, rows))


def check_spread(values: np.ndarray, std: float, what: str, hint: str) -> None:
    """Fail if batch averages from many calls vary more than independent noise of this standard deviation allows.

    One-sided: averaging over several samples lessens the spread, and is right. The law is taken as chi-squared with
    1.25 times the standard deviation, because averages are only approximately normal.
    """
    laws.spent.append((what, laws.ALPHA))
    statistic = (len(values) - 1) * values.var(ddof=1) / (1.25 * std) ** 2
    if stats.chi2.sf(statistic, len(values) - 1) < laws.ALPHA:
        fail(f"{WHAT}, {what}: varies more from call to call than it should. {hint}")
