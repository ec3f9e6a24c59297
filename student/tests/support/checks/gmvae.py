"""A GMVAE under weights of ours: what its negative ELBO must be, and which usual mistake explains a wrong one."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from autograder.door import laws
from autograder.door.diagnose import check_tensor, fail, sentence
from autograder.door.submission import Handle, Submission
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
