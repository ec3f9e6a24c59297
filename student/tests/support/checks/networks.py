"""What every encoder and decoder must do, whatever its layers: shared by the checks of autoencoders and VAEs.

An untrained network says little about its own limits: its outputs are all close to zero. So the checks load weights
of their own, large ones to reveal a clamped or one-signed output. Names of layers do not matter.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autograder.door.diagnose import CheckFailed, check, check_tensor, fail, quoted
from autograder.door.submission import Handle, Submission, SubmissionError

Network = Callable[[np.ndarray], Sequence[np.ndarray]]
SMALL, MILD, LARGE = 0.5, 2.0, 100.0  # gains: every layer multiplies the spread of its inputs by about this
BEYOND = 60.0  # what an output that is not clamped exceeds, to both sides, under large weights
STATISTICS = (
    "something is computed over the batch (dim=0, or no dim at all): statistics over the batch, as of a BatchNorm "
    "without running averages, a mean, a maximum, or a softmax"
)
BATCHES = (2, 1, 37, 130)
ANY = "Any real number must be possible."
PLAIN = "It should be what a plain linear layer gives, with nothing after it."

# Runs a check for each of the VAE's architectures, which are tasks of their own.
every_architecture = pytest.mark.parametrize(
    "architecture",
    [
        pytest.param("mlp", marks=pytest.mark.vae_mlp),
        pytest.param("conv", marks=pytest.mark.vae_conv),
    ],
)


def encode(model: Handle, images: np.ndarray, latents: int) -> np.ndarray:
    """The codes (B, latents) that an autoencoder gives images."""
    return check_tensor(model.call("encode", images), what="encode", shape=(len(images), latents))


def encode_pair(model: Handle, images: np.ndarray, latents: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and log-variance, each (B, latents), that a VAE gives images."""
    pair = model.call("encode", images)
    check(isinstance(pair, tuple) and len(pair) == 2, "encode should return the pair (mu, logvar), a tuple of two.")
    if isinstance(pair[1], np.ndarray) and pair[1].dtype.kind == "f" and np.isposinf(pair[1]).any():
        grown = np.isposinf(pair[1]) & np.isfinite(pair[0]) if pair[0].shape == pair[1].shape else np.isposinf(pair[1])
        fail(
            "logvar overflows: it is the LOGARITHM of the variance.",
            "exp is taken of it: the variance is returned" if grown.any() and (pair[1] >= 0).all() else "",
        )
    for value, name in zip(pair, ("mu", "logvar"), strict=True):
        check_tensor(value, what=name, shape=(len(images), latents))
    return pair


def decode(model: Handle, codes: np.ndarray) -> np.ndarray:
    """The images (B, 1, 28, 28) that a model gives codes."""
    return check_tensor(model.call("decode", codes), what="decode", shape=(len(codes), 1, 28, 28))


def random_images(rng: np.random.Generator, count: int) -> np.ndarray:
    """Images (count, 1, 28, 28) in [0, 1] that differ in brightness, in their blots and in their noise."""
    rows, columns = np.mgrid[0:28, 0:28] / 28
    images = np.empty((count, 1, 28, 28), dtype=np.float32)
    for i in range(count):
        (y, x), width = rng.uniform(0.2, 0.8, 2), rng.uniform(0.05, 0.3)
        blot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
        images[i, 0] = rng.uniform(0.3, 1.0) * blot * rng.uniform(0.6, 1.0, (28, 28))
    return images


def random_codes(rng: np.random.Generator, count: int, latents: int, spread: float = 3.0) -> np.ndarray:
    """Codes (count, latents), normal with this standard deviation."""
    return (spread * rng.standard_normal((count, latents))).astype(np.float32)


def check_encoder_shapes(submission: Submission, encode: Network, latents: int, what: str) -> None:
    """Codes have shape (B, latents) for several batch sizes.

    Args:
        encode: images to a sequence of codes (one for an autoencoder, mean and log-variance for a VAE).
    """
    for batch in BATCHES:
        images = np.full((batch, 1, 28, 28), 0.5, dtype=np.float32)
        images[-1] = 0  # an image that is all black has a code, too
        for code in _output(submission, encode, images, f"{what} of {_images(batch)}"):
            check_tensor(code, what=f"{what} of {_images(batch)}", shape=(batch, latents))


def _output(submission: Submission, network: Network, inputs: np.ndarray, what: str) -> Sequence[np.ndarray]:
    """What a network gives inputs (B, ...), of which B = 2 are the first to be tried."""
    try:
        return network(inputs)
    except SubmissionError as error:
        if len(inputs) > 1:
            raise
        with submission.aside():
            cause = _cause_of_one(network, inputs)
        raise CheckFailed(f"{what} raises an exception, of 2 it does not: {quoted(error)}.", cause) from None


