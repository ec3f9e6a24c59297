"""Task 4.8."""

import math

import torch
from matplotlib.figure import Figure
from torch.distributions import Independent, Normal

from plotting import device_of, evaluating, save_figure, tile_images


def standard_normal(k):
    return Independent(Normal(torch.zeros(k), torch.ones(k)), 1)


def sample_from_prior(vae, n=64, outpath=None):
    z = standard_normal(vae.latent_dim).sample((n,))
    with evaluating(vae):
        images = vae.decode(z.to(device_of(vae)))
    if outpath is not None:
        columns = math.ceil(n**0.5)
        padded = torch.cat([images, images.new_zeros(-n % columns, 1, 28, 28)])
        figure = Figure()
        figure.subplots().imshow(tile_images(padded, len(padded) // columns, columns), cmap="gray")
        save_figure(figure, outpath)
    return images


if __name__ == "__main__":
    print(standard_normal(2).sample((3,)))
