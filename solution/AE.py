"""An autoencoder for 28x28 images with a bottleneck of a few numbers."""

from torch import Tensor, nn


class Encoder(nn.Module):
    """Task {{task:autoencoder}}: images (B, 1, 28, 28) to codes (B, latent_dim).

    About three linear layers with activations between them. Hint: the code may be any real number, so think
    about what the last layer must NOT have.
    """

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28, 512),
            nn.ReLU(),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Linear(128, latent_dim),
        )
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return self.layers(x)
        # END SOLUTION


class Decoder(nn.Module):
    """Task {{task:autoencoder}}: codes (B, latent_dim) to images (B, 1, 28, 28) with pixels in [0, 1]."""

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, 128),
            nn.ReLU(),
            nn.Linear(128, 512),
            nn.ReLU(),
            nn.Linear(512, 28 * 28),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, 28, 28)),
        )
        # END SOLUTION

    def forward(self, z: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return self.layers(z)
        # END SOLUTION


class Autoencoder(nn.Module):
    """Encoder and decoder in one model (provided).

    Args:
        latent_dim: size k of the bottleneck.
    """

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = Encoder(latent_dim)
        self.decoder = Decoder(latent_dim)

    def encode(self, x: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) to codes (B, k)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, k) to images (B, 1, 28, 28)."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) to their reconstructions, of the same shape."""
        return self.decode(self.encode(x))
