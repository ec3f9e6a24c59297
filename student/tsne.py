"""The latent space of any dimension in two: t-SNE of the posterior means, coloured by class."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE  # noqa: F401 (for your code)
from torch import Tensor, nn

from plotting import DIGIT_COLOURS, device_of, evaluating, save_figure  # noqa: F401 (for your code)


def tsne_latents(
    vae: nn.Module, images: Tensor, labels: Tensor, outpath: str | Path | None = None, seed: int = 0
) -> np.ndarray:
    """Task 4.9: embed the posterior MEANS of images in the plane.

    Args:
        vae: has `encode`: images (B, 1, 28, 28) to (mu, logvar), each (B, k).
        images: (n, 1, 28, 28), n at least 5.
        labels: (n,), classes 0 ... 9.
        outpath: where to save the picture; None for no picture.
        seed: makes the embedding the same every time (van der Maaten & Hinton 2008 start from random points).

    Returns:
        (n, 2), row i for image i.

    Hint: scikit-learn's TSNE wants a perplexity smaller than the number of points.
    """
    # YOUR CODE HERE: assign `embedding` (the reference solution has 5 lines here)
    embedding = ...
    raise NotImplementedError("Task 4.9: tsne_latents, see README section 4.9")
    if outpath is not None:
        save_figure(draw_embedding(embedding, labels), outpath)
    return embedding


def draw_embedding(embedding: np.ndarray, labels: Tensor) -> Figure:
    """Scatter the embedded points (n, 2), one colour per class, its number written at its median (provided)."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    classes = np.asarray(labels.cpu())
    for number in np.unique(classes):
        points = embedding[classes == number]
        ax.scatter(*points.T, s=6, color=DIGIT_COLOURS(number), label=str(number), linewidths=0)
        ax.text(
            *np.median(points, axis=0),
            str(number),
            weight="bold",
            ha="center",
            va="center",
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "boxstyle": "circle,pad=0.15"},
        )
    ax.legend(title="class", loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    ax.set(title=f"t-SNE of {len(embedding)} posterior means", xlabel="t-SNE 1", ylabel="t-SNE 2")
    return figure
