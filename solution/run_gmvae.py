"""Trains the mixture-of-Gaussians VAE, reports its negative ELBO, draws samples, saves its weights (provided).

`python run_gmvae.py` trains 20,000 iterations and leaves, beside this file, gmvae.safetensors, the weights, and
gmvae_samples.png. `main.py` runs the same functions.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.arithmetic import flushing_denormals
from lab.files import print_anything, write_whole

if TYPE_CHECKING:  # PyTorch takes seconds to import: --help does not wait for it
    import torch
    from torch import Tensor

    from gmvae import GMVAE

HERE = Path(__file__).resolve().parent
ITERATIONS = 20_000
BATCH_SIZE = 100
LEARNING_RATE = 1e-3
# The selected test subset: the first 1,000 test images.
SUBSET = 1_000
# Fixes the binarisation and the noise of an evaluation, so that two models are compared on the same pictures.
EVALUATION_SEED = 145


@dataclass(frozen=True)
class Evaluation:
    """Averages over images, in nats: negative ELBO = KL term + reconstruction cost."""

    images: int
    negative_elbo: float
    kl: float
    reconstruction: float


def binarize(pixels: Tensor) -> Tensor:
    """Draw every pixel afresh: 1 with the probability that its grey value in [0, 1] gives, else 0."""
    import torch

    return torch.rand_like(pixels).lt_(pixels)


def train_gmvae(
    images: Tensor,
    iterations: int = ITERATIONS,
    seed: int = 0,
    device: torch.device | str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[GMVAE, list[float]]:
    """Train a GMVAE (10 latents, 500 components) with Adam.

    Args:
        images: (N, 1, 28, 28), grey values in [0, 1], binarised afresh at every step.
        iterations: number of steps, each on one minibatch of 100.
        seed: of the initial weights, the order of the images, the binarisation and the noise.
        device: where to train.
        on_step: called as on_step(iteration, negative ELBO) after every step.

    Returns:
        The trained model and the negative ELBO (nats per image) of the minibatch at every iteration.
    """
    import torch

    from gmvae import GMVAE
    from mnist import minibatches
    from utils import log_normal_mixture

    # Called only to raise while it is still to be written: `negative_elbo_bound`, called next, comes later.
    log_normal_mixture(torch.zeros(1, 1), torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    torch.manual_seed(seed)
    model = GMVAE().to(device)
    adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=LEARNING_RATE, fused=True)
    batches = minibatches(images.flatten(start_dim=1).to(device), BATCH_SIZE)
    history = []
    with flushing_denormals():
        for iteration in range(iterations):
            nelbo, _, _ = model.negative_elbo_bound(binarize(next(batches)))
            adam.zero_grad(set_to_none=True)
            nelbo.backward()
            adam.step()
            history.append(nelbo.item())
            if on_step is not None:
                on_step(iteration, history[-1])
    return model, history


def evaluate(model: GMVAE, images: Tensor) -> Evaluation:
    """Average negative ELBO and its two parts over images (N, 1, 28, 28); the same result every time."""
    import torch

    from plotting import device_of, evaluating

    pixels = images.flatten(start_dim=1).to(device_of(model))
    totals = [0.0, 0.0, 0.0]
    with evaluating(model), torch.random.fork_rng():
        torch.manual_seed(EVALUATION_SEED)
        for batch in pixels.split(500):
            for i, term in enumerate(model.negative_elbo_bound(binarize(batch))):
                totals[i] += term.item() * len(batch)
    return Evaluation(len(pixels), *(total / len(pixels) for total in totals))


def save_samples(model: GMVAE, outpath: Path, seed: int = 0) -> Tensor:
    """Draw 200 images from p(x) and save them as one picture, 10 rows of 20; returns them, (200, 784) in {0, 1}."""
    # matplotlib would scale the picture; written pixel by pixel, every image stays crisp.
    import torch
    from PIL import Image

    from plotting import evaluating, tile_images

    with evaluating(model), torch.random.fork_rng():
        torch.manual_seed(seed)
        digits = model.sample_x(200)
    sheet = tile_images(digits.reshape(200, 28, 28), rows=10, columns=20, margin=2)
    picture = Image.fromarray((255 * sheet).astype("uint8"))
    content = io.BytesIO()
    picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST).save(content, format="png")
    write_whole(outpath, content.getvalue())
    return digits


def save_weights(model: torch.nn.Module, path: Path, iterations: int) -> None:
    """Write the model's weights as a safetensors file, whole or not at all; it says how long they were trained."""
    from safetensors.torch import save

    weights = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    write_whole(path, save(weights, {"iterations": str(iterations)}))


