"""Training by stochastic gradient descent on minibatches."""

from collections.abc import Callable

import torch  # noqa: F401 (for your code)
from torch import Tensor, nn

from ELBO import elbo_loss  # noqa: F401 (for your code)
from mnist import minibatches  # noqa: F401 (for your code)

OnStep = Callable[[int, float], None]


def train_autoencoder(
    model: nn.Module,
    images: Tensor,
    iterations: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    on_step: OnStep | None = None,
) -> list[float]:
    """Task 3.2: train an autoencoder to reconstruct its input.

    Args:
        model: maps images (B, 1, 28, 28) to reconstructions of the same shape. Trained in place, in train mode.
        images: (N, 1, 28, 28), on the device of the model.
        iterations: number of Adam steps, each on one minibatch.
        batch_size: images of a minibatch; the last one of an epoch may be smaller.
        lr: Adam's learning rate, the same at every step; its other settings are PyTorch's defaults.
        on_step: called as on_step(iteration, loss) after every step, iteration = 0, 1, ...

    Returns:
        The loss at every iteration: the mean squared error over all pixels of the minibatch.
    """
    # YOUR CODE HERE (the reference solution has 12 lines here)
    raise NotImplementedError("Task 3.2: train_autoencoder, see README section 3.2")


def train_vae(
    model: nn.Module,
    images: Tensor,
    iterations: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    on_step: OnStep | None = None,
) -> list[float]:
    """Task 4.6: train a VAE by maximising the ELBO.

    Args:
        model: maps images (B, 1, 28, 28) to (recon_x, mu, logvar). Trained in place, in train mode.
        images: (N, 1, 28, 28), on the device of the model.
        iterations: number of Adam steps, each on one minibatch.
        batch_size: images of a minibatch; the last one of an epoch may be smaller.
        lr: Adam's learning rate, the same at every step; its other settings are PyTorch's defaults.
        on_step: called as on_step(iteration, elbo) after every step, iteration = 0, 1, ...

    Returns:
        The ELBO (nats per image, LARGER is better) of the minibatch at every iteration.

    Hint: what you minimise and what you report differ in sign.
    """
    # YOUR CODE HERE (the reference solution has 12 lines here)
    raise NotImplementedError("Task 4.6: train_vae, see README section 4.6")
