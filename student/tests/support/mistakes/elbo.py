"""What the usual mistakes make of the VAE's costs: {explanation: value}, for `diagnose.check_close`."""

import numpy as np

from support.oracles import kl_diag_normal, negative_log_likelihood

LOG_2PI = float(np.log(2 * np.pi))


def of_negative_log_likelihood(x: np.ndarray, recon_x: np.ndarray) -> dict[str, float]:
    """Images and decoder means, (B, ...)."""
    batch, pixels, width = len(x), x[0].size, x.shape[-1]
    x, recon_x = (value.astype(np.float64).reshape(batch, -1) for value in (x, recon_x))
    error = x - recon_x
    squares = np.square(error).sum(axis=1)
    half, constant = squares / 2, pixels / 2 * LOG_2PI
    right = half.mean() + constant
    p = np.clip(recon_x, 1e-7, 1 - 1e-7)
    binary = -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(axis=1)
    return {
        "the constant D/2 log(2 pi) is missing": half.mean(),
        "the constant is counted once, not once for every pixel": half.mean() + LOG_2PI / 2,
        "the constant is D log(2 pi) rather than half of that": half.mean() + 2 * constant,
        "the constant is that of the whole batch": half.mean() + batch * constant,
        "the sign of the constant is wrong": half.mean() - constant,
        "the constant has log(pi) where log(2 pi) should be": half.mean() + pixels / 2 * np.log(np.pi),
        "the constant is that of 784 pixels, whatever the images; D is the number of pixels of one image": half.mean()
        + 784 / 2 * LOG_2PI,
        "the constant is that of square images of one channel; D is the number of pixels of one image": half.mean()
        + width**2 / 2 * LOG_2PI,
        "the 1/2 before the squared error is missing": squares.mean() + constant,
        "the 1/2 and the constant are missing: this is the summed squared error": squares.mean(),
        "the cost is averaged over the pixels; it should be summed over them": right / pixels,
        "only the squared error is averaged over the pixels; sum it": half.mean() / pixels + constant,
        "this is the mean squared error, averaged over the pixels, without 1/2 and constant": squares.mean() / pixels,
        "the squared error is averaged over the pixels, without the constant": half.mean() / pixels,
        "the cost is summed over the batch; it should be averaged": half.sum() + batch * constant,
        "the squared error is summed over the batch; it should be averaged": half.sum() + constant,
        "the squared error is summed over the batch, and the constant is missing": half.sum(),
        "the squared error is summed over the batch and averaged over the pixels; it should be the other way round": (
            half.sum() / pixels + constant
        ),
        "this is the summed squared error of the batch, without 1/2 and constant": squares.sum(),
        "it is divided by 100, whatever the batch": half.sum() / 100 + constant,
        "the sign is wrong: it is MINUS log p(x | z)": -right,
        "this is the binary cross-entropy; the output distribution is Gaussian": binary.mean(),
        "this is the binary cross-entropy, averaged over the pixels": binary.mean() / pixels,
        "the batch is not averaged over, but multiplied into the pixels": right / batch,
        "the errors are not squared: their absolute values are summed": np.abs(error).sum(axis=1).mean() / 2 + constant,
        "the square root is taken; the cost is the squared error itself": np.sqrt(squares).mean() / 2 + constant,
        "the reconstruction is clamped to [0, 1]; the formula holds outside as well": (
            np.square(x - np.clip(recon_x, 0, 1)).sum(axis=1).mean() / 2 + constant
        ),
        "the variance is fitted to the errors; the output distribution is N(recon_x, I), of variance 1": (
            pixels / 2 * (np.log(squares.mean() / pixels + 1e-300) + 1 + LOG_2PI)
        ),
    }


