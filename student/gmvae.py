"""The mixture-of-Gaussians VAE. Only `GMVAE.negative_elbo_bound` is yours to write.

Parameter names and shapes are those of the published versions of this model, so that checkpoints can be exchanged.
"""

import math

import torch
from torch import Tensor, nn

import utils

PIXELS = 28 * 28
HIDDEN = 300


class Encoder(nn.Module):
    """q(z | x): binary images (B, 784) to (mean, variance), each (B, z_dim).

    The second is the diagonal of the covariance, sigma^2, and not a standard deviation.
    """

    def __init__(self, z_dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(PIXELS, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, 2 * z_dim)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return utils.gaussian_parameters(self.net(x), dim=1)


class Decoder(nn.Module):
    """p(x | z): latents (B, z_dim) to the logits of 784 Bernoulli pixels, (B, 784)."""

    def __init__(self, z_dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(z_dim, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, HIDDEN), nn.ELU(), nn.Linear(HIDDEN, PIXELS)
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z)


class GMVAE(nn.Module):
    """VAE whose prior is a uniformly weighted mixture of k learned diagonal normals.

    Args:
        z_dim: number of latent units.
        k: number of mixture components.
    """

    def __init__(self, z_dim: int = 10, k: int = 500) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.k = k
        self.enc = Encoder(z_dim)
        self.dec = Decoder(z_dim)
        # The k means, then the k variances before their softplus, stacked along dimension 1.
        self.z_pre = nn.Parameter(torch.randn(1, 2 * k, z_dim) / math.sqrt(k * z_dim))
        self.pi = nn.Parameter(torch.full((k,), 1 / k), requires_grad=False)

    def prior(self) -> tuple[Tensor, Tensor]:
        """Means and variances of the mixture components, each (1, k, z_dim)."""
        return utils.gaussian_parameters(self.z_pre, dim=1)

    def negative_elbo_bound(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Task 5.2: Monte-Carlo estimate of the negative ELBO and its two parts, one z per image.

        Args:
            x: binary images, (B, 784), entries 0 or 1.

        Returns:
            (nelbo, kl, rec), each a 0-d tensor, nats, averaged over the batch, with nelbo = kl + rec:
            kl estimates KL(q(z | x) || p(z)), rec = -log p(x | z) is a cost. Both are small for a good model.

        Hint: the KL divergence to a mixture has no closed form. Evaluate log q and log p at the SAME sample.
        Hint: `self.prior()` gives the components; `utils` has everything else.
        """
        # YOUR CODE HERE (the reference solution has 5 lines here)
        raise NotImplementedError("Task 5.2: negative_elbo_bound, see README section 5.2")

    def sample_z(self, n: int) -> Tensor:
        """n draws from the mixture prior, (n, z_dim)."""
        m, v = self.prior()
        component = torch.multinomial(self.pi, n, replacement=True)
        return utils.sample_gaussian(m[0, component], v[0, component])

    def compute_sigmoid_given(self, z: Tensor) -> Tensor:
        """Pixel probabilities of the images decoded from latents z (n, z_dim): (n, 784)."""
        return torch.sigmoid(self.dec(z))

    def sample_sigmoid(self, n: int) -> Tensor:
        """Pixel probabilities of n images decoded from the prior, (n, 784)."""
        return self.compute_sigmoid_given(self.sample_z(n))

    def sample_x(self, n: int) -> Tensor:
        """n binary images from the model, (n, 784)."""
        return torch.bernoulli(self.sample_sigmoid(n))
