"""What the usual mistakes make of the VAE's costs: {explanation: value}, for `diagnose.check_close`."""

from collections.abc import Callable

import numpy as np
import scipy  # scipy.optimize is loaded where a cause is looked for

from support.oracles import kl_diag_normal, negative_log_likelihood

LOG_2PI = float(np.log(2 * np.pi))
CONSTANTS = (12, 11, 10, 9, 8, 7, 6, 5, 4, 3)  # what people add is 1e-12, 1e-11, ...


def _images(seed: int, low: float, high: float, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, shape), rng.uniform(low, high, shape)


def _posterior(seed: int, spread: float, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return spread * rng.normal(1, 1.5, shape), spread * rng.uniform(-2.5, 1.5, shape)


# Arguments under which no two mistakes give the same: no size is equal to another.
INSIDE = [_images(1, 0, 1, 3, 2, 5, 4), _images(3, 0, 1, 2, 1, 6, 5), _images(8, 0, 1, 2, 100, 90)]  # between 0 and 1
IMAGES = [*INSIDE, _images(2, -1.5, 2, 4, 7), _images(4, -900, 900, 3, 8)]
POSTERIORS = [
    _posterior(1, 1, 3, 5),
    _posterior(2, 1, 7, 4),
    _posterior(4, 0.05, 5, 2),  # near the prior
    (np.full((2, 3), 0.3), np.linspace(-24, -19, 6).reshape(2, 3)),
    (np.array([[20.0, 30, 10], [0.2, 0.1, 0.3]]), np.array([[-1.0, -2, 0.5], [0.2, -0.1, 0.3]])),  # one is far away
    _posterior(7, 1, 3, 40),
    (np.array([[3e4, -5e4], [2e4, 1e4], [4e4, -6e4]]), np.array([[0.3, -0.4], [1.1, 0.2], [-0.7, 0.6]])),
    (np.full((4, 3), 1e-3), np.full((4, 3), -1e-3)),
]
LOSSES = [
    (*_images(1, 0, 1, 3, 2, 5, 4), *_posterior(1, 1, 3, 5)),
    (*_images(2, 0, 1, 7, 9), *_posterior(2, 1, 7, 4)),
    *((*_images(n, 0, 1, 2, 1, 2, 3), *_posterior(n, 0.02, 2, 3)) for n in (3, 4)),  # of small costs
    *((*_images(n, 0, 1, 5, 1, 2, 3), *_posterior(n, 9, 5, 2)) for n in (5, 6)),  # of large ones
    (*_images(7, 0, 1, 3, 4, 2), np.array([[3e4, -5e4]] * 3), np.array([[0.3, -0.4]] * 3)),
]


def right_cost(x: np.ndarray, recon_x: np.ndarray) -> float:
    """What negative_log_likelihood should return."""
    return float(negative_log_likelihood(x, recon_x).mean())


def right_divergence(mu: np.ndarray, logvar: np.ndarray) -> float:
    """What kl_diag_normal should return."""
    return float(kl_diag_normal(mu, logvar).mean())


def right_loss(x: np.ndarray, recon_x: np.ndarray, mu: np.ndarray, logvar: np.ndarray) -> float:
    """What elbo_loss should return."""
    return right_cost(x, recon_x) + right_divergence(mu, logvar)


def fit_negative_log_likelihood(actual: float, x: np.ndarray, recon_x: np.ndarray) -> dict[str, float]:
    """A bound on an image's cost that gives what came, for `of_negative_log_likelihood`."""
    costs = negative_log_likelihood(x, recon_x)
    if not np.isfinite([actual, *costs]).all():
        return {}
    most = root(lambda bound: np.minimum(costs, bound).mean() - actual, 0, 2 * costs.sum())
    return {"most": most, "most_error": most - x[0].size / 2 * LOG_2PI}


def of_negative_log_likelihood(
    x: np.ndarray, recon_x: np.ndarray, most: float = np.nan, most_error: float = np.nan
) -> dict[str, float]:
    """Images and decoder means, (B, ...).

    Args:
        most, most_error: bounds on the cost of an image, and on that without its constant; NaN for none.
    """
    batch, pixels, width, second = len(x), x[0].size, x.shape[-1], x.shape[1]
    x_shape = x.shape
    x, recon_x = (value.astype(np.float64).reshape(batch, -1) for value in (x, recon_x))
    error = x - recon_x
    squares = np.square(error).sum(axis=1)
    half, constant = squares / 2, pixels / 2 * LOG_2PI
    right = half.mean() + constant
    with np.errstate(all="ignore"):  # outside of 0 to 1 there is no cross-entropy; its logarithms end at -100
        log_p, log_rest = np.maximum(np.log(recon_x), -100), np.maximum(np.log1p(-recon_x), -100)
    binary = -(x * log_p + (1 - x) * log_rest).sum(axis=1)
    logits = (np.logaddexp(0, recon_x) - x * recon_x).sum(axis=1)
    smooth = np.where(np.abs(error) < 1, error**2 / 2, np.abs(error) - 0.5).sum(axis=1)
    centred = np.square(error - error.mean(axis=1, keepdims=True)).sum(axis=1) / 2
    capped = {
        "the cost of an image is cut off at some maximum (clamp); it has none": np.minimum(
            half + constant, most
        ).mean(),
        "the squared error of an image is cut off at some maximum (clamp); it may be large": (
            np.minimum(half, most_error).mean() + constant
        ),
    }
    return {
        **{name: value for name, value in capped.items() if np.isfinite(value)},
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
        "the constant is divided by the batch, too": half.mean() + constant / batch,
        "the constant counts height times width, without channels; D is the number of pixels of one image": half.mean()
        + x_shape[-2] * x_shape[-1] / 2 * LOG_2PI,
        "the constant counts the pixels of one row; D is the number of pixels of one image": half.mean()
        + width / 2 * LOG_2PI,
        "the constant has log2 where the natural logarithm should be": half.mean() + pixels / 2 * np.log2(2 * np.pi),
        "the constant counts x.shape[1] pixels; D is the number of pixels of one image": half.mean()
        + second / 2 * LOG_2PI,
        "the constant has log10 where the natural logarithm should be": half.mean() + pixels / 2 * np.log10(2 * np.pi),
        "pi is rounded to 3.14 in the constant: use math.pi": half.mean() + pixels / 2 * np.log(2 * 3.14),
        **{
            f"log(2 pi) is rounded to {rounded}: compute the constant with math.log and math.pi": half.mean()
            + pixels / 2 * rounded
            for rounded in (1.84, 1.838, 1.8379)
        },
        "the squared error is missing": constant,
        "the squared error is subtracted; it should be added": constant - half.mean(),
        "the 1/2 before the squared error is counted twice": half.mean() / 2 + constant,
        "the 1/2 before the squared error is missing": squares.mean() + constant,
        "the cost is divided by x.shape[1]; it should be summed over all pixels": right / second,
        "the squared error is divided by x.shape[1]; it should be summed over all pixels": half.mean() / second
        + constant,
        "the squared error is divided by x.shape[1], not by the batch, x.shape[0]": half.sum() / second + constant,
        "only dimension 1 is summed over; the others are averaged, and should be summed as well": half.mean()
        * second
        / pixels
        + constant,
        "errors beyond 1 count linearly (the smooth L1 loss); the cost is the squared error": smooth.mean() + constant,
        "the errors of an image are summed before they are squared; square each of them": (
            np.square(error.sum(axis=1)).mean() / 2 + constant
        ),
        "the difference of the squares, x^2 - recon_x^2, stands where the square of the difference should": (
            (x**2 - recon_x**2).sum(axis=1).mean() / 2 + constant
        ),
        "pixels that are black in x cost nothing; every pixel counts": (
            np.square(error * (x > 0)).sum(axis=1).mean() / 2 + constant
        ),
        "the mean error of each image is taken off before the errors are squared": centred.mean() + constant,
        "this is the mean squared error of the batch with its square root taken": np.sqrt(squares.mean() / pixels),
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
        "this is the binary cross-entropy, summed over the batch": binary.sum(),
        "this is the binary cross-entropy of logits; the output distribution is Gaussian": logits.mean(),
        "the constant is added to a binary cross-entropy; the output distribution is Gaussian": (
            binary.mean() + constant
        ),
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


def fit_kl_diag_normal(actual: float, mu: np.ndarray, logvar: np.ndarray) -> dict[str, float]:
    """Bounds on parts of the divergence, or a number of latents, that give what came, for `of_kl_diag_normal`."""
    terms = kl_diag_normal(mu.reshape(-1, 1), logvar.reshape(-1, 1)).reshape(mu.shape)
    right = terms.sum(axis=1).mean()
    if not np.isfinite([actual, right]).all():
        return {}
    if actual > right:
        return {
            "least": root(lambda bound: np.maximum(terms, bound).sum(axis=1).mean() - actual, 0, 2 * actual),
            "least_mean": root(lambda bound: np.maximum(terms.mean(axis=0), bound).sum() - actual, 0, 2 * actual),
            "least_sum": root(lambda bound: np.maximum(terms.sum(axis=1), bound).mean() - actual, 0, 2 * actual),
        }
    most = root(lambda bound: np.minimum(terms.sum(axis=1), bound).mean() - actual, 0, terms.sum())
    fitting = np.isclose(terms.mean(axis=0).cumsum()[:-1], actual, rtol=1e-5).nonzero()[0]
    return {"most": most, **({"counted": int(fitting[0]) + 1} if len(fitting) == 1 else {})}


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function is 0; NaN if it is not between these."""
    between = function(low) < 0 < function(high)
    return float(scipy.optimize.brentq(function, low, high, xtol=1e-14)) if between else np.nan


def of_kl_diag_normal(
    mu: np.ndarray,
    logvar: np.ndarray,
    least: float = np.nan,
    least_mean: float = np.nan,
    least_sum: float = np.nan,
    most: float = np.nan,
    counted: int = 2,
) -> dict[str, float]:
    """Means and log-variances, (B, k).

    Args:
        least, least_mean: lower bounds on the divergence of a latent, of one image and on average over the batch.
        least_sum, most: bounds on the divergence of an image. NaN for none.
        counted: how many latents are not left out.
    """
    mu, logvar = mu.astype(np.float64), logvar.astype(np.float64)
    batch, latents = mu.shape
    per_image = kl_diag_normal(mu, logvar)
    per_latent = kl_diag_normal(mu.reshape(-1, 1), logvar.reshape(-1, 1)).reshape(mu.shape)
    with np.errstate(all="ignore"):
        right, variance, log_of_logvar = per_image.mean(), np.exp(logvar), np.log(logvar)

        def half_sum(terms: np.ndarray) -> float:
            return 0.5 * terms.sum(axis=1).mean()

        softplus, summed = np.logaddexp(0, logvar), mu.sum(axis=1)
        bounds = {
            "every latent costs at least some minimum (free bits); the KL has no clamp": (
                np.maximum(per_latent, least).sum(axis=1).mean()
            ),
            "every latent costs at least some minimum on average over the batch (free bits); the KL has no clamp": (
                np.maximum(per_latent.mean(axis=0), least_mean).sum()
            ),
            "every image costs at least some minimum (free bits); the KL has no clamp": (
                np.maximum(per_image, least_sum).mean()
            ),
            "the KL of an image is cut off at some maximum; it has no clamp": np.minimum(per_image, most).mean(),
        }
        constants = {
            f"a small constant (1e-{n:g}) is added to the variance before its logarithm is taken; logvar is that": (
                half_sum(mu**2 + variance - 1 - np.log(variance + 10.0**-n))
            )
            for n in CONSTANTS
        }
        return {
            **{name: value for name, value in bounds.items() if np.isfinite(value)},
            **constants,
            "the KL is divided by the batch once more": right / batch,
            "the KL is averaged over the latents, and divided by the batch once more": right / latents / batch,
            "the KL is divided by 784 pixels": right / 784,
            **{
                f"only the KL of the {which} image counts{how}; average over all images": per_image[place] / divisor
                for which, place in (("first", 0), ("last", -1))
                for how, divisor in (("", 1), (", divided by the size of the batch", batch))
            },
            "the means and log-variances are averaged over the batch first; average the KL": kl_diag_normal(
                mu.mean(axis=0, keepdims=True), logvar.mean(axis=0, keepdims=True)
            ).mean(),
            "mu is summed over the latents before it is squared": half_sum(variance - 1 - logvar)
            + 0.5 * (summed**2).mean(),
            "the 1/2 in front of mu squared is missing": right + half_sum(mu**2),
            "the 1/2 in front of the variance is missing": right + half_sum(variance),
            "logvar is taken for the STANDARD DEVIATION": half_sum(mu**2 + logvar**2 - 1 - np.log(logvar**2)),
            "the variance is softplus(logvar) here; it is exp(logvar)": half_sum(mu**2 + softplus - 1 - logvar),
            "the variance is softplus(logvar) here, also in its logarithm; it is exp(logvar)": half_sum(
                mu**2 + softplus - 1 - np.log(softplus)
            ),
            "logvar stands where exp(logvar), the variance, should": half_sum(mu**2 - 1),
            "the logarithm is missing": half_sum(mu**2 + variance - 1),
            "the variance is missing": half_sum(mu**2 - 1 - logvar),
            "the absolute value of logvar is taken; it may be negative": half_sum(
                mu**2 + variance - 1 - np.abs(logvar)
            ),
            "the variance is squared": half_sum(mu**2 + variance**2 - 1 - logvar),
            "the 1 is added; it should be subtracted": half_sum(mu**2 + variance + 1 - logvar),
            "mu squared is subtracted; it should be added": half_sum(-(mu**2) + variance - 1 - logvar),
            "it is in units of log base 10; it should be in nats": right / np.log(10),
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
            f"latents beyond number {counted} are left out": (
                kl_diag_normal(mu[:, :counted], logvar[:, :counted]).mean()
            ),
        }


def fit_elbo_loss(
    actual: float, x: np.ndarray, recon_x: np.ndarray, mu: np.ndarray, logvar: np.ndarray
) -> dict[str, float]:
    """The weight of the KL, and bounds on it and on the loss, that give what came, for `of_elbo_loss`."""
    cost, divergence = negative_log_likelihood(x, recon_x).mean(), kl_diag_normal(mu, logvar).mean()
    found = {"weight": (actual - cost) / divergence}
    if actual > cost + divergence:
        return {**found, "least": actual - cost, "least_loss": actual}
    return {**found, "most": actual - cost}


def of_elbo_loss(
    x: np.ndarray,
    recon_x: np.ndarray,
    mu: np.ndarray,
    logvar: np.ndarray,
    weight: float = np.nan,
    least: float = np.nan,
    most: float = np.nan,
    least_loss: float = np.nan,
) -> dict[str, float]:
    """As for the two costs; recon_x and x as well as mu and logvar have the same shape.

    Args:
        weight: of the KL; least, most: bounds on it; least_loss: on the sum. NaN for none.
    """
    cost, divergence = negative_log_likelihood(x, recon_x).mean(), kl_diag_normal(mu, logvar).mean()
    right, batch, pixels, latents = cost + divergence, len(x), x[0].size, mu.shape[1]
    half = cost - pixels / 2 * LOG_2PI
    own_cost = "the reconstruction cost should be what negative_log_likelihood returns"
    other_costs = of_negative_log_likelihood(x, recon_x)
    binary = other_costs["this is the binary cross-entropy; the output distribution is Gaussian"]
    fitted = {
        "the KL has a weight; both costs are added as they are": cost + weight * divergence,
        "the KL is kept above some minimum (free bits): nothing in the loss has a clamp": cost + max(divergence, least),
        "the KL is cut off at some maximum: nothing in the loss has a clamp": cost + min(divergence, most),
        "the loss is kept above some minimum: it has no clamp": max(right, least_loss),
    }
    with np.errstate(over="ignore"):
        handed_on = {
            f"{name}, is given to kl_diag_normal, which takes logvar itself": cost + kl_diag_normal(mu, other).mean()
            for name, other in (
                ("exp(logvar), the variance", np.exp(logvar)),
                ("exp(logvar / 2), the standard deviation", np.exp(logvar / 2)),
                ("logvar / 2, the logarithm of the standard deviation", logvar / 2),
            )
        }
    # These are mistakes of their own.
    if np.isclose(weight, (0, 1, -1), rtol=1e-3, atol=1e-4).any():
        fitted.pop("the KL has a weight; both costs are added as they are")
    return {
        **{name: value for name, value in fitted.items() if np.isfinite(value)},
        "the KL is subtracted; in a loss it is added": cost - divergence,
        "the sign is wrong: this is the ELBO, the loss is MINUS that": -right,
        "the reconstruction cost is subtracted; in a loss it is added": divergence - cost,
        "the KL is missing, or has the weight 0": cost,
        "the reconstruction cost is missing": divergence,
        "it is divided by the batch once more": right / batch,
        "it is divided by the number of pixels": right / pixels,
        "it is multiplied by the batch: average, do not sum": right * batch,
        "the KL is divided by the batch once more": cost + divergence / batch,
        "the KL is multiplied by the batch: average, do not sum": cost + divergence * batch,
        "the reconstruction cost is multiplied by the batch: average, do not sum": cost * batch + divergence,
        "the reconstruction cost is divided by the batch once more": cost / batch + divergence,
        "the reconstruction cost is divided by the number of pixels": cost / pixels + divergence,
        "the KL is divided by the number of pixels": cost + divergence / pixels,
        "the KL is divided by 784, whatever the images": cost + divergence / 784,
        "the KL is averaged over the latents; it should be summed": cost + divergence / latents,
        "the KL is averaged over the latents, and divided by the batch once more": cost + divergence / latents / batch,
        "mu and logvar have changed places": cost + kl_diag_normal(logvar, mu).mean(),
        **handed_on,
        **{
            f"the reconstruction cost is that of the {which} image; average over the whole batch": divergence
            + negative_log_likelihood(x, recon_x)[place]
            for which, place in (("first", 0), ("last", -1))
        },
        **{
            f"the KL is that of the {which} image; average over the whole batch": cost
            + kl_diag_normal(mu, logvar)[place]
            for which, place in (("first", 0), ("last", -1))
        },
        "the two costs are averaged; they should be added": right / 2,
        "the two costs are multiplied; they should be added": cost * divergence,
        f"the binary cross-entropy stands there; {own_cost}": binary + divergence,
        f"the binary cross-entropy stands there, averaged over the pixels; {own_cost}": binary / pixels + divergence,
        "the constant D/2 log(2 pi) is missing": half + divergence,
        f"the squared error is summed, without 1/2 and constant; {own_cost}": 2 * half + divergence,
        f"the mean squared error stands there; {own_cost}": 2 * half / pixels + divergence,
    }