def of_kl_diag_normal(mu: np.ndarray, logvar: np.ndarray) -> dict[str, float]:
    """Means and log-variances, (B, k)."""
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    batch, latents = mu.shape
    per_image = kl_diag_normal(mu, logvar)
    with np.errstate(all="ignore"):
        right, variance, log_of_logvar = per_image.mean(), np.exp(logvar), np.log(logvar)

        def half_sum(terms: np.ndarray) -> float:
            return 0.5 * terms.sum(axis=1).mean()

        return {
            "the sign is wrong: a KL divergence is never negative": -right,
            "the KL is averaged over the latents; it should be summed over them": right / latents,
            "the KL is summed over the batch; it should be averaged": per_image.sum(),
            "the KL is summed over the batch and averaged over the latents; it should be the other way round": (
                per_image.sum() / latents
            ),
            "the 1/2 is missing": 2 * right,
            "the 1/2 is missing, and the KL is summed over the batch": 2 * per_image.sum(),
            "the 1/2 belongs to every term, not to the first alone": half_sum(mu**2)
            + 2 * half_sum(variance - 1 - logvar),
            "logvar is taken for the log of the STANDARD DEVIATION": half_sum(mu**2 + variance**2 - 1 - 2 * logvar),
            "logvar is taken for the VARIANCE": half_sum(mu**2 + logvar - 1 - log_of_logvar),
            "sigma stands where sigma squared should": half_sum(mu**2 + np.sqrt(variance) - 1 - logvar),
            "the log of the standard deviation stands where that of the variance should": half_sum(
                mu**2 + variance - 1 - logvar / 2
            ),
            "the sum of -log sigma + sigma^2 + mu^2 is not the KL divergence": 2
            * half_sum(mu**2 + variance - logvar / 2),
            "the -1 is missing": half_sum(mu**2 + variance - logvar),
            "the -1 is counted once per image; it belongs to every latent": half_sum(mu**2 + variance - logvar) - 0.5,
            "mu is not squared": half_sum(mu + variance - 1 - logvar),
            "the absolute value of mu stands where its square should": half_sum(np.abs(mu) + variance - 1 - logvar),
            "the square of mu is missing": half_sum(variance - 1 - logvar),
            "the logarithm has the wrong sign": half_sum(mu**2 + variance - 1 + logvar),
            "it is the KL the other way round, from the prior to the posterior": half_sum(
                (1 + mu**2) / variance - 1 + logvar
            ),
            "mu and logvar have changed places": half_sum(logvar**2 + np.exp(mu) - 1 - mu),
            "it is in bits (log base 2); it should be in nats": right / np.log(2),
            "it is divided by 100, whatever the batch": per_image.sum() / 100,
            "only the first two latents are counted": kl_diag_normal(mu[:, :2], logvar[:, :2]).mean(),
        }


def of_elbo_loss(x: np.ndarray, recon_x: np.ndarray, mu: np.ndarray, logvar: np.ndarray) -> dict[str, float]:
    """As for the two costs; recon_x and x as well as mu and logvar have the same shape."""
    cost, divergence = negative_log_likelihood(x, recon_x).mean(), kl_diag_normal(mu, logvar).mean()
    right, batch, pixels = cost + divergence, len(x), x[0].size
    half = cost - pixels / 2 * LOG_2PI
    own_cost = "the reconstruction cost should be what negative_log_likelihood returns"
    return {
        "the KL is subtracted; in a loss it is added": cost - divergence,
        "the sign is wrong: this is the ELBO, the loss is MINUS that": -right,
        "the KL is missing, or has the weight 0": cost,
        "the reconstruction cost is missing": divergence,
        "it is divided by the batch once more": right / batch,
        "it is multiplied by the batch: average, do not sum": right * batch,
        "the KL is divided by the batch once more": cost + divergence / batch,
        "the KL is divided by the number of pixels": cost + divergence / pixels,
        "mu and logvar have changed places": cost + kl_diag_normal(logvar, mu).mean(),
        "the constant D/2 log(2 pi) is missing": half + divergence,
        f"the squared error is summed, without 1/2 and constant; {own_cost}": 2 * half + divergence,
        f"the mean squared error stands there; {own_cost}": 2 * half / pixels + divergence,
        **{
            f"the KL has a weight ({weight:g}); both costs are added as they are": cost + weight * divergence
            for weight in (0.1, 0.25, 0.5, 2, 3, 4, 5, 10)
        },
    }
