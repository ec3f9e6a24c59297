"""Random samples of images for pictures (provided): the same for every model, so that pictures can be compared."""

import torch
from torch import Tensor

from lab.run.part import Workplace


def sample(images: Tensor, labels: Tensor, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """n of these images (N, 1, 28, 28) and their labels (N,), chosen at random."""
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:n]
    return images[chosen], labels[chosen]


def sample_test_images(work: Workplace, n: int) -> tuple[Tensor, Tensor]:
    """n test images and their labels."""
    mnist = work.mnist()
    return sample(mnist.test_images, mnist.test_labels, n, work.settings["seed"])


def sample_training_images(work: Workplace, n: int) -> tuple[Tensor, Tensor]:
    """n training images and their labels."""
    mnist = work.mnist()
    return sample(mnist.train_images, mnist.train_labels, n, work.settings["seed"])
