"""Tasks 4.3 to 4.5: the loss of a VAE."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from my_helpers import LOG_TWO_PI, flat_images


@dataclass(frozen=True)
class LossTerms:
    """The two parts of the negative ELBO."""

    reconstruction: Tensor
    divergence: Tensor

    def total(self) -> Tensor:
        return torch.add(self.reconstruction, self.divergence)


def negative_log_likelihood(x: Tensor, recon_x: Tensor) -> Tensor:
    residuals: Tensor = flat_images(recon_x) - flat_images(x)
    per_pixel: Tensor = 0.5 * residuals.square() + 0.5 * LOG_TWO_PI
    return per_pixel.sum(dim=1).mean(dim=0)


def kl_diag_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    per_latent: Tensor = 0.5 * (torch.exp(logvar) - logvar + mu.square() - 1.0)
    return per_latent.sum(dim=1).mean(dim=0)


def elbo_loss(x: Tensor, recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return LossTerms(negative_log_likelihood(x, recon_x), kl_diag_normal(mu, logvar)).total()