def _cause_of_one(network: Network, one: np.ndarray) -> str:
    """Why a network raises an exception for one input (1, ...), and not for two; "" if it cannot be told."""
    twice, beside = (network(np.concatenate([one, other])) for other in (one, 1 - one))
    if not all(_agree(rows[:1], rows[1:]) for rows in twice):
        return ""  # something is random
    if all(_agree(rows[:1], others[:1]) for rows, others in zip(twice, beside, strict=True)):
        return "does squeeze() take away the dimension of the batch, which has size 1 here?"
    return STATISTICS


def check_decoder_shapes(
    submission: Submission,
    decode: Callable[[np.ndarray], np.ndarray],
    latents: int,
    what: str,
    under: Callable[[float], np.ndarray],
) -> None:
    """Decoded images have shape (B, 1, 28, 28) for several batch sizes, and their pixels lie in [0, 1].

    Args:
        under: see `check_range`.
    """
    for batch in BATCHES:
        z = np.linspace(-2, 2, batch * latents, dtype=np.float32).reshape(batch, latents)
        of = f"{what} of {batch} code{'s'[: batch > 1]}"
        (images,) = _output(submission, lambda codes: [decode(codes)], z, of)
        check_tensor(images, what=of, shape=(batch, 1, 28, 28))
        check_range(images, what, under)


def check_range(images: np.ndarray, what: str, under: Callable[[float], np.ndarray]) -> None:
    """Pixels lie in [0, 1].

    Args:
        under: images under random weights of this gain, to see why they do not.
    """
    remedy = "The mean image's pixels lie in [0, 1]."
    if images.min() < 0:
        fail(f"{what}: some pixels are negative. {remedy}", _cause_of_range(under))
    if images.max() > 1:
        fail(f"{what}: some pixels are larger than 1. {remedy}", _cause_of_range(under))


def _cause_of_range(under: Callable[[float], np.ndarray]) -> str:
    """What brings pixels to their range, or does not."""
    large, mild = under(LARGE), under(MILD)
    low, high = large.min(), large.max()
    if low < -BEYOND and high > BEYOND and 0.2 < -low / high < 5:
        return "there is no sigmoid after the last layer, which would give [0, 1]"
    ends, inner = _share(large, low, high), _share(mild, low, high)
    if low == -1 and high == 1 and ends > 0.1:
        return "the last layer is followed by a tanh, or a clamp; a sigmoid gives [0, 1]"
    if low == 0 and high == 6 and ends > 0.1:
        return "the last layer is followed by a ReLU6; a sigmoid gives [0, 1]"
    if low == 0 and high > BEYOND and _share(large, low) > 0.1:
        layer = "ReLU" if inner > 0.1 else "softplus"
        return f"the last layer is followed by a {layer}; a sigmoid gives [0, 1]"
    return ""


def check_not_cut_off(under: Callable[[float], np.ndarray], what: str) -> None:
    """Under small weights hardly a pixel is quite black or white, where no gradient would pass.

    Args:
        under: images under random weights of a gain.
    """
    share = _share(under(SMALL), 0.0, 1.0)
    if share < 0.2:
        return
    large = under(LARGE)
    if large.min() < 0 or large.max() > 1:
        cause = _cause_of_range(under)
    else:
        cause = "pixels are cut off at 0 and 1 (clamp); let them go through a sigmoid instead" if share < 0.95 else ""
    fail(
        f"{what}: under small weights, too, many pixels are exactly 0 or 1. No gradient passes there; a sigmoid is "
        "never quite 0 or 1.",
        cause,
    )


def _share(values: np.ndarray, *of: float) -> float:
    """How many of the values are just one of these."""
    return float(np.isin(values, of).mean())


def check_not_clamped(values: np.ndarray, what: str, need: str, mild: Callable[[], np.ndarray]) -> None:
    """Outputs under many large random weights, (draws, images, k): some are large, with either sign.

    Args:
        need: what the output must be.
        mild: outputs under mild weights, to see what clamps them.
    """
    if (np.ptp(values, axis=-2) == 0).all():
        fail(f"{what} is the same for every image, whatever the weights: it does not depend on the image.")
    low, high = values.min(), values.max()
    name = what[:1].lower() + what[1:]
    if low >= 0:
        fail(f"{what} is never negative, whatever the weights. {need}", _cause_of_clamping(values, mild(), name))
    if high <= 0:
        fail(f"{what} is never positive, whatever the weights. {need}", _cause_of_clamping(values, mild(), name))
    for bound, side in ((high, "above"), (-low, "below")):
        if bound <= BEYOND:
            cause = _cause_of_clamping(values, small := mild(), name)
            if not cause and np.abs(values).max() < 3 * np.abs(small).max():
                fail(f"{what} is no larger under large weights than under small ones. {need}")
            fail(f"{what} is clamped {side}: it never goes beyond some bound, whatever the weights. {need}", cause)


