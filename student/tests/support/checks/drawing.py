"""What plotting functions return when they are given a probe model, and the mistakes behind other returns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy  # scipy.stats is loaded where a cause is looked for
from scipy.special import ndtr

from autograder.door.diagnose import (
    ATOL,
    RTOL,
    CheckFailed,
    Observation,
    check,
    check_close,
    check_tensor,
    explained,
    fail,
)
from autograder.door.laws import check_standard_normal
from autograder.door.submission import Recorder, Submission
from support.probe_oracle import IN_TRAIN_MODE, ProbeOracle

LAST_IMAGES = "the last images are left out; every image has a row"
LAST_LATENTS = "the last latents are left out; every latent has a row of its own"
PRIOR = "the prior is N(0, I): torch.randn"


def check_codes(
    codes: Any, oracle: ProbeOracle, images: np.ndarray, again: Callable[[], Any], labels: "np.ndarray | None" = None
) -> None:
    """plot_embeddings returned an autoencoder's codes, or a VAE's posterior means, row i for image i.

    Args:
        again: gives the codes of another call.
        labels: (n,), that were given beside the images.
    """
    what, mean = "plot_embeddings", oracle.mean(images)
    mistakes = {
        IN_TRAIN_MODE: oracle.mean(images, training=True),
        "these are log-variances; the posterior means were asked for": oracle.logvar(mean),
        "the grey values of the images are rounded before they are encoded": oracle.mean(np.round(images)),
        "the images are scaled to values between -1 and 1 before they are encoded": oracle.mean(2 * images - 1),
        "the images are inverted before they are encoded": oracle.mean(1 - images),
        "the images are divided by 255 before they are encoded": oracle.mean(images / 255),
        "the codes are centred; return them as they are": mean - mean.mean(axis=0),
        "the first two coordinates of the codes are exchanged": mean[:, [1, 0, *range(2, mean.shape[1])]],
    }
    if mean.shape[1] > 2:
        mistakes["the order of the coordinates is reversed; return the codes as they are"] = mean[:, ::-1]
    if labels is not None and len(np.unique(labels)) < len(labels):
        cause = "each image has the mean code of its class; return its own code"
        mistakes[cause] = np.stack([mean[labels == label].mean(axis=0) for label in labels])
    check_a_row_of_each(codes, mean, what)
    check_tensor(codes, what=what, shape=mean.shape)
    if not _close(codes, mean) and _close(_sorted_rows(codes), _sorted_rows(mean)):
        fail(f"{what}: the codes are right, but in another order; row i belongs to image i.")
    for ddof in (0, 1) if len(mean) > 1 else ():
        scaled = (mean - mean.mean(axis=0)) / mean.std(axis=0, ddof=ddof)
        mistakes[f"the codes are standardised (ddof={ddof}); return them as they are"] = scaled
    if len(mean) > 1:
        turned = (mean - mean.mean(axis=0)) @ np.linalg.svd(mean - mean.mean(axis=0), full_matrices=False)[2].T
        turned *= np.where((turned * codes).sum(axis=0) < 0, -1, 1)  # an axis may point either way
        mistakes["the codes are turned to their principal axes; return them as they are"] = turned
    if oracle.kind == "vae":
        eps = (codes - mean) / np.exp(oracle.logvar(mean) / 2)
        if 0.5 < np.sqrt(np.square(eps).mean()) < 1.5 and np.abs(eps).max() < 7 and not _close(codes, again()):
            mistakes["these look like samples of the posteriors; their MEANS were asked for"] = codes
    check_close(codes, mean, what=what, mistakes=mistakes)


def check_a_row_of_each(codes: Any, mean: np.ndarray, what: str) -> None:
    """Codes (n, k) have no fewer rows than there are images, if they are right otherwise."""
    if isinstance(codes, np.ndarray) and codes.ndim == 2 and len(codes) < len(mean):
        check(not _close(codes, mean[: len(codes)]), f"{what}: rows are missing.", LAST_IMAGES)


def check_grid(
    images: Any, oracle: ProbeOracle, z: np.ndarray, mistaken: Mapping[str, np.ndarray], model: Recorder
) -> None:
    """decode_grid returned images for even steps between the codes' minimum and maximum.

    Args:
        z: the right latents, (steps, steps, 2); mistaken: those of usual mistakes.
        model: what it was given, to see which points were decoded.
    """
    # Latents of forty in size cost digits.
    tolerance = {"rtol": 1e-3, "atol": 1e-4}
    right = oracle.decode(z)

    def mistakes() -> dict[str, np.ndarray]:
        named = _decoded(oracle, z, mistaken)
        # What was fed explains what no usual mistake does.
        if Observation(images, right, named, **tolerance).explained():
            return named
        return named | _by_what_was_fed(images, oracle, model, z, _grid_fault)

    check_close(images, right, what=f"decode_grid with steps={len(z)}", mistakes=mistakes, **tolerance)


def check_traversal(
    images: Any, oracle: ProbeOracle, z: np.ndarray, mistaken: Mapping[str, np.ndarray], model: Recorder
) -> None:
    """latent_traversal returned images for a walk along each latent axis.

    Args:
        z: the right latents, (k, steps, k); mistaken: those of usual mistakes.
        model: what it was given, to see which latents were decoded.
    """
    what = f"latent_traversal with {z.shape[0]} latents and steps={z.shape[1]}"
    right = oracle.decode(z)
    if isinstance(images, np.ndarray) and z.shape[0] != z.shape[1] and _close(images, right.swapaxes(0, 1)):
        raise CheckFailed(
            f"{what}: the shape is wrong.",
            "rows and columns are exchanged: row j belongs to latent j, and not to step j",
            (images, right),
        )
    if isinstance(images, np.ndarray) and images.shape == (z.shape[0], z.shape[1] + 1, *right.shape[2:]):
        fail(f"{what}: each row has one image too many.", "steps is the number of images, not that of intervals")
    if isinstance(images, np.ndarray) and images.ndim == right.ndim and len(images) < len(right):
        check(not _close(images, right[: len(images)]), f"{what}: rows are missing.", LAST_LATENTS)

    def mistakes() -> dict[str, np.ndarray]:
        named = _decoded(oracle, z, mistaken)
        # Where no usual mistake explains it, or more than one, what was fed does.
        if len(Observation(images, right, named).explained()) == 1:
            return named
        return _by_what_was_fed(images, oracle, model, z, _traversal_fault)

    check_close(images, right, what=what, mistakes=mistakes)


def check_decoded(images: Any, oracle: ProbeOracle, model: Recorder, n: int, before: int = 0) -> np.ndarray:
    """sample_from_prior returned what the decoder gives for n latents, and decoded no others; returns them, (n, k).

    Args:
        before: how many records the model had before the call.
    """
    what, latents = f"sample_from_prior with n={n}", oracle.weight.shape[1]
    check_tensor(images, what=what, shape=(n, 1, 28, 28))
    records = [record for record in model.records()[before:] if record["part"] == "decode"]
    fed = [record["input"].reshape(-1, latents) for record in records]
    check(
        sum(map(len, fed)) == n,  # before so many are put together
        f"{what}: the decoder should be fed n latents, and those that are drawn are those returned.",
        "other latents are decoded besides, as for the picture: draw the images that are returned"
        if sum(map(len, fed)) > n and any(_close(images, oracle.decode(one)) for one in fed if len(one) == n)
        else "",
    )
    z = np.concatenate([np.empty((0, latents)), *fed])
    right = oracle.decode(z)
    check_close(
        images,
        right,
        what=f"the decoder's mean images, as {what} returns them",
        mistakes=lambda: {IN_TRAIN_MODE: oracle.decode(z, training=True), **_changed(images, right)},
    )
    return z


def _changed(images: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """What was done to mean images after they were decoded: {explanation: these images}, or nothing."""
    as_they_are = "return the mean images as they are"
    if np.isin(images, (0, 1)).all():
        rounding = ((images == 1) == (right > 0.5)).mean() > 0.999
        what = "pixels are rounded to black and white" if rounding else "black and white pixels are drawn from them"
        return {f"{what}; {as_they_are}": images}
    inside = (images > 0) & (images < 1)
    added = (images - right)[inside if inside.any() else ...]
    if abs(np.corrcoef(added[:-1], added[1:])[0, 1]) < 0.05 and added.std() > 1e-3:
        return {f"noise is added to the pixels; {as_they_are}": images}
    return {}


def check_new_draws(first: np.ndarray, second: np.ndarray, submission: Submission, call: Callable[[], object]) -> None:
    """What two calls of sample_from_prior gave differs."""
    if first.shape == second.shape and (first == second).all():
        fail("sample_from_prior: two calls give the same images. Each must draw anew.", _why_the_same(submission, call))


def _why_the_same(submission: Submission, call: Callable[[], object]) -> str:
    """Why calls draw the same: do the generators depend on how they were seeded before, and are they used at all?"""
    seeded, touched = submission.seeding(call)
    if seeded:
        return f"each call seeds the random generator of {' and '.join(seeded)}; leave seeds to main.py"
    if not touched:
        return (
            "no draw is made by the usual generators: the latents are not random, or they are kept, or their generator "
            "has a seed of its own"
        )
    return ""


def check_prior(z: np.ndarray) -> None:
    """Latents of any shape are independent draws of N(0, 1)."""
    with explained(lambda: law_of(z)):
        check_standard_normal(z, "sample_from_prior: the latents")


def law_of(z: np.ndarray) -> str:
    """The law of latents that are not N(0, I); "" if it cannot be told."""

    def fits(values: np.ndarray, law: Any) -> bool:
        return bool(scipy.stats.kstest(values.ravel(), law.cdf).pvalue > 1e-3)

    z = z.astype(np.float64)
    low, high, size = z.min(), z.max(), z.std()
    lengths = np.linalg.norm(z, axis=-1)
    if z.shape[-1] > 1 and lengths.size > 1 and np.ptp(lengths) < 1e-3 * lengths.max():
        return f"the latents of every image have the same length, as if scaled; {PRIOR}"
    if _balanced(z):
        return f"the draws of a call are made to balance each other (standardised, or stratified); {PRIOR}"
    inner = z[(z > low) & (z < high)]
    if len(np.unique(inner)) < 0.99 * inner.size:
        return ""  # draws are repeated
    if low < 0 < high < 4 and z.size - inner.size > 0.01 * z.size:
        return f"draws are cut off (clamp) at a bound; {PRIOR}"
    if fits(z, scipy.stats.uniform(0, 1)):
        return f"the latents are uniform between 0 and 1, as from torch.rand; {PRIOR}"
    if fits(z, scipy.stats.uniform(low, high - low)):
        return f"the latents are uniform, not normal; {PRIOR}"
    if fits(z, scipy.stats.halfnorm):
        return f"the latents are never negative, as if their absolute values were taken; {PRIOR}"
    tails = np.abs(z).max() / size > 0.8 * np.sqrt(2 * np.log(z.size))  # as long as those of a normal law
    if tails and abs(size - 1) > 5 / np.sqrt(z.size) and fits(z / size, scipy.stats.norm):
        return f"the latents have another standard deviation than 1; {PRIOR}"
    return ""


def _balanced(z: np.ndarray) -> bool:
    """Whether the draws (..., n, k) of every call have the mean 0 and the same size, or one lies in each n-th."""
    n, mean = z.shape[-2], z.mean(axis=-2)
    if n < 3:
        return False
    strata, size = np.sort(np.floor(n * ndtr(z)), axis=-2), z.std(axis=-2)
    stratified = (strata == np.arange(n)[:, np.newaxis]).mean() > 0.99
    return bool(stratified or (size.min() > 0 and np.abs(mean).max() < 1e-4 and np.ptp(size) < 1e-4))


def check_posterior_rows(
    costs: Any,
    oracle: ProbeOracle,
    images: np.ndarray,
    right: np.ndarray,
    mistakes: Mapping[str, np.ndarray],
    model: Recorder,
) -> None:
    """plot_posterior_rows returned each image's reconstruction error, KL and total, by decoding the posterior mean.

    Args:
        right: the costs, (n, 3); mistakes: those of usual mistakes.
        model: what it was given, to see what was decoded.
    """
    what = f"plot_posterior_rows of {len(images)} images"
    check_tensor(costs, what=what, shape=right.shape)
    means = np.concatenate([oracle.mean(images, training) for training in (False, True)])
    for record in model.records():
        if record["part"] == "decode":
            z = record["input"].reshape(-1, 1, oracle.weight.shape[1])
            known = len(z) <= len(means) and np.isclose(z, means, rtol=1e-3, atol=1e-4).all(axis=-1).any(axis=1).all()
            check(known, f"{what}: something other than posterior means is decoded. Is it a sample?")
    wrong = ~np.isclose(costs, right, rtol=RTOL, atol=ATOL).all(axis=0)
    columns = [name for name, one in zip(("error", "KL", "total"), wrong, strict=True) if one]
    check_close(costs, right, what=f"{what}, {' and '.join(columns)}", mistakes=mistakes)


def _decoded(oracle: ProbeOracle, right: np.ndarray, mistaken: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Images of mistaken latents, by mistake; those of the right latents in train mode come first."""
    images = {message: oracle.decode(z) for message, z in mistaken.items()}
    return {IN_TRAIN_MODE: oracle.decode(right, training=True), **images}


