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
CUT = "the graph is cut on the way, so no gradient passes: detach(), torch.no_grad(), a comparison (>), or a new tensor"
BATCHES = (2, 1, 37, 130)
ANY = "Any real number must be possible."
PLAIN = "It should be what a plain linear layer gives, with nothing after it."
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


def check_rows(function: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, what: str) -> None:
    """Row i of the output belongs to row i of the input and to no other; the same input gives the same output."""
    whole = function(inputs)
    check(
        _agree(function(inputs), whole),
        f"{what} gives two different results for the same input in eval mode. It must not draw random numbers.",
        "random numbers are drawn in eval mode, too, as by a functional dropout without training=self.training, or for "
        "the weights of a layer that is made in forward",
    )
    order = np.roll(np.arange(len(inputs)), 2)
    alone = "Row i of the result must depend on row i of the input alone."
    if not _agree(function(inputs[order]), whole[order]):
        fail(f"{what}: images of a batch influence each other. {alone}", _cause_of_mixing(function, inputs))
    # The order of the others does not matter, their number or their values do. Each row, such as one with the brightest
    # pixel of all, is left out at least once.
    for few in (slice(1, 3), slice(1, 2), slice(0, 1)):
        check(
            _agree(function(inputs[few]), whole[few]),
            f"{what}: images of a batch influence each other: a smaller batch gives other results. {alone}",
            STATISTICS,
        )


