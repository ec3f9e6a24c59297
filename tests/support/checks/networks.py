"""What every encoder and decoder must do, whatever its layers: shared by the checks of autoencoders and VAEs.

An untrained network says little about its own limits: its outputs are all close to zero. So the checks load weights
of their own, large ones to reveal a clamped or one-signed output. Names of layers do not matter.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autograder.door.diagnose import check, check_tensor, fail
from autograder.door.submission import Handle

MILD, LARGE = 2.0, 100.0  # gains: every layer multiplies the spread of its inputs by about this
BEYOND = 60.0  # what an output that is not clamped exceeds, to both sides, under large weights
BATCHES = (1, 2, 37, 130)
PIECE = 2**16  # random numbers that are drawn at once
HALVES = (slice(0, 14), slice(14, 28))

# Runs a check for each of the VAE's architectures, which are tasks of their own.
every_architecture = pytest.mark.parametrize(
    "architecture",
    [
        # FOR vae_mlp
        pytest.param("mlp", marks=pytest.mark.vae_mlp),
        # END FOR
        # FOR vae_conv
        pytest.param("conv", marks=pytest.mark.vae_conv),
        # END FOR
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


def random_codes(rng: np.random.Generator, count: int, latents: int, spread: float = 3.0) -> np.ndarray:
    """Codes (count, latents), normal with this standard deviation."""
    return (spread * rng.standard_normal((count, latents))).astype(np.float32)


def load_random_weights(model: Handle, rng: np.random.Generator, gain: float) -> None:
    """Give all weight matrices and kernels of a model fresh random entries; biases become random too, but small.

    What a normalisation layer keeps (scales, running averages) stays as it is.
    """
    state = model.state()
    for name, value in state.items():
        if value.dtype.kind == "f" and value.ndim >= 2:
            spread = gain / np.sqrt(np.prod(value.shape[1:]))
        elif value.dtype.kind == "f" and name.endswith("bias"):
            spread = 0.1
        else:
            continue
        state[name] = _normals(rng, spread, value)
    model.load(state)


def _normals(rng: np.random.Generator, spread: float, like: np.ndarray) -> np.ndarray:
    """Normal numbers, drawn piece by piece: nobody knows how large a network is."""
    values = np.empty(like.shape, like.dtype)
    flat = values.reshape(-1)
    for start in range(0, flat.size, PIECE):
        part = flat[start : start + PIECE]
        part[:] = spread * rng.standard_normal(part.size)
    return values


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


def check_not_clamped(values: np.ndarray, what: str, one_signed: str) -> None:
    """Outputs under many large random weights, (draws, images, k): some are large, with either sign.

    Args:
        one_signed: what to say when they are never negative.
    """
    check(values.min() < 0, f"{what} is never negative, whatever the weights: {one_signed}")
    check(
        values.max() > 0, f"{what} is never positive, whatever the weights. Its last layer must be a plain linear one."
    )
    for bound, side in ((values.max(), "above"), (-values.min(), "below")):
        if bound <= BEYOND:
            limit = "1, as after a tanh" if bound <= 1 else "a small number"
            fail(
                f"{what} is clamped {side}: its size never exceeds {limit}, whatever the weights. Any real number must "
                "be possible, so its last layer must be a plain linear one."
            )


def under_large_weights(
    model: Handle, rng: np.random.Generator, outputs: Callable[[], Sequence[np.ndarray]], draws: int = 8
) -> list[np.ndarray]:
    """Call `outputs` under `draws` sets of large random weights; each array that it returns, stacked over the draws."""
    collected = []
    for _ in range(draws):
        load_random_weights(model, rng, LARGE)
        collected.append(outputs())
    return [np.stack(values) for values in zip(*collected, strict=True)]


def check_rows(function: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, what: str) -> None:
    """Row i of the output belongs to row i of the input and to no other; the same input gives the same output."""
    whole = function(inputs)
    check(
        _agree(function(inputs), whole),
        f"{what} gives two different results for the same input in eval mode. It must not draw random numbers.",
    )
    order = np.roll(np.arange(len(inputs)), 2)
    mixing = (
        "Row i of the result must depend on row i of the input alone. Look for a reshape that mixes the images of a "
        "batch, for statistics over the batch, or for dim=0."
    )
    check(_agree(function(inputs[order]), whole[order]), f"{what}: images of a batch influence each other. {mixing}")
    for few in (slice(1, 3), slice(1, 2)):
        check(_agree(function(inputs[few]), whole[few]), f"{what}: a smaller batch gives other results. {mixing}")


def check_varies(outputs: np.ndarray, what: str, of: str) -> None:
    """Rows of outputs for different inputs differ, and its columns too."""
    flat = outputs.reshape(len(outputs), -1).astype(np.float64)
    size = np.abs(flat).max() + 1e-30
    check((np.ptp(flat, axis=0) > 1e-5 * size).any(), f"{what} is the same for every {of}: it does not depend on it.")
    if flat.shape[1] > 1:
        check((np.ptp(flat, axis=1) > 1e-5 * size).any(), f"{what}: all {flat.shape[1]} numbers of a row are equal.")


def check_width(codes: np.ndarray, what: str) -> None:
    """Codes (n, k), n well above k, of different images under random weights fill all their k dimensions."""
    centred = codes - codes.mean(axis=0, dtype=np.float64)
    sizes = np.linalg.svd(centred / np.abs(centred).max(axis=0).clip(1e-30), compute_uv=False)
    rank = int((sizes > 1e-6 * sizes[0]).sum())
    check(
        rank == codes.shape[1],
        f"{what}: {codes.shape[1]} numbers that are never independent of each other: they lie in {rank} dimensions. "
        "No layer before may be narrower than latent_dim, and no number may be left out.",
    )


def check_same_in_train_mode(model: Handle, outputs: Callable[[], Sequence[np.ndarray]], what: str) -> None:
    """With weights of zero nothing is left of an input, nor of dropout: any noise is added on the way."""
    model.load(
        {name: np.zeros_like(value) if value.dtype.kind == "f" else value for name, value in model.state().items()}
    )
    model.train(True)
    same = all(_agree(first, second) for first, second in zip(outputs(), outputs(), strict=True))
    model.train(False)
    check(same, f"{what} adds noise in train mode. It computes means and variances; only reparameterize draws.")


def check_depends_on_pixels(gradient: "np.ndarray | None", what: str) -> None:
    """Gradient by images (B, 1, 28, 28): most pixels have a say in the code."""
    if gradient is None or not gradient.any():
        fail(f"{what}: no gradient reaches the image. Is something detached, or computed under torch.no_grad()?")
    seen = (gradient != 0).any(axis=(0, 1))
    # Convolutions without padding may leave out the border, where a digit has nothing.
    corners = [seen[rows, columns].mean() for rows in HALVES for columns in HALVES]
    check(
        min(corners) > 0.4 and seen[4:22, 4:22].all(),
        f"{what} looks at only {seen.mean():.0%} of the pixels. The whole image should have a say.",
    )
    # Computed from the image's mean or sum, the code could not tell pictures of equal brightness apart.
    spread = np.ptp(gradient.reshape(len(gradient), -1), axis=1)
    check(
        (spread > 1e-3 * np.abs(gradient).max()).any(),
        f"{what}: every pixel has the same say, so only the image's brightness is encoded. Is it averaged or summed "
        "over the pixels? Flatten it instead.",
    )


def check_trainable(gradients: "dict[str, np.ndarray | None]", what: str) -> None:
    """Gradients of an output by a network's parameters: at least two layers learn, and most parameters do."""
    matrices = [gradient for name, gradient in gradients.items() if gradient is None or gradient.ndim >= 2]
    learning = sum(gradient is not None and bool(gradient.any()) for gradient in matrices)
    check(
        learning >= 2,
        f"{what}: gradients reach {learning} weight matrices; there should be about three linear or convolutional "
        "layers. Layers kept in a plain Python list are not found by model.parameters(): use nn.Sequential or "
        "nn.ModuleList.",
    )


