"""Base classes of the networks: a subclass says which layers it has, the base class how they are used."""

import torch
from torch import nn


class Network(nn.Module):
    """`layers()` of a subclass, one after the other."""

    def __init__(self, latent_dim=2):
        super().__init__()
        self.latent_dim = latent_dim
        self.body = nn.Sequential(*self.layers(latent_dim))

    def layers(self, latent_dim):
        raise TypeError("a subclass must say which layers it has")

    def forward(self, value):
        return self.body(value)


class ImageEncoder(Network):
    """Images to numbers."""


class ImageDecoder(Network):
    """Numbers to images: the subclass gives logits, any shape with 784 numbers."""

    def forward(self, value):
        return torch.sigmoid(super().forward(value)).view(value.shape[0], 1, 28, 28)
