"""The four files of a dataset of the MNIST family, as small as a test likes them."""

import gzip
from pathlib import Path

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as an IDX file."""
    return b"".join(number.to_bytes(4, "big") for number in (2048 + array.ndim, *array.shape)) + array.tobytes()


def write_data(folder: Path, training: int = 300, test: int = 120, packed: bool = True) -> Path:
    """Write images of ten classes, each a bright bar at a place of its own in noise; returns the folder."""
    folder.mkdir(parents=True)
    for half, number in (("train", training), ("t10k", test)):
        rng = np.random.default_rng(number)
        labels = np.arange(number, dtype=np.uint8) % 10
        images = rng.integers(0, 60, (number, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label + 4 : 2 * label + 7] = 250
        for kind, content in ((f"{half}-images-idx3-ubyte", images), (f"{half}-labels-idx1-ubyte", labels)):
            if packed:
                (folder / f"{kind}.gz").write_bytes(gzip.compress(idx(content), 1))
            else:
                (folder / kind).write_bytes(idx(content))
    return folder
