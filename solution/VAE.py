"""A variational autoencoder (VAE) for 28x28 images."""

import torch  # noqa: F401 (for your code)
from torch import Tensor, nn


class MLPEncoder(nn.Module):
    """Task {{task:vae_mlp}}: images (B, 1, 28, 28) to the mean and log-variance of q(z | x), each (B, latent_dim).

    The second result is the LOGARITHM of the variance, log sigma^2: any real number, and not sigma, which would have to
    be positive. Fully connected layers.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU())
        self.mu = nn.Linear(200, latent_dim)
        self.logvar = nn.Linear(200, latent_dim)
        # END SOLUTION

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # BEGIN SOLUTION
        h = self.trunk(x)
        return self.mu(h), self.logvar(h)
        # END SOLUTION


class MLPDecoder(nn.Module):
    """Task {{task:vae_mlp}}: latents (B, latent_dim) to mean images (B, 1, 28, 28) with pixels in [0, 1].

    Fully connected layers.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, 200),
            nn.ReLU(),
            nn.Linear(200, 400),
            nn.ReLU(),
            nn.Linear(400, 28 * 28),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, 28, 28)),
        )
        # END SOLUTION

    def forward(self, z: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return self.layers(z)
        # END SOLUTION


class ConvEncoder(nn.Module):
    """Task {{task:vae_conv}}: the convolutional counterpart of MLPEncoder; same shapes in and out."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=4, stride=2, padding=1),  # (B, 16, 14, 14)
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=4, stride=2, padding=1),  # (B, 32, 7, 7)
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 200),
            nn.ReLU(),
        )
        self.mu = nn.Linear(200, latent_dim)
        self.logvar = nn.Linear(200, latent_dim)
        # END SOLUTION

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # BEGIN SOLUTION
        h = self.trunk(x)
        return self.mu(h), self.logvar(h)
        # END SOLUTION


class ConvDecoder(nn.Module):
    """Task {{task:vae_conv}}: the convolutional counterpart of MLPDecoder; same shapes in and out."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # BEGIN SOLUTION
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, 200),
            nn.ReLU(),
            nn.Linear(200, 32 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 16, kernel_size=4, stride=2, padding=1),  # (B, 16, 14, 14)
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, kernel_size=4, stride=2, padding=1),  # (B, 1, 28, 28)
            nn.Sigmoid(),
        )
        # END SOLUTION

    def forward(self, z: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return self.layers(z)
        # END SOLUTION


# Encoder and decoder of every architecture.
ARCHITECTURES = {
    "mlp": (MLPEncoder, MLPDecoder),
    # FOR vae_conv architectures
    "conv": (ConvEncoder, ConvDecoder),
    # END FOR
}


class VAE(nn.Module):
    """A VAE with a standard normal prior, a diagonal normal posterior and a unit-variance Gaussian output.

    Args:
        latent_dim: number of latent units k.
        architecture: one of ARCHITECTURES.

    Raises:
        ValueError: for an unknown architecture.
    """

    def __init__(self, latent_dim: int = 2, architecture: str = "mlp") -> None:
        super().__init__()
        if architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {architecture!r}: choose one of {', '.join(ARCHITECTURES)}")
        make_encoder, make_decoder = ARCHITECTURES[architecture]
        self.latent_dim = latent_dim
        self.encoder = make_encoder(latent_dim)
        self.decoder = make_decoder(latent_dim)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, 28, 28) to (mu, logvar) of the posterior q(z | x), each (B, k); logvar is log sigma^2."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Latents (B, k) to mean images (B, 1, 28, 28)."""
        return self.decoder(z)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """Task {{task:reparameterize}}: one z ~ N(mu, exp(logvar)) for every row, differentiable in mu and logvar.

        z = mu + sigma * eps with eps ~ N(0, I) drawn afresh for every entry at every call
        (Kingma & Welling 2014, section 2.4).

        Args:
            mu, logvar: (B, k); logvar is the logarithm of the VARIANCE.

        Returns:
            z, (B, k).

        Hint: gradients must reach mu and logvar. A sample drawn by a library call that takes mu and sigma may
        look right and still carry no gradient.
        """
        # BEGIN SOLUTION
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        # END SOLUTION

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 1, 28, 28) to (recon_x, mu, logvar), decoding one posterior sample per image."""
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar
