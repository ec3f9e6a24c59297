"""What plotting functions return when they are given a probe model, and the mistakes behind other returns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.door.diagnose import check, check_close, check_tensor, fail
from autograder.door.submission import Recorder
from support.oracles import kl_diag_normal, negative_log_likelihood
from support.probe_oracle import PIXELS, ProbeOracle

IN_TRAIN_MODE = "the model was in train mode: use the provided `evaluating`"


def check_codes(codes: Any, oracle: ProbeOracle, images: np.ndarray) -> None:
    """plot_embeddings returned an autoencoder's codes, or a VAE's posterior means, row i for image i."""
    what, mean = "plot_embeddings", oracle.mean(images)
    mistakes = {
        IN_TRAIN_MODE: oracle.mean(images, training=True),
        "these are log-variances; the posterior means were asked for": oracle.logvar(mean),
    }
    check_tensor(codes, what=what, shape=mean.shape)
    if not _close(codes, mean) and _close(_sorted_rows(codes), _sorted_rows(mean)):
        fail(f"{what}: the codes are right, but in another order. Row i belongs to image i.")
    for ddof in (0, 1) if len(mean) > 1 else ():
        scaled = (mean - mean.mean(axis=0)) / mean.std(axis=0, ddof=ddof)
        mistakes[f"the codes are standardised (ddof={ddof}); return them as they are"] = scaled
    if oracle.kind == "vae":
        eps = (codes - mean) / np.exp(oracle.logvar(mean) / 2)
        if 0.5 < np.sqrt(np.square(eps).mean()) < 1.5 and np.abs(eps).max() < 7:
            mistakes["these look like samples of the posteriors; their MEANS were asked for"] = codes
    check_close(codes, mean, what=what, mistakes=mistakes)


def check_grid(images: Any, oracle: ProbeOracle, codes: np.ndarray, steps: int, model: Recorder) -> None:
    """decode_grid returned images for even steps between the codes' minimum and maximum.

    Args:
        model: what it was given, to see which points were decoded.
    """
    low, high = codes.min(axis=0).astype(np.float64), codes.max(axis=0).astype(np.float64)
    z = _plane(low, high, steps)
    mistaken = {
        "rows and columns are exchanged: entry [i, j] has the j-th z1 and the i-th z2": z.swapaxes(0, 1),
        "the two coordinates of every point are exchanged": z[..., ::-1],
        "the second coordinate runs downwards; it is counted upwards": z[::-1],
        "the first coordinate runs downwards; it is counted upwards": z[:, ::-1],
        "both coordinates run downwards; they are counted upwards": z[::-1, ::-1],
        "both axes have the same range; each coordinate has its own": _plane(
            np.full(2, low.min()), np.full(2, high.max()), steps
        ),
        "the second coordinate has the first one's range": _plane(low[[0, 0]], high[[0, 0]], steps),
        "the range is fixed; it should be that of the codes": _plane(np.full(2, -3), np.full(2, 3), steps),
        "the last point of the range is left out": _plane(low, high - (high - low) / steps, steps),
    }
    what = f"decode_grid with steps={steps}"
    # Latents of forty in size cost digits.
    tolerance = {"rtol": 1e-3, "atol": 1e-4}
    mistakes = {**_decoded(oracle, z, mistaken), **_by_what_was_fed(images, model, z, _grid_fault)}
    check_close(images, oracle.decode(z), what=what, mistakes=mistakes, **tolerance)


def check_traversal(images: Any, oracle: ProbeOracle, low: float, high: float, steps: int, model: Recorder) -> None:
    """latent_traversal returned images for a walk along each latent axis.

    Args:
        model: what it was given, to see which latents were decoded.
    """
    latents = oracle.weight.shape[1]
    walk = np.linspace(low, high, steps)
    z = _one_by_one(walk, latents)
    mistaken = {
        "all latents vary at once; the others must stay 0": np.tile(walk[:, None], (latents, 1, latents)),
        "the same latent varies in every row": np.repeat(z[:1], latents, axis=0),
        "the other latents are at z_min; they must be 0": z + low * (1 - np.eye(latents))[:, None],
        "z_max is left out; both ends belong to the walk": _one_by_one(
            np.linspace(low, high, steps, endpoint=False), latents
        ),
        "the ends are left out; both belong to the walk": _one_by_one(np.linspace(low, high, steps + 2)[1:-1], latents),
        "z_min and z_max are ignored": _one_by_one(np.linspace(-3, 3, steps), latents),
        "the walk runs from z_max down to z_min": z[:, ::-1],
        "rows stand for the latents in the wrong order": z[::-1],
    }
    if latents == steps:
        mistaken["rows and columns are exchanged"] = z.swapaxes(0, 1)
    what = f"latent_traversal with {latents} latents and steps={steps}"
    mistakes = {**_decoded(oracle, z, mistaken), **_by_what_was_fed(images, model, z, _traversal_fault)}
    check_close(images, oracle.decode(z), what=what, mistakes=mistakes)


def check_posterior_rows(costs: Any, oracle: ProbeOracle, images: np.ndarray, model: Recorder) -> None:
    """plot_posterior_rows returned each image's reconstruction error, KL and total, by decoding the posterior mean."""

    def rows(training: bool) -> np.ndarray:
        mean = oracle.mean(images, training)
        error = negative_log_likelihood(images, oracle.decode(mean, training))
        divergence = kl_diag_normal(mean, oracle.logvar(mean))
        return np.stack([error, divergence, error + divergence], axis=1)

    what, right = f"plot_posterior_rows of {len(images)} images", rows(training=False)
    check_tensor(costs, what=what, shape=right.shape)
    means = [oracle.mean(images, training) for training in (False, True)]
    for record in model.records():
        if record["part"] == "decode":
            z = record["input"].reshape(-1, 1, oracle.weight.shape[1])
            known = np.isclose(z, np.concatenate(means), rtol=1e-3, atol=1e-4).all(axis=-1).any(axis=1)
            check(known.all(), f"{what}: something other than posterior means is decoded. Is it a sample?")
    error, divergence, total = right.T
    pixels = images.reshape(len(images), -1) - oracle.decode(means[0]).reshape(len(images), -1)
    mean_error = np.square(pixels).mean(axis=1)
    two = kl_diag_normal(means[0][:, :2], oracle.logvar(means[0][:, :2]))
    mistakes = {
        IN_TRAIN_MODE: rows(training=True),
        "every row holds averages over the batch; each image has costs of its own": np.tile(
            right.mean(axis=0), (len(right), 1)
        ),
        "the KL is that of the whole batch in every row; each image has its own": np.stack(
            [error, divergence * 0 + divergence.mean(), error + divergence.mean()], axis=1
        ),
        "the error is that of the whole batch in every row; each image has its own": np.stack(
            [error * 0 + error.mean(), divergence, error.mean() + divergence], axis=1
        ),
        "every row is that of the first image; each image has its own": np.tile(right[0], (len(right), 1)),
        "the rows are divided by the number of images": right / len(right),
        "error and KL have changed places": right[:, [1, 0, 2]],
        "the total has the wrong sign: it is a cost, MINUS the ELBO": right * [1, 1, -1],
        "the error is the mean squared error; in nats it is what negative_log_likelihood returns": np.stack(
            [mean_error, divergence, mean_error + divergence], axis=1
        ),
        "only the first two latents are counted in the KL": np.stack([error, two, error + two], axis=1),
        "the KL is subtracted in the total; it should be added": np.stack([error, divergence, 2 * error - total], 1),
        "the constant D/2 log(2 pi) is missing": right - PIXELS / 2 * np.log(2 * np.pi) * np.array([1, 0, 1]),
    }
    check_close(costs, right, what=what, mistakes=mistakes)


def _plane(low: np.ndarray, high: np.ndarray, steps: int) -> np.ndarray:
    """Points (steps, steps, 2): the first coordinate grows along columns, the second along rows."""
    z1, z2 = np.meshgrid(np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps))
    return np.stack([z1, z2], axis=-1)


def _one_by_one(walk: np.ndarray, latents: int) -> np.ndarray:
    """Latents (latents, steps, latents): in row j, latent j takes the values of the walk, the others are zero."""
    return np.einsum("s,jl->jsl", walk, np.eye(latents))


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


def _close(first: np.ndarray, second: np.ndarray) -> bool:
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=1e-4, atol=1e-4))
