"""Tasks 3.2 and 4.6: training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Optional

import torch
from torch import Tensor, nn

from ELBO import elbo_loss
from my_helpers import shuffled_batches

OnStep = Callable[[int, float], None]


def minibatches(images: Tensor, batch_size: int) -> Iterator[Tensor]:
    return shuffled_batches(images, batch_size)


class Trainer(ABC):
    """Runs Adam; subclasses say what to minimise and what to report."""

    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        self.model: nn.Module = model
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)

    @abstractmethod
    def loss(self, batch: Tensor) -> Tensor:
        """What to minimise."""

    def reported(self, loss: float) -> float:
        """What the caller wants to know."""
        return loss

    def step(self, batch: Tensor) -> float:
        self.optimizer.zero_grad()
        loss: Tensor = self.loss(batch)
        loss.backward()
        self.optimizer.step()
        return self.reported(loss.item())

    def run(self, images: Tensor, iterations: int, batch_size: int, on_step: Optional[OnStep]) -> list[float]:
        self.model.train()
        batches: Iterator[Tensor] = minibatches(images, batch_size)
        history: list[float] = []
        for iteration in range(iterations):
            history.append(self.step(next(batches)))
            if on_step is not None:
                on_step(iteration, history[-1])
        return history


class AutoencoderTrainer(Trainer):
    def loss(self, batch: Tensor) -> Tensor:
        return nn.functional.mse_loss(self.model(batch), batch)


class VAETrainer(Trainer):
    def loss(self, batch: Tensor) -> Tensor:
        recon_x, mu, logvar = self.model(batch)
        return elbo_loss(batch, recon_x, mu, logvar)

    def reported(self, loss: float) -> float:
        return -loss


def train_autoencoder(
    model: nn.Module,
    images: Tensor,
    iterations: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    on_step: Optional[OnStep] = None,
) -> list[float]:
    return AutoencoderTrainer(model, lr).run(images, iterations, batch_size, on_step)


def train_vae(
    model: nn.Module,
    images: Tensor,
    iterations: int,
    batch_size: int = 100,
    lr: float = 1e-3,
    on_step: Optional[OnStep] = None,
) -> list[float]:
    return VAETrainer(model, lr).run(images, iterations, batch_size, on_step)
