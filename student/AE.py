"""An autoencoder for 28x28 images with a bottleneck of a few numbers."""

from torch import Tensor, nn


class Encoder(nn.Module):
    """Task 3.1: images (B, 1, 28, 28) to codes (B, latent_dim).

    About three linear layers with activations between them. Hint: the code may be any real number, so think
    about what the last layer must NOT have.
    """

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 8 lines here)
        raise NotImplementedError("Task 3.1: Encoder.__init__, see README section 3.1")

    def forward(self, x: Tensor) -> Tensor:
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task 3.1: Encoder.forward, see README section 3.1")


class Decoder(nn.Module):
    """Task 3.1: codes (B, latent_dim) to images (B, 1, 28, 28) with pixels in [0, 1]."""

    def __init__(self, latent_dim: int = 2) -> None:
        super().__init__()
        # YOUR CODE HERE (the reference solution has 9 lines here)
        raise NotImplementedError("Task 3.1: Decoder.__init__, see README section 3.1")

    def forward(self, z: Tensor) -> Tensor:
        # YOUR CODE HERE (the reference solution has 1 line here)
        raise NotImplementedError("Task 3.1: Decoder.forward, see README section 3.1")


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
