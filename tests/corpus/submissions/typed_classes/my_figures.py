"""One class that draws all my pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Optional, Union

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

PathLike = Union[str, Path, None]


class Picture:
    """`with Picture(path) as picture:` gives axes to draw on and saves at the end, unless path is None."""

    def __init__(self, outpath: PathLike, rows: int = 1, columns: int = 1, size: tuple[float, float] = (6, 6)) -> None:
        self.outpath: PathLike = outpath
        self.figure: Figure = Figure(figsize=size)
        self.axes: list[Axes] = list(self.figure.subplots(rows, columns, squeeze=False).flat)

    def __enter__(self) -> Picture:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None and self.outpath is not None:
            self.figure.savefig(self.outpath, dpi=100)

    def show_images(self, images: Sequence[Tensor]) -> None:
        """One image per axes, from the upper left on."""
        for axes in self.axes:
            axes.set_axis_off()
        for axes, image in zip(self.axes, images):
            axes.imshow(image.detach().reshape(28, 28).cpu().numpy(), cmap="gray", vmin=0.0, vmax=1.0)
