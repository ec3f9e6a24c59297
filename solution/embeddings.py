"""The latent plane: where images land, what its points decode to, posteriors."""

from pathlib import Path

import numpy as np
import torch  # noqa: F401 (for your code)
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from torch import Tensor, nn

from ELBO import kl_diag_normal, negative_log_likelihood  # noqa: F401 (for your code)
from plotting import DIGIT_COLOURS, device_of, evaluating, save_figure, tile_images


def latent_codes(model: nn.Module, images: Tensor) -> Tensor:
    """Codes (n, k) of images (n, 1, 28, 28) (provided): an autoencoder's codes, a VAE's posterior means."""
    with evaluating(model):
        encoded = model.encode(images.to(device_of(model)))
    return encoded[0] if isinstance(encoded, tuple) else encoded


def plot_embeddings(model: nn.Module, images: Tensor, labels: Tensor, outpath: str | Path | None = None) -> Tensor:
    """Task {{task:plot_embeddings}}: draw where images land in the latent plane, coloured by class.

    Args:
        model: an autoencoder or a VAE; `latent_codes` reads both.
        images: (n, 1, 28, 28).
        labels: (n,), classes 0 ... 9; labels[i] belongs to images[i].
        outpath: where to save the picture; None for no picture.

    Returns:
        The codes that were drawn, (n, k), row i for image i. With k > 2 the picture shows the first two coordinates.
    """
    # BEGIN SOLUTION
    codes = latent_codes(model, images)
    # END SOLUTION
    if outpath is not None:
        save_figure(draw_codes(codes, labels), outpath)
    return codes


def decode_grid(model: nn.Module, codes: Tensor, steps: int = 10, outpath: str | Path | None = None) -> Tensor:
    """Task {{task:decode_grid}}: decode an even grid over the range of 2-D codes.

    Args:
        model: has `decode`: latents (B, 2) to images (B, 1, 28, 28).
        codes: (n, 2); the grid spans from their minimum to their maximum in each coordinate, ends included.
        steps: number of grid points along each axis.
        outpath: where to save the picture; None for no picture.

    Returns:
        Images, (steps, steps, 1, 28, 28); entry [i, j] decodes the point whose FIRST coordinate is the j-th and whose
        SECOND coordinate is the i-th, both counted upwards.
    """
    # BEGIN SOLUTION
    low, high = codes.amin(dim=0).tolist(), codes.amax(dim=0).tolist()
    z1 = torch.linspace(low[0], high[0], steps, dtype=codes.dtype)
    z2 = torch.linspace(low[1], high[1], steps, dtype=codes.dtype)
    z = torch.cartesian_prod(z2, z1).flip(1).to(device_of(model))  # (steps * steps, 2), z1 runs fastest
    with evaluating(model):
        images = model.decode(z).reshape(steps, steps, 1, 28, 28)
    # END SOLUTION
    if outpath is not None:
        save_figure(draw_grid(images, codes), outpath)
    return images


def plot_posterior_rows(vae: nn.Module, images: Tensor, outpath: str | Path | None = None) -> Tensor:
    """Task {{task:plot_posterior_rows}}: each image's posterior in the plane, its reconstruction, and the two costs.

    Args:
        vae: a VAE with latent_dim 2 (any latent_dim when outpath is None).
        images: (n, 1, 28, 28).
        outpath: where to save the picture; None for no picture.

    Returns:
        (n, 3), nats: for each image its reconstruction error -log p(x | z) with z at the posterior MEAN, its KL
        divergence, and their sum.

    Hint: `negative_log_likelihood` and `kl_diag_normal` average over a batch. What do they return for a batch of one?
    """
    # BEGIN SOLUTION
    with evaluating(vae):
        mu, logvar = vae.encode(images.to(device_of(vae)))
        recon = vae.decode(mu)
        rows = []
        for i in range(len(images)):
            one = slice(i, i + 1)
            error = negative_log_likelihood(images[one].to(recon.device), recon[one])
            divergence = kl_diag_normal(mu[one], logvar[one])
            rows.append(torch.stack([error, divergence, error + divergence]))
    costs = torch.stack(rows)
    # END SOLUTION
    if outpath is not None:
        save_figure(draw_posterior_rows(images, mu, logvar, recon, costs), outpath)
    return costs


