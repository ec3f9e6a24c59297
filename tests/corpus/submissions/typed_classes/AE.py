"""Task 3.1: the autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from my_helpers import IMAGE_PIXELS, MultiLayerPerceptron, as_images, flat_images


class Encoder(nn.Module):
    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        self.perceptron: MultiLayerPerceptron = MultiLayerPerceptron([IMAGE_PIXELS, 256, 64, latent_dim], nn.ELU)

    def forward(self, x: Tensor) -> Tensor:
        return self.perceptron(flat_images(x))


class Decoder(nn.Module):
    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        self.perceptron: MultiLayerPerceptron = MultiLayerPerceptron([latent_dim, 64, 256, IMAGE_PIXELS], nn.ELU)

    def forward(self, z: Tensor) -> Tensor:
        return as_images(torch.sigmoid(self.perceptron(z)))


class Autoencoder(nn.Module):
    """Encoder and decoder in one model."""

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        self.latent_dim: int = latent_dim
        self.encoder: Encoder = Encoder(latent_dim)
        self.decoder: Decoder = Decoder(latent_dim)

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))
