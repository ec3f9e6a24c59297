"""What plotting functions return when they are given a probe model, and the mistakes behind other returns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.door.diagnose import Observation, check, check_close, check_tensor, fail
from autograder.door.submission import Recorder
from support.probe_oracle import IN_TRAIN_MODE, ProbeOracle


def check_codes(codes: Any, oracle: ProbeOracle, images: np.ndarray, again: Callable[[], Any]) -> None:
    """plot_embeddings returned an autoencoder's codes, or a VAE's posterior means, row i for image i.

    Args:
        again: gives the codes of another call.
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
    }
    check_tensor(codes, what=what, shape=mean.shape)
    if not _close(codes, mean) and _close(_sorted_rows(codes), _sorted_rows(mean)):
        fail(f"{what}: the codes are right, but in another order; row i belongs to image i.")
    for ddof in (0, 1) if len(mean) > 1 else ():
        scaled = (mean - mean.mean(axis=0)) / mean.std(axis=0, ddof=ddof)
        mistakes[f"the codes are standardised (ddof={ddof}); return them as they are"] = scaled
    if oracle.kind == "vae":
        eps = (codes - mean) / np.exp(oracle.logvar(mean) / 2)
        if 0.5 < np.sqrt(np.square(eps).mean()) < 1.5 and np.abs(eps).max() < 7 and not _close(codes, again()):
            mistakes["these look like samples of the posteriors; their MEANS were asked for"] = codes
    check_close(codes, mean, what=what, mistakes=mistakes)


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
    right, mistakes = oracle.decode(z), _decoded(oracle, z, mistaken)
    # What was fed explains what no usual mistake does.
    if not Observation(images, right, mistakes, **tolerance).explained():
        mistakes |= _by_what_was_fed(images, model, z, _grid_fault)
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
    mistakes = {**_decoded(oracle, z, mistaken), **_by_what_was_fed(images, model, z, _traversal_fault)}
    check_close(images, oracle.decode(z), what=what, mistakes=mistakes)


def check_decoded(images: Any, oracle: ProbeOracle, model: Recorder, n: int, before: int = 0) -> np.ndarray:
    """sample_from_prior returned what the decoder gives for n latents, and decoded no others; returns them, (n, k).

    Args:
        before: how many records the model had before the call.
    """
    what, latents = f"sample_from_prior with n={n}", oracle.weight.shape[1]
    check_tensor(images, what=what, shape=(n, 1, 28, 28))
    records = [record for record in model.records()[before:] if record["part"] == "decode"]
    fed = [record["input"].reshape(-1, latents) for record in records]
    z = np.concatenate([np.empty((0, latents)), *fed]).astype(np.float64)
    check(len(z) == n, f"{what}: the decoder should be fed n latents, and those that are drawn are those returned.")
    check_close(
        images,
        oracle.decode(z),
        what=f"images that {what} returns",
        mistakes={
            IN_TRAIN_MODE: oracle.decode(z, training=True),
            "return the decoder's mean images as they are, with nothing drawn, added or rounded": images,
        },
    )
    return z


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
            known = np.isclose(z, means, rtol=1e-3, atol=1e-4).all(axis=-1).any(axis=1)
            check(known.all(), f"{what}: something other than posterior means is decoded. Is it a sample?")
    check_close(costs, right, what=what, mistakes=mistakes)


def _decoded(oracle: ProbeOracle, right: np.ndarray, mistaken: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Images of mistaken latents, by mistake; those of the right latents in train mode come first."""
    images = {message: oracle.decode(z) for message, z in mistaken.items()}
    return {IN_TRAIN_MODE: oracle.decode(right, training=True), **images}


def _by_what_was_fed(
    images: Any, model: Recorder, z: np.ndarray, fault: Callable[[np.ndarray, np.ndarray], str]
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
    decoded = np.concatenate(fed) if fed else np.empty((0, right.shape[1]))
    if decoded.shape != right.shape:
        return {}
    if _close(_in_order(decoded), _in_order(right)):
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
    return "the range is right, but its steps are not even"


def _traversal_fault(decoded: np.ndarray, right: np.ndarray) -> str:
    if ((decoded != 0).sum(axis=1) > 1).any():
        return "more than one latent differs from 0 at a time; the others must be 0"
    ends = [(end(decoded), end(right)) for end in (np.min, np.max)]
    if not all(np.isclose(a, b, rtol=1e-3, atol=1e-3) for a, b in ends):
        return "the walk does not go from z_min to z_max (-3 and 3 by default), both ends included"
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