def _by_what_was_fed(
    images: Any, oracle: ProbeOracle, model: Recorder, z: np.ndarray, fault: Callable[[np.ndarray, np.ndarray], str]
) -> dict[str, np.ndarray]:
    """How the latents that were really decoded explain wrong images: {explanation: these images}, or nothing.

    Args:
        z: the right latents, (..., k).
        fault: what is wrong with latents (n, k), given the right ones; "" if it cannot tell.
    """
    if not isinstance(images, np.ndarray) or images.shape[:-3] != z.shape[:-1]:
        return {}
    right = z.reshape(-1, z.shape[-1])
    fed = [record["input"].reshape(-1, right.shape[1]) for record in model.records() if record["part"] == "decode"]
    if sum(map(len, fed)) != len(right):  # before so many are put together
        return {}
    decoded = np.concatenate(fed)
    same_points = _close(_in_order(decoded), _in_order(right))
    came, made = (_in_order(some.reshape(len(right), -1)) for some in (images, oracle.decode(decoded)))
    if not _close(came, made):
        explanation = "the images are changed after they were decoded; return them as they are" if same_points else ""
    elif same_points:
        explanation = "the right points are decoded, but their images stand in another order"
    else:
        explanation = fault(decoded, right)
    return {explanation: images} if explanation else {}


def _grid_fault(decoded: np.ndarray, right: np.ndarray) -> str:
    for j, name in enumerate(("first", "second")):
        for end, which in ((np.min, "smallest"), (np.max, "largest")):
            if not np.isclose(end(decoded[:, j]), end(right[:, j]), rtol=1e-3, atol=1e-3):
                return (
                    f"the {name} coordinate's range does not end at the {which} of the codes; each coordinate spans "
                    "from its minimum to its maximum, both ends included"
                )
    steps = [[np.unique(points[:, j].round(4)) for j in range(2)] for points in (decoded, right)]
    if all(_close(some, others) for some, others in zip(*steps, strict=True)):
        return (
            "each coordinate takes the right values, but not each with each of the other's: a grid has every pair "
            "(torch.cartesian_prod, torch.meshgrid)"
        )
    return "the range is right, but its steps are not even"


def _traversal_fault(decoded: np.ndarray, right: np.ndarray) -> str:
    if ((decoded != 0).sum(axis=1) > 1).any():
        return "more than one latent differs from 0 at a time; the others must be 0"
    still = (decoded == 0).all(axis=0)
    if still.any():
        which = "no latent is ever" if still.all() else "some of the latents are never"
        return f"{which} varied; each has a row of its own"
    ends = [np.isclose(end(decoded), end(right), rtol=1e-3, atol=1e-3) for end in (np.min, np.max)]
    if not all(ends):
        cut = np.clip(np.sort(right, axis=0), decoded.min(), decoded.max())
        if len(np.unique(decoded)) < len(np.unique(right)) and _close(np.sort(decoded, axis=0), cut):
            return "the walk is cut off (clamp) before z_min or z_max"
        return "the walk does not go from z_min to z_max (-3 and 3 by default), both ends included"
    if (decoded == np.round(decoded)).all() and (right != np.round(right)).any():
        return "the values of the walk are rounded; its steps are even"
    return "the ends of the walk are right, but its steps are not even"


def _in_order(points: np.ndarray) -> np.ndarray:
    """Rows sorted by all their coordinates, rounded, so that the order says nothing any more."""
    return points[np.lexsort(np.round(points.astype(np.float64), 3).T)]


def _sorted_rows(points: np.ndarray) -> np.ndarray:
    return points[np.argsort(points[:, 0], kind="stable")]


def _close(first: np.ndarray, second: Any) -> bool:
    return (
        isinstance(second, np.ndarray)
        and first.shape == second.shape
        and bool(np.allclose(first, second, rtol=1e-4, atol=1e-4))
    )
