"""A variational autoencoder (VAE) for 28x28 images."""

import torch  # noqa: F401 (for your code)
from torch import Tensor, nn


class MLPEncoder(nn.Module):
    """Task 4.1: images (B, 1, 28, 28) to the mean and log-variance of q(z | x), each (B, latent_dim).

    The second result is the LOGARITHM of the variance, log sigma^2: any real number, and not sigma, which would have to
    be positive. Fully connected layers.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 3 lines here)
        raise NotImplementedError("Task 4.1: MLPEncoder.__init__, see README section 4.1")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # YOUR CODE HERE (the reference solution has 2 lines here)
        raise NotImplementedError("Task 4.1: MLPEncoder.forward, see README section 4.1")


class MLPDecoder(nn.Module):
    """Task 4.1: latents (B, latent_dim) to mean images (B, 1, 28, 28) with pixels in [0, 1].

    Fully connected layers.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 9 lines here)
        raise NotImplementedError("Task 4.1: MLPDecoder.__init__, see README section 4.1")

    def forward(self, z: Tensor) -> Tensor:
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task 4.1: MLPDecoder.forward, see README section 4.1")


class ConvEncoder(nn.Module):
    """Task 4.12: the convolutional counterpart of MLPEncoder; same shapes in and out."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 11 lines here)
        raise NotImplementedError("Task 4.12: ConvEncoder.__init__, see README section 4.12")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # YOUR CODE HERE (the reference solution has 2 lines here)
        raise NotImplementedError("Task 4.12: ConvEncoder.forward, see README section 4.12")


class ConvDecoder(nn.Module):
    """Task 4.12: the convolutional counterpart of MLPDecoder; same shapes in and out."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 11 lines here)
        raise NotImplementedError("Task 4.12: ConvDecoder.__init__, see README section 4.12")

    def forward(self, z: Tensor) -> Tensor:
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task 4.12: ConvDecoder.forward, see README section 4.12")


# Encoder and decoder of every architecture.
ARCHITECTURES = {
    "mlp": (MLPEncoder, MLPDecoder),
    "conv": (ConvEncoder, ConvDecoder),
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
        """Task 4.2: one z ~ N(mu, exp(logvar)) for every row, differentiable in mu and logvar.

        z = mu + sigma * eps with eps ~ N(0, I) drawn afresh for every entry at every call
        (Kingma & Welling 2014, section 2.4).

        Args:
            mu, logvar: (B, k); logvar is the logarithm of the VARIANCE.

        Returns:
            z, (B, k).

        Hint: gradients must reach mu and logvar. A sample drawn by a library call that takes mu and sigma may
        look right and still carry no gradient.
        """
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task 4.2: reparameterize, see README section 4.2")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 1, 28, 28) to (recon_x, mu, logvar), decoding one posterior sample per image."""
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar
