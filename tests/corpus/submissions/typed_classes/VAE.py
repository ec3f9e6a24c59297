"""Tasks 4.1 and 4.2: the variational autoencoder."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from my_helpers import IMAGE_PIXELS, DiagonalGaussian, MultiLayerPerceptron, as_images, flat_images

LATENTS_PER_UNIT: Final[int] = 2  # a mean and a log-variance


class TwoHeads(nn.Module):
    """Features to mean and log-variance."""

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.mean: nn.Linear = nn.Linear(features, latent_dim)
        self.log_variance: nn.Linear = nn.Linear(features, latent_dim)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(features), self.log_variance(features)


class MLPEncoder(nn.Module):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.body: MultiLayerPerceptron = MultiLayerPerceptron([IMAGE_PIXELS, 300, 100], nn.GELU)
        self.activation: nn.GELU = nn.GELU()
        self.heads: TwoHeads = TwoHeads(100, latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.heads(self.activation(self.body(flat_images(x))))


class MLPDecoder(nn.Module):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.body: MultiLayerPerceptron = MultiLayerPerceptron([latent_dim, 100, 300, IMAGE_PIXELS], nn.GELU)

    def forward(self, z: Tensor) -> Tensor:
        return as_images(self.body(z).sigmoid())


class HalvingBlock(nn.Sequential):
    """A strided convolution that halves the image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size=3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class DoublingBlock(nn.Sequential):
    """A transposed convolution that doubles the image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1))


class ConvEncoder(nn.Module):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.blocks: nn.Sequential = nn.Sequential(HalvingBlock(1, 12), HalvingBlock(12, 24), nn.Flatten())
        self.heads: TwoHeads = TwoHeads(24 * 7 * 7, latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.heads(self.blocks(x))


class ConvDecoder(nn.Module):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.seed: nn.Linear = nn.Linear(latent_dim, 24 * 7 * 7)
        self.blocks: nn.Sequential = nn.Sequential(DoublingBlock(24, 12), DoublingBlock(12, 1))

    def forward(self, z: Tensor) -> Tensor:
        small: Tensor = self.seed(z).reshape(z.shape[0], 24, 7, 7)
        return torch.sigmoid(self.blocks(small))


ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "mlp": (MLPEncoder, MLPDecoder),
    "conv": (ConvEncoder, ConvDecoder),
}


class VAE(nn.Module):
    def __init__(self, latent_dim: int = 2, architecture: str = "mlp") -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {architecture!r}: choose one of {', '.join(ARCHITECTURES)}")
        encoder_type, decoder_type = ARCHITECTURES[architecture]
        self.latent_dim: int = latent_dim
        self.encoder: nn.Module = encoder_type(latent_dim)
        self.decoder: nn.Module = decoder_type(latent_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        return DiagonalGaussian(mu, logvar.exp()).draw()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar
