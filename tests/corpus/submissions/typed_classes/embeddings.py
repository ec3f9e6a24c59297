"""Tasks 3.3, 3.4 and 4.11: the latent plane."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ELBO import kl_diag_normal, negative_log_likelihood
from my_figures import PathLike, Picture
from plotting import device_of, evaluating


class LatentPlane:
    """What a model does with its first two latents."""

    def __init__(self, model: nn.Module) -> None:
        self.model: nn.Module = model

    def codes(self, images: Tensor) -> Tensor:
        with evaluating(self.model):
            encoded = self.model.encode(images.to(device_of(self.model)))
        if isinstance(encoded, tuple):
            return encoded[0]
        return encoded

    def lattice(self, codes: Tensor, steps: int) -> Tensor:
        """(steps, steps, 2): columns count the first coordinate, rows the second."""
        ranges: list[Tensor] = [
            torch.linspace(float(column.min()), float(column.max()), steps) for column in codes.unbind(dim=1)
        ]
        first: Tensor = ranges[0].reshape(1, steps).expand(steps, steps)
        second: Tensor = ranges[1].reshape(steps, 1).expand(steps, steps)
        return torch.stack([first, second], dim=2)

    def decode(self, points: Tensor) -> Tensor:
        """Points (..., 2) to images (..., 1, 28, 28)."""
        with evaluating(self.model):
            images: Tensor = self.model.decode(points.reshape(-1, 2).to(device_of(self.model)))
        return images.reshape(*points.shape[:-1], 1, 28, 28)


def latent_codes(model: nn.Module, images: Tensor) -> Tensor:
    return LatentPlane(model).codes(images)


def plot_embeddings(model: nn.Module, images: Tensor, labels: Tensor, outpath: PathLike = None) -> Tensor:
    codes: Tensor = latent_codes(model, images)
    if outpath is not None:
        with Picture(outpath) as picture:
            (axes,) = picture.axes
            scatter = axes.scatter(codes[:, 0].numpy(), codes[:, 1].numpy(), c=labels.numpy(), cmap="tab10", s=8)
            picture.figure.colorbar(scatter, label="digit")
            axes.set(xlabel="first latent", ylabel="second latent")
    return codes


def decode_grid(model: nn.Module, codes: Tensor, steps: int = 10, outpath: PathLike = None) -> Tensor:
    plane = LatentPlane(model)
    images: Tensor = plane.decode(plane.lattice(codes, steps))
    if outpath is not None:
        with Picture(outpath, steps, steps) as picture:
            picture.show_images(list(images.flip(0).flatten(0, 1)))
    return images


class PosteriorRow:
    """One image: its posterior, its reconstruction, its costs."""

    def __init__(self, vae: nn.Module, image: Tensor) -> None:
        self.image: Tensor = image
        with evaluating(vae):
            self.mu, self.logvar = vae.encode(image)
            self.reconstruction: Tensor = vae.decode(self.mu)

    @property
    def costs(self) -> Tensor:
        error: Tensor = negative_log_likelihood(self.image, self.reconstruction)
        divergence: Tensor = kl_diag_normal(self.mu, self.logvar)
        return torch.stack((error, divergence, error + divergence))


def plot_posterior_rows(vae: nn.Module, images: Tensor, outpath: PathLike = None) -> Tensor:
    rows: list[PosteriorRow] = [PosteriorRow(vae, images[i : i + 1]) for i in range(images.shape[0])]
    if outpath is not None:
        with Picture(outpath, len(rows), 3, size=(7, 2.5 * len(rows))) as picture:
            picture.show_images([image for row in rows for image in (row.image, row.image, row.reconstruction)])
            for row, axes in zip(rows, picture.axes[1::3]):
                axes.clear()
                cloud: Tensor = row.mu + torch.exp(0.5 * row.logvar) * torch.randn(300, 2)
                axes.plot(cloud[:, 0].numpy(), cloud[:, 1].numpy(), ",")
                axes.set(xlim=(-4, 4), ylim=(-4, 4))
    return torch.stack([row.costs for row in rows])
