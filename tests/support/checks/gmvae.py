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
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    return weights if variance is None else with_posterior(weights, before_softplus(variance))


def before_softplus(variance: float) -> float:
    """What `gaussian_parameters` turns into this variance: the inverse of softplus(.) + 1e-8."""
    return math.log(math.expm1(variance - 1e-8))


def with_posterior(weights: Mapping[str, np.ndarray], pre_v: float) -> dict[str, np.ndarray]:
    """The weights with the same variance for every image and latent, given by what goes into the softplus."""
    weight, bias = weights["enc.net.4.weight"].copy(), weights["enc.net.4.bias"].copy()
    weight[len(weight) // 2 :], bias[len(bias) // 2 :] = 0, pre_v
    return {**weights, "enc.net.4.weight": weight, "enc.net.4.bias": bias}


def with_collapsed_posterior(
    weights: Mapping[str, np.ndarray], variance: float = 0.5, prior: float | None = None
) -> dict[str, np.ndarray]:
    """The weights with one posterior for all images, nearly the prior: single estimates of kl are often negative.

    Args:
        variance, prior: variances of the posterior and of the prior, twice as much if None.
    """
    last = ("enc.net.4.weight", "enc.net.4.bias", "z_pre")
    zeros = {**weights, **{name: np.zeros_like(weights[name]) for name in last}}
    z_pre = zeros["z_pre"]
    z_pre[:, z_pre.shape[1] // 2 :] = before_softplus(2 * variance if prior is None else prior)
    return with_posterior(zeros, before_softplus(variance))


def moved(weights: Mapping[str, np.ndarray], distance: float, prior_too: bool) -> dict[str, np.ndarray]:
    """The weights with every posterior mean moved by this distance along each axis, and the prior's means with them."""
    z_dim = weights["z_pre"].shape[2]
    bias, z_pre = weights["enc.net.4.bias"].copy(), weights["z_pre"].copy()
    bias[:z_dim] += distance
    if prior_too:
        z_pre[:, : z_pre.shape[1] // 2] += distance
    first = weights["dec.net.0.weight"]
    # The decoder takes the distance off again, so that the images stay as they were.
    unmoved = weights["dec.net.0.bias"] - distance * first.sum(axis=1)
    return {**weights, "enc.net.4.bias": bias, "z_pre": z_pre, "dec.net.0.bias": unmoved.astype(np.float32)}


def make_images(rng: np.random.Generator, n: int) -> np.ndarray:
    """Binary images (n, 784), float32, some darker than others."""
    return (rng.random((n, PIXELS)) < rng.uniform(0.05, 0.4, (n, 1))).astype(np.float32)


def example(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights with narrow posteriors, and images: those of the stored cases."""
    rng = np.random.default_rng(seed)
    return make_weights(rng, z_dim=10, k=60, variance=1e-4), make_images(rng, 50)


def transparent(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a GMVAE with two latents and three components far apart, whose first pixels show the latents.

    Pixel j < 2 has the logit z_j / 10, pixel 9 the logit -9; those from 10 on are on with probability 0.3.
    """
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in gmvae_shapes(2, 3).items()}
    weights["pi"][:] = 1 / 3
    weights["z_pre"][0, :3] = 20 * np.array([[1, 0], [-1, 1], [0, -1]])
    weights["z_pre"][0, 3:] = rng.uniform(0, 2, (3, 2))
    # Far to the right an ELU is the identity.
    for layer in (0, 2):
        weights[f"dec.net.{layer}.weight"][[0, 1], [0, 1]] = 1
    weights["dec.net.0.bias"][:2] = 200
    weights["dec.net.4.weight"][[0, 1], [0, 1]] = 0.1
    bias = weights["dec.net.4.bias"]
    bias[:2], bias[9], bias[10:] = -20, -9, math.log(0.3 / 0.7)
    return weights


def latents_of(pixels: np.ndarray) -> np.ndarray:
    """The latents that the decoder with `transparent` weights turned into pixels (n, 784)."""
    p = pixels[:, :2].astype(np.float64)
    return (10 * np.log(p / (1 - p))).astype(np.float32)


def load_model(submission: Submission, weights: Mapping[str, np.ndarray]) -> Handle:
    """A GMVAE of the submission with these weights."""
    z_dim, k = weights["z_pre"].shape[2], weights["z_pre"].shape[1] // 2
    model = submission.call("gmvae.GMVAE", z_dim=z_dim, k=k)
    model.load(weights)
    return model


def negative_elbo_bound(model: Handle, x: np.ndarray, grad: bool = True) -> np.ndarray:
    """(nelbo, kl, rec) of one call, float64 (3,); fails unless they are three finite 0-d tensors that add up."""
    found = model.run(WHAT, (x,), grad=grad).value
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
    """(nelbo, kl, rec) for the batch x, averaged over calls; fails if rec never varies.

    Under variances below 1e-6 it may not vary: what is left of the noise is less than float32 can hold.
    """
    model = load_model(submission, weights)
    found = np.array([negative_elbo_bound(model, x) for _ in range(calls)])
    before_softplus = np.split(weights["enc.net.4.bias"], 2)[1]
    if (found[:, 2] == found[0, 2]).all() and before_softplus.max() > -14:
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


def check_sometimes_negative(submission: Submission, weights: Mapping[str, np.ndarray], x: np.ndarray) -> None:
    """Fail unless estimates of a KL divergence near 0 are sometimes negative: with probability 1e-17 100 are not."""
    model = load_model(submission, weights)
    kl = [negative_elbo_bound(model, x)[1] for _ in range(100)]
    laws.spent.append(("negative estimates", 1e-17))
    if min(kl) >= 0:
        fail(f"{WHAT}: kl is never negative. It is an estimate, whose mean is right only if nothing is cut off at 0.")


def check_spread(values: np.ndarray, std: float, what: str, hint: str) -> None:
    """Fail if batch averages from many calls vary more than independent noise of this standard deviation allows.

    One-sided: averaging over several samples lessens the spread, and is right. The law is taken as chi-squared with
    1.25 times the standard deviation, because averages are only approximately normal.
    """
    laws.spent.append((what, laws.ALPHA))
    statistic = (len(values) - 1) * values.var(ddof=1) / (1.25 * std) ** 2
    if stats.chi2.sf(statistic, len(values) - 1) < laws.ALPHA:
        fail(f"{WHAT}, {what}: varies more from call to call than it should. {hint}")


def check_rows_independent(single: np.ndarray, batch: np.ndarray, rows: int, what: str) -> None:
    """Fail unless averages over `rows` equal images vary as averages of so many independent single ones do.

    How much one image's term varies is left open: several samples an image, antithetic ones too, are right.

    Args:
        single, batch: a term from many calls with one image, and with `rows` equal ones.
    """
    laws.spent.append((what, laws.ALPHA))
    # Fisher's F, with room for terms that are not quite normal.
    ratio = single.var(ddof=1) / (rows * batch.var(ddof=1))
    law = stats.f(len(single) - 1, len(batch) - 1)
    hint = "Every image and every latent needs noise of its own (torch.randn_like of the means)."
    if law.sf(ratio / 1.5) < laws.ALPHA / 2:
        fail(f"{WHAT}, {what}: the noise of different images of a batch is balanced, not independent. {hint}")
    if law.cdf(ratio * 1.5) < laws.ALPHA / 2:
        fail(f"{WHAT}, {what}: the images of a batch share their noise. {hint}")


def check_calls_independent(values: np.ndarray, what: str) -> None:
    """Fail if a term depends on what it was at the call before, or two calls before."""
    hint = "Noise must be drawn afresh at every call: no chain, no reuse, nothing mirrored."
    ranks = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))  # normal, whatever the term's own law
    for begin, step in ((0, 1), (1, 1), (0, 2)):
        first, second = ranks[begin::2], ranks[begin + step :: 2]
        pairs = np.stack([first[: len(second)], second[: len(first)]], axis=1)
        laws.check_independent(pairs, f"{WHAT}, {what}: calls", hint)
