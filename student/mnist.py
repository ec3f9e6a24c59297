"""MNIST as tensors, from the archives that come with the assignment (provided; no network needed), and minibatches."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


class DataError(RuntimeError):
    """The MNIST archives are missing, damaged or unreadable; the message names the file and the remedy."""


@dataclass(frozen=True)
class Mnist:
    """All of MNIST in memory, each part one tensor.

    Attributes:
        train_images, test_images: (60000, 1, 28, 28) and (10000, 1, 28, 28), float32 in [0, 1].
        train_labels, test_labels: (60000,) and (10000,), int64 digits.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def find_data() -> Path:
    """The `data` folder: beside this file (as students receive it) or beside this file's folder (in the repository)."""
    here = Path(__file__).resolve().parent
    for folder in (here / "data", here.parent / "data"):
        if (folder / "MNIST").is_dir():
            return folder
    raise DataError(
        f"no MNIST data: neither {here / 'data'} nor {here.parent / 'data'} has a folder MNIST.\n"
        "Unpack the assignment again with its data folder, or name the folder with --data."
    )


def check_archives(root: Path) -> None:
    """Raise DataError unless the four original archives lie intact under root/MNIST/raw."""
    from torchvision.datasets import MNIST
    from torchvision.datasets.utils import check_integrity

    remedy = "Copy it again from the assignment's data folder (data/README.md says where the archives come from)."
    for name, md5 in MNIST.resources:
        archive = root / "MNIST" / "raw" / name
        if not archive.is_file():
            raise DataError(f"MNIST archive missing: {archive}\n{remedy}")
        if not check_integrity(str(archive), md5):
            raise DataError(f"MNIST archive damaged (its MD5 is not {md5}): {archive}\n{remedy}")


def prepare_mnist(root: Path | None = None) -> Path:
    """Check the archives and unpack them beside themselves unless that has been done.

    Args:
        root: the folder that holds MNIST/raw/*.gz; found beside the assignment when not given.

    Returns:
        That folder.

    Raises:
        DataError: an archive is missing or damaged, or cannot be unpacked; says which and what to do.
    """
    root = find_data() if root is None else Path(root).absolute()
    check_archives(root)
    read_parts(root)
    return root


def read_parts(root: Path) -> "list[MNIST]":
    """Both halves of MNIST through torchvision, which unpacks the archives at the first call."""
    # torchvision takes long to import and nothing that is graded needs it, so only functions import it.
    from torchvision.datasets import MNIST

    try:
        # download=True only unpacks: the archives that it would fetch are there and intact.
        return [MNIST(str(root), train=train, download=True) for train in (True, False)]
    except (OSError, EOFError, gzip.BadGzipFile, RuntimeError, ValueError) as error:
        raise DataError(
            f"MNIST could not be unpacked under {root / 'MNIST' / 'raw'}: {error}\n"
            "Check that the disk has 70 MB free and that you may write to that folder; delete its unpacked files "
            "(those without .gz) if an earlier run was cut short."
        ) from error


def load_mnist(root: Path | None = None) -> Mnist:
    """Read MNIST through torchvision, after `prepare_mnist`, whose arguments and errors it shares."""
    parts = read_parts(prepare_mnist(root))
    images = [part.data.unsqueeze(1).to(torch.float32).div_(255) for part in parts]
    return Mnist(images[0], parts[0].targets, images[1], parts[1].targets)


def minibatches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Minibatches for ever: each epoch visits every image once, in a new random order.

    The last batch of an epoch is smaller where batch_size does not divide the number of images.
    """
    while True:
        for indices in torch.randperm(len(images), device=images.device).split(batch_size):
            yield images[indices]
