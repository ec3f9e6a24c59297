"""Task 4.7: walks along the latent axes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from my_figures import PathLike, Picture
from plotting import device_of, evaluating


class Walk:
    """Evenly spaced values for one latent at a time."""

    def __init__(self, latents: int, values: Tensor) -> None:
        self.latents: int = latents
        self.values: Tensor = values

    def along(self, latent: int) -> Tensor:
        """(steps, latents)."""
        points: Tensor = torch.zeros(self.values.numel(), self.latents)
        points[:, latent] = self.values
        return points

    def everywhere(self) -> Tensor:
        """(latents, steps, latents)."""
        return torch.stack([self.along(latent) for latent in range(self.latents)])


def latent_traversal(
    vae: nn.Module, z_min: float = -3.0, z_max: float = 3.0, steps: int = 15, outpath: PathLike = None
) -> Tensor:
    walk = Walk(vae.latent_dim, torch.linspace(z_min, z_max, steps))
    points: Tensor = walk.everywhere().to(device_of(vae))
    with evaluating(vae):
        images: Tensor = vae.decode(points.flatten(0, 1))
    images = images.reshape(vae.latent_dim, steps, 1, 28, 28)
    if outpath is not None:
        with Picture(outpath, vae.latent_dim, steps, size=(steps, vae.latent_dim)) as picture:
            picture.show_images(list(images.flatten(0, 1)))
    return images
