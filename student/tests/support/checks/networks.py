"""What every encoder and decoder must do, whatever its layers: shared by the checks of autoencoders and VAEs.

An untrained network says little about its own limits: its outputs are all close to zero. So the checks load weights
of their own, large ones to reveal a clamped or one-signed output. Names of layers do not matter.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autograder.door.diagnose import check, check_tensor, fail
from autograder.door.submission import Handle

BATCHES = (1, 2, 37, 130)

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
        fail("logvar overflows: it is the LOGARITHM of the variance. Is exp taken of it?")
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


def check_encoder_shapes(encode: Callable[[np.ndarray], Sequence[np.ndarray]], latents: int, what: str) -> None:
    """Codes have shape (B, latents) for several batch sizes.

    Args:
        encode: images to a sequence of codes (one for an autoencoder, mean and log-variance for a VAE).
    """
    for batch in BATCHES:
        for code in encode(np.full((batch, 1, 28, 28), 0.5, dtype=np.float32)):
            check_tensor(code, what=f"{what} of {_images(batch)}", shape=(batch, latents))


def check_decoder_shapes(decode: Callable[[np.ndarray], np.ndarray], latents: int, what: str) -> None:
    """Decoded images have shape (B, 1, 28, 28) for several batch sizes, and their pixels lie in [0, 1]."""
    for batch in BATCHES:
        z = np.linspace(-2, 2, batch * latents, dtype=np.float32).reshape(batch, latents)
        images = check_tensor(decode(z), what=f"{what} of {batch} code{'s'[: batch > 1]}", shape=(batch, 1, 28, 28))
        check_range(images, what)


def check_range(images: np.ndarray, what: str) -> None:
    """Pixels lie in [0, 1]."""
    low, high = float(images.min()), float(images.max())
    remedy = "The mean image's pixels lie in [0, 1]: what last layer makes sure of that?"
    check(low >= 0, f"{what}: some pixels are negative. {remedy}")
    check(high <= 1, f"{what}: some pixels are larger than 1. {remedy}")


def _images(batch: int) -> str:
    return "1 image" if batch == 1 else f"{batch} images"
