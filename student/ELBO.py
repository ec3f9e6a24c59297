"""The loss of a VAE: the negative evidence lower bound (ELBO), in nats per image."""

import math  # noqa: F401 (for your code)

from torch import Tensor


def negative_log_likelihood(x: Tensor, recon_x: Tensor) -> Tensor:
    """Task 4.3: -log p(x | z) for a Gaussian output distribution N(recon_x, I).

    The whole of it, the constant D/2 log(2 pi) of D pixels included, so that values can be compared across models.

    Args:
        x: images, (B, ...), any number of pixels D.
        recon_x: decoder means, same shape as x.

    Returns:
        0-d tensor, nats: SUMMED over the pixels of an image, AVERAGED over the batch.
    """
    # YOUR CODE HERE (the reference solution has 3 lines here)
    raise NotImplementedError("Task 4.3: negative_log_likelihood, see README section 4.3")


def kl_diag_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Task 4.4: KL(N(mu, diag(exp(logvar))) || N(0, I)) (Kingma & Welling 2014, appendix B).

    Args:
        mu, logvar: (B, k); logvar is the logarithm of the VARIANCE.

    Returns:
        0-d tensor, nats: SUMMED over the latents, AVERAGED over the batch.
    """
    # YOUR CODE HERE (the reference solution has 1 line here)
    raise NotImplementedError("Task 4.4: kl_diag_normal, see README section 4.4")


def elbo_loss(x: Tensor, recon_x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Task 4.5: the loss to minimise, reconstruction cost plus KL divergence = MINUS the ELBO.

    Args:
        x, recon_x: as for `negative_log_likelihood`.
        mu, logvar: as for `kl_diag_normal`.

    Returns:
        0-d tensor, nats, averaged over the batch; smaller is better.
    """
    # YOUR CODE HERE (the reference solution has 1 line here)
    raise NotImplementedError("Task 4.5: elbo_loss, see README section 4.5")