def check_nonlinear(function: Callable[[np.ndarray], np.ndarray], a: np.ndarray, b: np.ndarray, what: str) -> None:
    """A network with activations does not map the middle of two inputs to the middle of their outputs.

    Args:
        function: NaN stands for outputs that cannot be compared.
    """
    first, second, middle = (function(x).astype(np.float64) for x in (a, b, (a + b) / 2))
    known = np.isfinite(first + second + middle)
    if not known.any():
        return
    bend = np.abs(middle - (first + second) / 2)[known].max()
    check(
        bend > 1e-4 * np.abs(first - second)[known].max(),
        f"{what} is a straight-line (affine) function of its input: linear layers in a row are one linear layer. "
        "Put an activation such as ReLU between them.",
    )


def logit(images: np.ndarray) -> np.ndarray:
    """Undo a final sigmoid; NaN if it is so near 0 or 1 that rounding, or clipping, would look like a bend."""
    p = np.where((images > 0.01) & (images < 0.99), images.astype(np.float64), np.nan)
    return np.log(p / (1 - p))


def check_decoder_uses_its_range(images: np.ndarray, what: str) -> None:
    """Images under large random weights: dark and bright pixels both occur."""
    check_range(images, what)
    hint = "Its last layer should map any real number to [0, 1], with nothing one-sided before it."
    check(images.min() < 0.2, f"{what}: no pixel is ever dark, whatever the weights. {hint}")
    check(images.max() > 0.8, f"{what}: no pixel is ever bright, whatever the weights. {hint}")
    # A softmax over the image leaves one bright pixel.
    check((images > 0.8).mean() > 0.02, f"{what}: nearly all pixels are dark, as after a softmax. {hint}")


def check_every_latent_matters(decode: Callable[[np.ndarray], np.ndarray], latents: int, what: str) -> None:
    """Moving any one latent changes the decoded image."""
    still = decode(np.zeros((1, latents), dtype=np.float32))
    moved = decode(3 * np.eye(latents, dtype=np.float32))
    for j in range(latents):
        check(
            np.abs(moved[j] - still[0]).max() > 1e-4,
            f"{what}: latent {j + 1} of {latents} has no influence on the image.",
        )


def check_kernels(state: "dict[str, np.ndarray]", convolutional: bool, what: str) -> None:
    """Whether a network's weights hold convolution kernels, as its architecture promises.

    Args:
        state: the part of the state_dict that belongs to the network.
    """
    kernels = [value for value in state.values() if value.ndim == 4 and 1 < value.shape[-1] < 28]
    if convolutional:
        check(kernels, f"{what} has no convolutional layer: use nn.Conv2d (nn.ConvTranspose2d in a decoder).")
    else:
        check(not kernels, f'{what} has a convolutional layer; architecture "mlp" is made of linear layers only.')


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-3, atol=1e-4 * (np.abs(b).max() + 1e-30)))


def _images(batch: int) -> str:
    return "1 image" if batch == 1 else f"{batch} images"
