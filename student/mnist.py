"""Images of the MNIST family as tensors, from four files in the data folder (provided; no network), and minibatches."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

# Images and labels of each half, below the data folder, each as it is or with .gz at the end of its name.
TRAINING = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
SIDE = 28
CLASSES = 10
# What gzip raises for a damaged archive, and torchvision for a file that is not as its header says.
UNREADABLE = (OSError, EOFError, zlib.error, AssertionError, RuntimeError, ValueError, IndexError, KeyError)
NOT_THERE = "Where code is graded there is no data: load it in main.py, not when a file is imported."
REMEDY = "Copy it from the assignment again, or name another folder with --data."


class DataError(RuntimeError):
    """A file of the data is missing, damaged or not what it should be; the message names it and the remedy."""


@dataclass(frozen=True)
class Mnist:
    """A dataset in memory, each part one tensor.

    Attributes:
        train_images, test_images: (60000, 1, 28, 28) and (10000, 1, 28, 28), float32 in [0, 1].
        train_labels, test_labels: (60000,) and (10000,), int64 classes 0 ... 9.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def find_data() -> Path:
    """The course's data folder: below the folder of this file (as students receive it) or below the one around that."""
    # Imported here: what is graded needs no data, and has no tasks.json beside it.
    try:
        from lab.course import course

        wanted, here = course().dataset["folder"], Path(__file__).resolve().parent
    except (ModuleNotFoundError, ValueError) as error:
        raise DataError(f"there is no data here ({error}).\n{NOT_THERE}") from None
    for folder in (here / wanted, here.parent / wanted):
        if folder.is_dir():
            return folder
    raise DataError(
        f"there is no data folder {wanted}, neither in\n{here}\nnor in the folder around it.\n"
        f"Unpack the assignment again with its data, or name the folder with --data.\n{NOT_THERE}"
    )


def read_idx(folder: Path, name: str, dimensions: int) -> Tensor:
    """The bytes of an IDX file as a tensor of so many dimensions, uint8, by torchvision."""
    # torchvision takes long to import and nothing that is graded needs it, so only this function imports it.
    from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

    packed, plain = folder / f"{name}.gz", folder / name
    file = packed.name if packed.is_file() else name

    def wrong(what: str) -> DataError:
        return DataError(f"{file} {what}:\n{folder}\n{REMEDY}")

    if not packed.is_file() and not plain.is_file():
        raise wrong("is missing, with and without .gz")
    with tempfile.TemporaryDirectory() as unpacked:
        try:
            if packed.is_file():
                plain = Path(unpacked) / name
                plain.write_bytes(gzip.decompress(packed.read_bytes()))
            tensor = read_sn3_pascalvincent_tensor(str(plain))
        except UNREADABLE as error:
            raise wrong("is damaged, cut short or no IDX file") from error
    if tensor.dtype != torch.uint8 or tensor.ndim != dimensions:
        raise wrong(f"has {tensor.ndim} dimensions of {tensor.dtype},\nnot {dimensions} of torch.uint8")
    return tensor


def read_half(folder: Path, names: tuple[str, str]) -> tuple[Tensor, Tensor]:
    """Images (n, 28, 28) and labels (n,) of one half, uint8.

    Raises:
        DataError: a file is not what it should be; says which and what to do.
    """
    images, labels = read_idx(folder, names[0], 3), read_idx(folder, names[1], 1)
    height, width = images.shape[1:]
    if (height, width) != (SIDE, SIDE):
        raise DataError(f"{names[0]} has images of {height}x{width} pixels,\nnot {SIDE}x{SIDE}:\n{folder}\n{REMEDY}")
    if len(images) != len(labels):
        raise DataError(f"{len(images)} images in {names[0]}, but\n{len(labels)} labels:\n{folder}\n{REMEDY}")
    if labels.max() >= CLASSES:
        text = f"{names[1]} has the label {labels.max()},\nwhere 0 to {CLASSES - 1} are known"
        raise DataError(f"{text}:\n{folder}\n{REMEDY}")
    return images, labels


def prepare_mnist(folder: Path | None = None) -> Path:
    """Make sure that the data can be read.

    Args:
        folder: the one that holds the four files; the course's when not given.

    Returns:
        That folder.

    Raises:
        DataError: a file is not what it should be; says which and what to do.
    """
    folder = find_data() if folder is None else Path(folder).absolute()
    for names in (TRAINING, TEST):
        read_half(folder, names)
    return folder


def load_mnist(folder: Path | None = None) -> Mnist:
    """Read the data; arguments and errors are those of `prepare_mnist`."""
    folder = find_data() if folder is None else Path(folder).absolute()
    halves = [read_half(folder, names) for names in (TRAINING, TEST)]
    (train_images, train_labels), (test_images, test_labels) = (
        (images.unsqueeze(1).to(torch.float32).div_(255), labels.long()) for images, labels in halves
    )
    return Mnist(train_images, train_labels, test_images, test_labels)


def minibatches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Minibatches for ever: each epoch visits every image once, in a new random order.

    The last batch of an epoch is smaller where batch_size does not divide the number of images.
    """
    while True:
        for indices in torch.randperm(len(images), device=images.device).split(batch_size):
            yield images[indices]
