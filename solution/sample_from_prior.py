"""New {{dataset:things}}: decode latents that are drawn from the prior N(0, I)."""

import math
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from plotting import device_of, evaluating, save_figure, tile_images  # noqa: F401 (for your code)


def sample_from_prior(vae: nn.Module, n: int = 64, outpath: str | Path | None = None) -> Tensor:
    """Task {{task:sample_from_prior}}: decode n independent draws from the prior.

    Args:
        vae: has `latent_dim` = k and `decode`: latents (B, k) to mean images (B, 1, 28, 28).
        n: number of images.
        outpath: where to save the picture; None for no picture.

    Returns:
        The decoder's mean images, (n, 1, 28, 28).
    """
    # BEGIN SOLUTION
    with evaluating(vae):
        images = vae.decode(torch.randn(n, vae.latent_dim, device=device_of(vae)))
    # END SOLUTION
    if outpath is not None:
        save_figure(draw_samples(images), outpath)
    return images


def draw_samples(images: Tensor) -> Figure:
    """Draw images (n, 1, 28, 28) on a grid that is as square as it can be (provided)."""
    n = len(images)
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    # Places that the last row leaves empty stay white.
    blank = images.new_ones(rows * columns - n, *images.shape[1:])
    figure = Figure(figsize=(0.6 * columns, 0.6 * rows + 0.4), layout="constrained")
    ax = figure.subplots()
    ax.imshow(tile_images(torch.cat([images, blank]), rows, columns), cmap="gray", vmin=0, vmax=1)
    ax.set_title(f"{n} decoded samples of the prior N(0, I)")
    ax.axis("off")
    return figure