def _cause_of_clamping(large: np.ndarray, mild: np.ndarray, name: str) -> str:
    """What limits outputs (..., k), seen under large weights and under mild ones; "" if it cannot be told."""
    low, high = float(large.min()), float(large.max())
    width = large.shape[-1]
    rows = [values.reshape(-1, width).astype(np.float64) for values in (large, mild)]
    if width > 1 and all(np.allclose(np.linalg.norm(row, axis=1), 1, atol=1e-3) for row in rows):
        return f"{name} is scaled to length 1"
    if width > 1 and low >= 0 and all(np.allclose(row.sum(axis=1), 1, atol=1e-3) for row in rows):
        return f"{name} goes through a softmax"
    if width > 2 and all(
        (np.abs(row.mean(axis=1)) < 0.3).all() and (np.abs(row.std(axis=1) - 1) < 0.3).all() for row in rows
    ):
        return f"{name} is normalised to mean 0 and variance 1, as by a LayerNorm"
    bottom, top = _share(large, low) > 0.1, _share(large, high) > 0.1
    inner = _share(mild, low, high) > 0.05  # so the limit is a sharp one
    if low == 0 and high == 1 and bottom and top:
        return f"{name} is clamped to [0, 1]" if inner else f"{name} goes through a sigmoid"
    if low == 0 and high > BEYOND and bottom:
        return f"{name} goes through a ReLU" if inner else f"{name} goes through a softplus"
    if 0 < low < 0.01 and high > BEYOND and bottom and not inner:
        return f"{name} goes through a softplus, and a small constant is added"
    if high == 0 and low < -BEYOND and top:
        return f"{name} is clamped at 0 (clamp)" if inner else ""
    if low == -1 and high == 1 and bottom and top:
        return f"{name} is clamped to [-1, 1]" if inner else f"{name} goes through a tanh"
    if low == -1 and high > BEYOND and bottom and not inner:
        return f"{name} goes through an ELU"
    if bottom and top:
        return f"{name} is bounded, as by a clamp or a scaled tanh or sigmoid"
    if bottom:
        return f"{name} has a floor: a clamp, or a small constant that is added before a logarithm"
    if top:
        return f"{name} is bounded above, as by a clamp"
    return ""


def under_large_weights(
    model: Handle,
    rng: np.random.Generator,
    outputs: Callable[[], Sequence[np.ndarray]],
    draws: int = 8,
    gain: float = LARGE,
) -> list[np.ndarray]:
    """Call `outputs` under `draws` sets of large random weights; each array that it returns, stacked over the draws."""
    collected = []
    for _ in range(draws):
        model.randomize(rng, gain)
        collected.append(outputs())
    return [np.stack(values) for values in zip(*collected, strict=True)]


def under(
    model: Handle, outputs: Callable[[], Sequence[np.ndarray]], place: int = 0, draws: int = 4
) -> Callable[[float], np.ndarray]:
    """Gives one of the outputs of a model, stacked over some sets of random weights of a gain."""

    def of_gain(gain: float) -> np.ndarray:
        return under_large_weights(model, np.random.default_rng(11), outputs, draws, gain)[place]

    return of_gain


def check_pair_not_clamped(model: Handle, outputs: Callable[[], Sequence[np.ndarray]], draws: int, seed: int) -> None:
    """Mean and log-variance, each of any size and sign.

    Args:
        outputs: gives both for some images.
    """
    mu, logvar = under_large_weights(model, np.random.default_rng(seed), outputs, draws)
    check_not_clamped(mu, "mu", f"{ANY} {PLAIN}", lambda: under(model, outputs, 0)(MILD))
    check_not_clamped(
        logvar,
        "logvar",
        f"It is the LOGARITHM of the variance, negative for variances below 1. {PLAIN}",
        lambda: under(model, outputs, 1)(MILD),
    )


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-3, atol=1e-4 * (np.abs(b).max() + 1e-30)))


def _images(batch: int) -> str:
    return "1 image" if batch == 1 else f"{batch} images"
