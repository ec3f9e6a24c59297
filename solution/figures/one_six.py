"""Draws one_six.png, beside this file: a six through a VAE late and early in its training, without numbers.

    make run ARGS="train-vae-mlp-2 --seed 3 --out dist/one_six"    # trains the VAE
    .venv/bin/python solution/figures/one_six.py    # draws the figure, and prints what it does not show

Both rows have the same input, and each its posterior and its reconstruction. Row 2 is reconstructed clearly worse than
row 1. Row 1 has clearly the larger divergence from the prior, for two reasons that can be seen: its ellipse lies
further out, and it is smaller. On another machine, the rule may pick another six.
"""

from __future__ import annotations

import sys
from pathlib import Path

FIGURE = Path(__file__).with_suffix(".png")
ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "dist" / "one_six"
sys.path.insert(0, str(ROOT / "solution"))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from embeddings import draw_posterior_rows, plot_posterior_rows  # noqa: E402
from lab.parts.training import load_vae  # noqa: E402
from lab.run.part import Workplace  # noqa: E402
from mnist import load_mnist  # noqa: E402
from plotting import evaluating, save_figure  # noqa: E402

ROWS = ("end", "beginning")  # stages of the training
FURTHEST = 2.5  # from the origin: the ellipse must lie within the picture


def choose(costs: Tensor, mu: Tensor, std: Tensor) -> int:
    """The six to show.

    Args:
        costs: (2, n, 3), for each row every six's reconstruction error, divergence and their sum, nats.
        mu, std: (2, n, 2), means and standard deviations of the posteriors.

    Raises:
        ValueError: for no six the rows differ clearly enough.
    """
    error, distance = costs[..., 0], mu.norm(dim=2)
    fits = (distance[0] > distance[1] + 1.5) & (distance[0] < FURTHEST) & (std[0] < 0.5 * std[1]).all(dim=1)
    if not fits.any():
        raise ValueError("the rows differ clearly in both for no six: train with another seed")
    return int((error[1] - error[0]).where(fits, torch.tensor(-torch.inf)).argmax())


def main() -> int:
    """Draw the figure; print each row's stage, costs and posterior."""
    work = Workplace(RESULTS, {"seed": 0, "device": "cpu"}, RESULTS, ROOT / "data", lambda *_: None)
    mnist = load_mnist(ROOT / "data" / "MNIST" / "raw")
    sixes = (mnist.test_labels == 6).nonzero().flatten()
    images = mnist.test_images[sixes]
    found: list[tuple[Tensor, ...]] = []
    for stage in ROWS:
        vae = load_vae(work, "mlp", 2, stage)
        with evaluating(vae):
            mu, logvar = vae.encode(images)
            found.append((plot_posterior_rows(vae, images), mu, logvar, vae.decode(mu)))
    costs, mu, logvar, recon = (torch.stack(values) for values in zip(*found, strict=True))
    std = (0.5 * logvar).exp()
    six = choose(costs, mu, std)
    save_figure(draw_posterior_rows(images[[six, six]], mu[:, six], logvar[:, six], recon[:, six]), FIGURE)
    for row, stage in enumerate(ROWS):
        error, kl, total = costs[row, six].tolist()
        print(f"row {row + 1}, {stage}, test image {int(sixes[six])}:", end=" ")
        print(f"error {error:.2f} + KL {kl:.2f} = {total:.2f} nats")
        print(f"    posterior: mean {mu[row, six].tolist()}, standard deviations {std[row, six].tolist()}")
    print(f"wrote {FIGURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
