"""Task 4.7. What does each latent unit mean? Vary one, keep the others at zero, and look."""

from pathlib import Path

import torch  # noqa: F401 (for your code)
from matplotlib.figure import Figure
from torch import Tensor, nn

from plotting import device_of, evaluating, save_figure, tile_images  # noqa: F401 (for your code)


def latent_traversal(
    vae: nn.Module, z_min: float = -3.0, z_max: float = 3.0, steps: int = 15, outpath: str | Path | None = None
) -> Tensor:
    """Task 4.7: decode a walk along every latent axis.

    Args:
        vae: has `latent_dim` = k and `decode`: latents (B, k) to images (B, 1, 28, 28).
        z_min, z_max: ends of the walk, both included.
        steps: number of evenly spaced points of a walk.
        outpath: where to save the picture; None for no picture.

    Returns:
        Images, (k, steps, 1, 28, 28): row j varies latent j from z_min to z_max while all others are zero.

    Hint: `evaluating` puts the model in eval mode without gradients and gives it back as it came.
    """
    k = vae.latent_dim
    Values = torch.linspace(z_min, z_max, steps)
    images = torch.zeros(k, steps, 1, 28, 28)
    with evaluating(vae):
        for j in range(k):
            for s in range(steps):
                z = torch.zeros(1, k)
                z[0, j] = Values[s]
                images[j, s] = vae.decode(z.to(device_of(vae)))[0].cpu()
    if outpath is not None:
        save_figure(draw_traversal(images, z_min, z_max), outpath)
    return images


def draw_traversal(images: Tensor, z_min: float, z_max: float) -> Figure:
    """Draw the images of a traversal, (k, steps, 1, 28, 28), one row per latent (provided)."""
    k, steps = images.shape[:2]
    figure = Figure(figsize=(0.5 * steps + 1, 0.5 * k + 1), layout="constrained")
    ax = figure.subplots()
    half_step = (z_max - z_min) / max(steps - 1, 1) / 2 or 0.5
    # The picture's own axes are the latent's value and number, so that every tick can be read off.
    ax.imshow(
        tile_images(images.flatten(0, 1), k, steps),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(z_min - half_step, z_max + half_step, k + 0.5, 0.5),
        aspect="auto",
    )
    ax.set(title="Latent traversal: one latent varies, the others are 0", xlabel="value of the varied latent")
    ax.set(ylabel="varied latent", yticks=range(1, k + 1), yticklabels=[f"$z_{{{j}}}$" for j in range(1, k + 1)])
    return figure
