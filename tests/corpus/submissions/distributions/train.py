"""Tasks 3.2 and 4.6: data loaders and callbacks."""

from dataclasses import dataclass, field
from typing import Any, Callable

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from ELBO import elbo_loss


def minibatches(images, batch_size):
    while True:
        for indices in torch.randperm(len(images), device=images.device).split(batch_size):
            yield images[indices]


@dataclass
class Fit:
    """One training.

    Attributes:
        objective: model, minibatch -> loss.
        report: loss -> what goes into the history.
    """

    model: nn.Module
    objective: Callable[[nn.Module, torch.Tensor], torch.Tensor]
    report: Callable[[float], float] = float
    lr: float = 1e-3
    callbacks: list = field(default_factory=list)
    history: list = field(default_factory=list)

    def __post_init__(self):
        self.adam = torch.optim.Adam(self.model.parameters(), lr=self.lr)

    def step(self, x):
        loss = self.objective(self.model, x)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.history.append(self.report(loss.item()))
        for callback in self.callbacks:
            callback(len(self.history) - 1, self.history[-1])

    def run(self, images, iterations, batch_size):
        self.model.train()
        data = TensorDataset(images)
        while len(self.history) < iterations:
            for (x,) in DataLoader(data, batch_size, sampler=RandomSampler(data)):
                if len(self.history) == iterations:
                    break
                self.step(x)
        return self.history


def reconstruction_error(model, x):
    return nn.functional.mse_loss(model(x), x)


def negative_elbo(model, x):
    return elbo_loss(x, *model(x))


def train_autoencoder(model, images, iterations, batch_size=100, lr=1e-3, on_step: Any = None):
    return Fit(model, reconstruction_error, lr=lr, callbacks=[on_step] if on_step else []).run(
        images, iterations, batch_size
    )


def train_vae(model, images, iterations, batch_size=100, lr=1e-3, on_step: Any = None):
    return Fit(model, negative_elbo, lambda loss: -loss, lr, [on_step] if on_step else []).run(
        images, iterations, batch_size
    )


if __name__ == "__main__":
    from VAE import VAE

    print(train_vae(VAE(), torch.rand(500, 1, 28, 28), 5, on_step=print))