def iterations_of(path: Path) -> int:
    """How long the weights in a file were trained: 0 if there is no file, the usual number if it does not say."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as file:
            said = (file.metadata() or {}).get("iterations", "")
    except (SafetensorError, OSError):  # not whole: nothing is lost
        return 0
    return int(said) if said.isdigit() else ITERATIONS


def outputs(out: Path, iterations: int, overwrite: bool) -> tuple[Path, Path]:
    """Where weights and samples go: not over those of a longer training, unless that was asked for."""
    shorter = not overwrite and iterations < iterations_of(out / "gmvae.safetensors")
    ending = f"-{iterations}" if shorter else ""
    return out / f"gmvae{ending}.safetensors", out / f"gmvae_samples{ending}.png"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the mixture-of-Gaussians VAE and report its negative ELBO.")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N", help="steps (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random in training (default %(default)s)")
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or mps (default %(default)s)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder that holds the four files of the data")
    parser.add_argument(
        "--out", type=Path, default=HERE, metavar="FOLDER", help="where to write (default: beside this file)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a model that was trained for longer, too")
    options = parser.parse_args(arguments)
    if options.iterations < 1:
        parser.error("--iterations must be at least 1")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Train, evaluate, report; returns the exit status (2: bad input, said in one line)."""
    print_anything()
    options = parse_arguments(arguments)
    import torch
    from tqdm import tqdm

    from lab.course import unwritten
    from lab.run.command_line import InputError, choose_device, writable_folder
    from mnist import DataError, load_mnist

    try:
        device = choose_device(options.device)
        out = writable_folder(options.out)
        weights, samples = outputs(out, options.iterations, options.overwrite)
        mnist = load_mnist(options.data)
    except (InputError, DataError) as error:
        print(f"run_gmvae.py: {error}", file=sys.stderr)
        return 2
    # The matrices are small: a second thread gains little, and costs much as soon as anything else runs.
    torch.set_num_threads(1)
    with tqdm(total=options.iterations, desc="GMVAE", unit="step", mininterval=0.5) as bar:

        def show(iteration: int, nelbo: float) -> None:
            bar.update()
            if iteration % 50 == 0:
                bar.set_postfix_str(f"negative ELBO {nelbo:.1f}", refresh=False)

        try:
            model, _ = train_gmvae(mnist.train_images, options.iterations, options.seed, device, show)
        except KeyboardInterrupt:
            bar.close()
            print("run_gmvae.py: interrupted, nothing was written", file=sys.stderr)
            return 130
        except NotImplementedError as error:
            bar.close()
            if not unwritten(error):
                raise
            print(f"run_gmvae.py: still to be written: {error}", file=sys.stderr)
            return 1
    save_weights(model, weights, options.iterations)
    save_samples(model, samples, options.seed)
    subset = evaluate(model, mnist.test_images[:SUBSET])
    full = evaluate(model, mnist.test_images)
    for name, result in ((f"test subset (the first {SUBSET:,} test images)", subset), ("all test images", full)):
        print(f"{name}, averages over {result.images:,} images, nats:")
        print(
            f"  negative ELBO {result.negative_elbo:.2f} = KL {result.kl:.2f}"
            f" + reconstruction {result.reconstruction:.2f}"
        )
    numbers = {"test_subset": asdict(subset), "full_test": asdict(full)}
    print(json.dumps({"seed": options.seed, "iterations": options.iterations, **numbers}))
    print(f"wrote {weights} and {samples}")
    if weights.name != "gmvae.safetensors":
        print("gmvae.safetensors stays as it is: it was trained for longer (--overwrite replaces it)")
    # FOR trained_gmvae
    else:
        print("hand in gmvae.safetensors")
    # END FOR
    return 0


if __name__ == "__main__":
    sys.exit(main())