def _cause_of_mixing(function: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray) -> str:
    """Why the order of a batch matters; "" if it cannot be told."""
    flat = function(inputs).reshape(len(inputs), -1)
    if np.ptp(flat, axis=0).max() < 1e-5 * np.abs(flat).max():
        return "all rows of the result are the same: one row is used for the whole batch"
    # Of the same image again and again, statistics and differences are the same for each; a reshape mixes pixels.
    alike = function(np.repeat(inputs[:1], len(inputs), axis=0)).reshape(len(inputs), -1)
    if np.ptp(alike, axis=0).max() > 1e-3 * np.abs(alike).max():
        return "some reshape, view or transpose mixes the images of a batch: the batch must stay the first dimension"
    return ""


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
    if rank == codes.shape[1]:
        return
    constant = int((np.ptp(codes, axis=0) <= 1e-6 * np.abs(codes).max()).sum())
    fail(
        f"{what}: {codes.shape[1]} numbers, as many as latent_dim, that are never independent of each other: they lie "
        f"in {quoted(rank)} dimensions.",
        "some numbers of the code are the same for every image: a number is left out, or filled up"
        if constant and rank + constant == codes.shape[1] and not (codes[:, np.ptp(codes, axis=0) > 0] == 0).any()
        else "some layer before it is narrower than latent_dim"
        if rank < codes.shape[1] - 1 and not constant
        else "",
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
        fail(f"{what}: no gradient reaches the image.", _cause_of_no_gradient(gradient))
    seen = (gradient != 0).any(axis=(0, 1))
    # Convolutions without padding may leave out the border, where a digit has nothing.
    corners = [seen[rows, columns].mean() for rows in HALVES for columns in HALVES]
    check(
        min(corners) > 0.4 and seen[4:22, 4:22].all(),
        f"{what} looks at only a part of the pixels. The whole image should have a say.",
    )
    # Computed from the image's mean or sum, the code could not tell pictures of equal brightness apart.
    spread = np.ptp(gradient.reshape(len(gradient), -1), axis=1)
    check(
        (spread > 1e-3 * np.abs(gradient).max()).any(),
        f"{what}: every pixel has the same say, so only the image's brightness is encoded.",
        "the pixels are averaged or summed first; flatten the image instead",
    )


def _cause_of_no_gradient(gradient: "np.ndarray | None") -> str:
    """Why a gradient is None, or zero everywhere, of something that varies."""
    if gradient is None:
        return CUT
    return "something on the way has a gradient of 0, such as rounding"


def check_decoder_gradient(gradient: "np.ndarray | None", of: str) -> None:
    """Gradient of images by their codes (B, k): each latent has one.

    Args:
        of: what the codes are called.
    """
    if gradient is None or not gradient.any(axis=0).all():
        dead = gradient is None or not gradient.any()
        fail(f"Decoder: no gradient reaches {of}.", _cause_of_no_gradient(gradient) if dead else "")


def check_trainable(gradients: "dict[str, np.ndarray | None]", what: str) -> None:
    """Gradients of an output by a network's parameters: at least two layers learn, and most parameters do."""
    matrices = [gradient for name, gradient in gradients.items() if gradient is None or gradient.ndim >= 2]
    learning = sum(gradient is not None and bool(gradient.any()) for gradient in matrices)
    if learning >= 2:
        return
    if not gradients:
        cause = (
            "the layers are not found by model.parameters(), as those in a plain Python list: use nn.Sequential or "
            "nn.ModuleList"
        )
    elif all(gradient is None for gradient in gradients.values()):
        cause = CUT
    elif len(gradients) <= 2 and learning == 1:
        cause = "there is only one layer"
    else:
        cause = ""
    fail(
        f"{what}: gradients reach {quoted(learning)} weight matrices; there should be about three linear or "
        "convolutional layers.",
        cause,
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


def check_decoder_uses_its_range(images: np.ndarray, what: str, under: Callable[[float], np.ndarray]) -> None:
    """Images under large random weights: dark and bright pixels both occur.

    Args:
        under: see `check_range`.
    """
    check_range(images, what, under)
    hint = "Its last layer should map any real number to [0, 1], with nothing one-sided before it."
    low, high = images.min(), images.max()
    sums = images.sum(axis=(-3, -2, -1), dtype=np.float64)
    once_more = float(1 / (1 + np.exp(-1.0)))  # what a sigmoid makes of the largest value of another one
    check(
        low < 0.2,
        f"{what}: no pixel is ever dark, whatever the weights. {hint}",
        "two sigmoids stand one after the other"
        if low >= 0.5 and abs(high - once_more) < 1e-3
        else "something that is never negative, such as a ReLU, stands before the sigmoid"
        if low == 0.5 and high > 0.99
        else "",
    )
    check(
        high > 0.8,
        f"{what}: no pixel is ever bright, whatever the weights. {hint}",
        "something that is never positive stands before the sigmoid" if high == 0.5 and low < 0.01 else "",
    )
    # A softmax over the image leaves one bright pixel.
    check(
        (images > 0.8).mean() > 0.02,
        f"{what}: nearly all pixels are dark, whatever the weights. {hint}",
        "the pixels go through a softmax" if np.allclose(sums, 1, atol=1e-2) else "",
    )


def check_every_latent_matters(decode: Callable[[np.ndarray], np.ndarray], latents: int, what: str) -> None:
    """Moving any one latent changes the decoded image, to either side and however far it has come."""
    steps = np.array([-8, -4, 4, 8], dtype=np.float32)
    still = decode(np.zeros((1, latents), dtype=np.float32))
    moved = decode(np.concatenate([step * np.eye(latents, dtype=np.float32) for step in steps]))
    moved = moved.reshape(len(steps), latents, -1)
    has_influence = np.abs(moved - still.reshape(1, 1, -1)).max(axis=2) > 1e-4  # (steps, latents)
    for j in range(latents):
        check(has_influence[:, j].any(), f"{what}: latent {j + 1} of {latents} has no influence on the image.")
    # Layers may hardly answer to what is far away, but each of many units saturates at a place of its own.
    below, above = (not side.any() for side in (has_influence[:2], has_influence[2:]))
    clamped = (moved[0] == moved[1]).all() or (moved[2] == moved[3]).all()
    sign_lost = (moved == moved[::-1]).all()
    check(
        not (below or above or clamped or sign_lost),
        f"{what}: codes with different numbers are decoded to the same image. A code may be any real number, of either "
        "sign.",
        "the code goes through a ReLU, or a clamp at 0, before the first layer"
        if below != above
        else "only the size of the numbers counts (abs, or a square), not their sign"
        if sign_lost
        else "the code is clamped before the first layer",
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
