"""Helpers that every plotting script shares (provided): evaluation mode, image tiling, saving, colours."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

# Ten colours that stay apart for colour-blind readers and in greyscale (Petroff 2021, arXiv:2107.02270, ten colours).
DIGIT_COLOURS = ListedColormap(
    ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]
)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run the body with the model in eval mode and without gradients; give every module back in its own mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def device_of(model: nn.Module) -> torch.device:
    """The device that the model's parameters live on (the CPU for a model without parameters)."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def tile_images(images: Tensor, rows: int, columns: int, margin: int = 0) -> np.ndarray:
    """Tile rows * columns images, (n, 1, h, w) or (n, h, w), row by row into one array.

    Args:
        margin: white pixels between neighbours.

    Returns:
        (rows * (h + margin) - margin, columns * (w + margin) - margin), float32.
    """
    pixels = images.reshape(rows, columns, *images.shape[-2:]).to("cpu", torch.float32).numpy()
    h, w = pixels.shape[-2:]
    sheet = np.ones((rows * (h + margin) - margin, columns * (w + margin) - margin), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (h + margin), j * (w + margin)
            sheet[top : top + h, left : left + w] = pixels[i, j]
    return sheet


def save_figure(figure: Figure, outpath: str | Path | None) -> Figure:
    """Write the figure to outpath (nothing when None) and return it.

    The picture is drawn in memory and written in one go: a figure that cannot be drawn leaves an older file as it was,
    and no second file is needed, which a sandbox may not allow.
    """
    if outpath is not None:
        outpath = Path(outpath)
        picture = io.BytesIO()
        figure.savefig(picture, dpi=120, format=outpath.suffix.lstrip(".") or "png")
        outpath.parent.mkdir(parents=True, exist_ok=True)
        outpath.write_bytes(picture.getvalue())
    return figure
