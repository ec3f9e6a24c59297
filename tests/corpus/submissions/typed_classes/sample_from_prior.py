"""Task 4.8: new digits."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from my_figures import PathLike, Picture
from my_helpers import DiagonalGaussian
from plotting import device_of, evaluating


def sample_from_prior(vae: nn.Module, n: int = 64, outpath: PathLike = None) -> Tensor:
    prior: DiagonalGaussian = DiagonalGaussian.standard_like(torch.empty(n, vae.latent_dim, device=device_of(vae)))
    with evaluating(vae):
        images: Tensor = vae.decode(prior.draw())
    if outpath is not None:
        columns: int = math.ceil(math.sqrt(n))
        with Picture(outpath, math.ceil(n / columns), columns) as picture:
            picture.show_images(list(images))
    return images
