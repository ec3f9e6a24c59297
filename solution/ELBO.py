"""The loss of a VAE: the negative evidence lower bound (ELBO), in nats per image."""

import math  # noqa: F401 (for your code)

from torch import Tensor


def negative_log_likelihood(x: Tensor, recon_x: Tensor) -> Tensor:
    """Task {{task:negative_log_likelihood}}: -log p(x | z) for a Gaussian output distribution N(recon_x, I).

    The whole of it, the constant D/2 log(2 pi) of D pixels included, so that values can be compared across models.

    Args:
        x: images, (B, ...), any number of pixels D.
        recon_x: decoder means, same shape as x.

    Returns:
        0-d tensor, nats: SUMMED over the pixels of an image, AVERAGED over the batch.
    """
    # BEGIN SOLUTION
    squared_error = (x - recon_x).flatten(start_dim=1).square().sum(dim=1)  # (B,)
    pixels = x[0].numel()
    return 0.5 * squared_error.mean() + 0.5 * pixels * math.log(2 * math.pi)
    # END SOLUTION


def kl_diag_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Task {{task:kl_diag_normal}}: KL(N(mu, diag(exp(logvar))) || N(0, I)) (Kingma & Welling 2014, appendix B).

    Args:
        mu, logvar: (B, k); logvar is the logarithm of the VARIANCE.

    Returns:
        0-d tensor, nats: SUMMED over the latents, AVERAGED over the batch.
    """
    # BEGIN SOLUTION
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=1).mean()
    # END SOLUTION


def elbo_loss(x: Tensor, recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Task {{task:elbo_loss}}: the loss to minimise, reconstruction cost plus KL divergence = MINUS the ELBO.

    Args:
        x, recon_x: as for `negative_log_likelihood`.
        mu, logvar: as for `kl_diag_normal`.

    Returns:
        0-d tensor, nats, averaged over the batch; smaller is better.
    """
    # BEGIN SOLUTION
    return negative_log_likelihood(x, recon_x) + kl_diag_normal(mu, logvar)
    # END SOLUTION