def draw_codes(codes: Tensor, labels: Tensor) -> Figure:
    """Scatter codes (n, k >= 2) by class (provided): its number for up to 300 points, dots for more."""
    points, classes = codes[:, :2].cpu().numpy(), np.asarray(labels.cpu())
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    legible = len(points) <= 300
    for number in np.unique(classes):
        x, y = points[classes == number].T
        colour = DIGIT_COLOURS(int(number))
        # A number drawn as a marker is legible without its colour.
        marker = {"marker": f"${number}$", "s": 60} if legible else {"marker": "o", "s": 4}
        ax.scatter(x, y, color=colour, label=str(number), linewidths=0, **marker)
    if not legible:
        ax.legend(title="class", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=3)
    ax.set(title=f"{len(points)} images in the latent plane", xlabel="$z_1$", ylabel="$z_2$")
    return figure


def draw_grid(images: Tensor, codes: Tensor) -> Figure:
    """Draw a decoded grid (steps, steps, 1, 28, 28) over the plane that it was decoded from (provided)."""
    steps = images.shape[0]
    (x_low, y_low), (x_high, y_high) = codes.amin(dim=0).tolist(), codes.amax(dim=0).tolist()
    x_half, y_half = (x_high - x_low) / max(steps - 1, 1) / 2, (y_high - y_low) / max(steps - 1, 1) / 2
    figure = Figure(figsize=(6, 6), layout="constrained")
    ax = figure.subplots()
    ax.imshow(
        tile_images(images.flip(0).flatten(0, 1), steps, steps),  # the second coordinate grows upwards
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(x_low - x_half, x_high + x_half, y_low - y_half, y_high + y_half),
        aspect="auto",
    )
    ax.set(title="The latent plane, decoded", xlabel="$z_1$", ylabel="$z_2$")
    return figure


def draw_posterior_rows(
    images: Tensor, mu: Tensor, logvar: Tensor, recon: Tensor, costs: Tensor | None = None
) -> Figure:
    """Draw input, posterior ellipse over the prior, and reconstruction, one row per image (provided).

    Args:
        images, recon: (n, 1, 28, 28).
        mu, logvar: (n, 2), the posterior's means and log-variances.
        costs: (n, 3), what to write below the rows; None for nothing.
    """
    n = len(images)
    mu, std = mu.cpu().numpy(), (0.5 * logvar).exp().cpu().numpy()
    reach = max(3.2, float((np.abs(mu) + 2 * std).max()) * 1.1)
    figure = Figure(figsize=(7.5, 2.4 * n), layout="constrained")
    for i, (left, middle, right) in enumerate(figure.subplots(n, 3, squeeze=False)):
        for ax, picture, title in ((left, images[i], "input"), (right, recon[i], "reconstruction")):
            ax.imshow(picture[0].cpu().numpy(), cmap="gray", vmin=0, vmax=1)
            ax.set(title=title, xticks=[], yticks=[])
        for radius in (1, 2):
            prior = {"edgecolor": "#717581", "linestyle": "--", "label": "prior, 1 and 2 std" if radius == 1 else None}
            middle.add_patch(Ellipse((0, 0), 2 * radius, 2 * radius, fill=False, **prior))
            middle.add_patch(Ellipse(mu[i], *(2 * radius * std[i]), alpha=0.5, facecolor="#bd1f01", linewidth=0))
        middle.plot(*mu[i], "+", color="#bd1f01", label="posterior, 1 and 2 std")
        middle.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
        middle.set_title("posterior $q(z|x)$")
        left.set_ylabel(i + 1, rotation=0, fontsize=16, labelpad=20, va="center")
        if costs is not None:
            error, divergence, total = costs[i].tolist()
            right.set_xlabel(f"error {error:.1f} + KL {divergence:.1f}\n= {total:.1f} nats")
    figure.legend(*middle.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
