"""Draws two_sixes.png, beside this file: two sixes through a VAE, input, posterior and reconstruction, without numbers.

    make run ARGS="train-vae-mlp-2 --seed 1 --out dist/two_sixes"  # trains the VAE
    .venv/bin/python solution/figures/two_sixes.py    # draws the figure, and prints what it does not show

Row 2 is reconstructed clearly worse than row 1. Row 1 has clearly the larger divergence from the prior, for two reasons
that can be seen: its ellipse lies further out, and it is smaller. A training that puts the sixes around the origin, as
that of seed 0 does, has no such pair. On another machine, the rule may pick other sixes.
"""

from __future__ import annotations

import sys
from pathlib import Path

FIGURE = Path(__file__).with_suffix(".png")
ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "dist" / "two_sixes"
sys.path.insert(0, str(ROOT / "solution"))

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from embeddings import draw_posterior_rows, plot_posterior_rows  # noqa: E402
from lab.parts.training import load_vae  # noqa: E402
from lab.run.part import Workplace  # noqa: E402
from mnist import load_mnist  # noqa: E402
from plotting import evaluating, save_figure  # noqa: E402

# Above this share of all sixes, a reconstruction error is that of a six that hardly anybody can read.
LEGIBLE = 0.98


def choose(costs: Tensor, mu: Tensor, std: Tensor) -> tuple[int, int]:
    """The two rows, as indices into the sixes.

    Args:
        costs: (n, 3), each image's reconstruction error, divergence and their sum, nats.
        mu, std: (n, 2), means and standard deviations of the posteriors.

    Raises:
        ValueError: no two of them differ clearly enough.
    """
    error, kl = costs[:, 0], costs[:, 1]
    legible = error <= error.quantile(LEGIBLE)
    distance = mu.norm(dim=1)
    # Entry [i, j] is for i in row 1 and j in row 2.
    fits = (distance[:, None] > distance + 1.5) & (std[:, None] < 0.8 * std).all(dim=-1) & legible[:, None] & legible
    if not fits.any():
        raise ValueError("no two sixes differ clearly in both: train with another seed")
    # Errors differ by tens of nats, divergences by a few: each relative to its own spread.
    contrast = torch.minimum((error - error[:, None]) / error.std(), (kl[:, None] - kl) / kl.std())
    best = int(contrast.where(fits, torch.tensor(-torch.inf)).argmax())
    return best // len(costs), best % len(costs)


def main() -> int:
    """Draw the figure; print each row's image, costs and posterior."""
    work = Workplace(RESULTS, {"seed": 0, "device": "cpu"}, RESULTS, ROOT / "data", lambda *_: None)
    vae = load_vae(work, "mlp", 2)
    mnist = load_mnist(ROOT / "data" / "MNIST" / "raw")
    sixes = (mnist.test_labels == 6).nonzero().flatten()
    images = mnist.test_images[sixes]
    costs = plot_posterior_rows(vae, images)
    with evaluating(vae):
        mu, logvar = vae.encode(images)
        recon = vae.decode(mu)
    std = (0.5 * logvar).exp()
    rows = list(choose(costs, mu, std))
    save_figure(draw_posterior_rows(images[rows], mu[rows], logvar[rows], recon[rows]), FIGURE)
    for number, i in enumerate(rows, 1):
        error, kl, total = costs[i].tolist()
        print(f"row {number}, test image {int(sixes[i])}: error {error:.2f} + KL {kl:.2f} = {total:.2f} nats")
        print(f"    posterior: mean {mu[i].tolist()}, standard deviations {std[i].tolist()}")
    print(f"wrote {FIGURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
