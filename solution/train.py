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
    """Task {{task:train_autoencoder}}: train an autoencoder to reconstruct its input.

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
    # BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    model.train()
    losses = []
    for iteration, x in zip(range(iterations), minibatches(images, batch_size), strict=False):
        loss = (model(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if on_step is not None:
            on_step(iteration, losses[-1])
    return losses
    # END SOLUTION


def train_vae(
    model: nn.Module,
    images: Tensor,
    iterations: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    on_step: OnStep | None = None,
) -> list[float]:
    """Task {{task:train_vae}}: train a VAE by maximising the ELBO.

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
    # BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    model.train()
    elbos = []
    for iteration, x in zip(range(iterations), minibatches(images, batch_size), strict=False):
        loss = elbo_loss(x, *model(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        elbos.append(-loss.item())
        if on_step is not None:
            on_step(iteration, elbos[-1])
    return elbos
    # END SOLUTION
