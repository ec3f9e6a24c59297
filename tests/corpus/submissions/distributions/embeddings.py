"""Tasks 3.3, 3.4 and 4.11."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch
from torch.distributions import Independent, Normal, kl_divergence

from ELBO import kl_diag_normal, negative_log_likelihood
from plotting import DIGIT_COLOURS, device_of, evaluating, save_figure, tile_images


@dataclass
class Axis:
    """Evenly spaced values over the range of some codes."""

    low: float
    high: float

    @classmethod
    def over(cls, values):
        return cls(values.min().item(), values.max().item())

    def values(self, steps):
        return torch.linspace(self.low, self.high, steps)


def latent_codes(model, images):
    with evaluating(model):
        codes = model.encode(images.to(device_of(model)))
    return codes if torch.is_tensor(codes) else codes[0]


def plot_embeddings(model, images, labels, outpath=None):
    codes = latent_codes(model, images)
    if outpath is not None:
        with plt.style.context("dark_background"):
            figure, ax = plt.subplots(figsize=(6, 6))
            for digit in labels.unique():
                ax.scatter(*codes[labels == digit, :2].T, s=12, color=DIGIT_COLOURS(int(digit)), label=int(digit))
            ax.legend()
            save_figure(figure, outpath)
            plt.close(figure)
    return codes


def decode_grid(model, codes, steps=10, outpath=None):
    columns, rows = Axis.over(codes[:, 0]).values(steps), Axis.over(codes[:, 1]).values(steps)
    plane = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # (rows, columns, 2)
    with evaluating(model):
        images = torch.stack([model.decode(row.to(device_of(model))) for row in plane])
    if outpath is not None:
        figure, ax = plt.subplots()
        ax.imshow(tile_images(images.flip(0).flatten(0, 1), steps, steps, margin=1), cmap="magma")
        ax.set_axis_off()
        save_figure(figure, outpath)
        plt.close(figure)
    return images


def plot_posterior_rows(vae, images, outpath=None):
    with evaluating(vae):
        mu, logvar = vae.encode(images.to(device_of(vae)))
        recon = vae.decode(mu)
    ones = [slice(i, i + 1) for i in range(len(images))]
    error = torch.stack([negative_log_likelihood(images[one], recon[one]) for one in ones])
    divergence = torch.stack([kl_diag_normal(mu[one], logvar[one]) for one in ones])
    costs = torch.stack([error, divergence, error + divergence], dim=-1)
    if outpath is not None:
        figure, axes = plt.subplots(len(images), 3, figsize=(9, 3 * len(images)), squeeze=False)
        grid = torch.cartesian_prod(torch.linspace(-4, 4, 60), torch.linspace(-4, 4, 60))
        for i, (left, middle, right) in enumerate(axes):
            density = Independent(Normal(mu[i], (0.5 * logvar[i]).exp()), 1).log_prob(grid).exp()
            left.imshow(images[i, 0], cmap="gray")
            middle.tricontourf(*grid.T, density)
            right.imshow(recon[i, 0], cmap="gray")
            right.set_xlabel(" + ".join(f"{cost:.1f}" for cost in costs[i, :2]))
        save_figure(figure, outpath)
        plt.close(figure)
    return costs


if __name__ == "__main__":
    q, p = Normal(1.0, 2.0), Normal(0.0, 1.0)
    print("KL of one latent, as a check:", kl_divergence(q, p))
