"""What the usual mistakes make of the two terms of the GMVAE's negative ELBO: {explanation: value on average}."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import expit

from support import oracles
from support.trained_model import PIXELS


def of_kl(weights: Mapping[str, np.ndarray], x: np.ndarray, rng: np.random.Generator, batch: int) -> dict[str, float]:
    """What usual mistakes give for kl on average, for images x, each equally often in a batch of this size."""
    mean, variance = oracles.gmvae_encode(weights, x)
    std = np.sqrt(variance)
    prior = oracles.gmvae_prior(weights)
    eps = rng.standard_normal((50, *mean.shape))
    z = mean + std * eps

    def kl_of(noise: np.ndarray) -> float:
        """kl if z were drawn with this noise, (samples, B, z_dim), added to its mean."""
        log_p = oracles.log_normal_mixture_of_draws(mean, noise, *prior)
        return (oracles.log_normal(mean + noise, mean, variance) - log_p).mean()

    log_q_of_z = oracles.log_normal(z, mean, variance)
    log_p_of_z = oracles.log_normal_mixture_of_draws(mean, std * eps, *prior)
    log_q, kl = log_q_of_z.mean(), (log_q_of_z - log_p_of_z).mean()
    k, z_dim = prior[0].shape[1], mean.shape[1]
    from_standard_normal = 0.5 * (variance + mean**2 - 1 - np.log(variance)).sum(axis=1).mean()
    from_components = oracles.kl_univariate_normal(mean[:, np.newaxis], variance[:, np.newaxis], *prior).sum(axis=-1)
    first_half, second_half = np.split(np.asarray(weights["z_pre"], dtype=np.float64), 2, axis=1)
    return {
        "the sign is wrong: it is log q(z | x) - log p(z)": -kl,
        "it looks like the divergence from N(0, I); the prior is the mixture": from_standard_normal,
        "it looks like the mean of the divergences from the components, an upper bound": from_components.mean(),
        "it looks as if v were used as the standard deviation when z is drawn": kl_of(variance * eps),
        "it looks as if v were taken for a log-variance when z is drawn": kl_of(np.exp(0.5 * variance) * eps),
        "it looks as if the noise of z were uniform (rand); it is N(0, I) (randn)": kl_of(std * rng.random(eps.shape)),
        "log q(z | x) is missing": -log_p_of_z.mean(),
        "log p(z) is missing": log_q,
        "log p is taken at the posterior's mean instead of at the sample": log_q
        - oracles.log_normal_mixture(mean, *prior).mean(),
        "log q is taken at the posterior's mean instead of at the sample": (
            oracles.log_normal(mean, mean, variance).mean() - log_p_of_z.mean()
        ),
        "log q is given the standard deviation; log_normal takes the variance": (
            oracles.log_normal(z, mean, std).mean() - log_p_of_z.mean()
        ),
        "the prior's variances must come from self.prior(); here they are exp of the second half of z_pre": log_q
        - oracles.log_normal_mixture(z[0], first_half, np.exp(second_half)).mean(),
        "the prior must come from self.prior(); here the halves of z_pre have changed places": log_q
        - oracles.log_normal_mixture(z[0], second_half, oracles.softplus(first_half)).mean(),
        "log K is missing in the prior: its K components have weight 1/K": kl - math.log(k),
        "log K is taken off twice in the prior": kl + math.log(k),
        "the estimates of single images are clipped at 0; they may be negative": np.maximum(
            log_q_of_z - log_p_of_z, 0
        ).mean(),
        "it is summed over the batch; it should be averaged": kl * batch,
        "it looks like a sum over the batch divided by 100; divide by the batch's own size": kl * batch / 100,
        "it is averaged over the latents; it should be summed over them": kl / z_dim,
    }


def of_rec(weights: Mapping[str, np.ndarray], x: np.ndarray, rng: np.random.Generator, batch: int) -> dict[str, float]:
    """What usual mistakes give for rec on average, for images x, each equally often in a batch of this size."""
    x = np.tile(x, (10, 1))  # ten draws of noise
    mean, variance = oracles.gmvae_encode(weights, x)
    std, eps = np.sqrt(variance), rng.standard_normal(mean.shape)

    def cost(z: np.ndarray) -> float:
        return -oracles.log_bernoulli_with_logits(x, oracles.mlp(weights, "dec", z)).mean()

    z = mean + std * eps
    right, probabilities = cost(z), expit(oracles.mlp(weights, "dec", z))
    kl = oracles.log_normal(z, mean, variance) - oracles.log_normal_mixture(z, *oracles.gmvae_prior(weights))
    return {
        "the sign is wrong: rec is a cost, -log p(x | z)": -right,
        "kl and rec have changed places: the order is (nelbo, kl, rec)": kl.mean(),
        "it is averaged over the pixels; it should be summed over them": right / PIXELS,
        "it is summed over the batch; it should be averaged": right * batch,
        "it looks like a sum over the batch divided by 100; divide by the batch's own size": right * batch / 100,
        "the decoder gives logits; it looks as if a sigmoid were taken twice": -oracles.log_bernoulli_with_logits(
            x, probabilities
        ).mean(),
        "it looks like a squared error; pixels are Bernoulli": ((x - probabilities) ** 2).sum(axis=1).mean(),
        "it looks as if the posterior's mean were decoded; decode the sample z": cost(mean),
        "it looks as if v were used as the standard deviation when z is drawn": cost(mean + variance * eps),
        "it looks as if v were taken for a log-variance when z is drawn": cost(mean + np.exp(0.5 * variance) * eps),
        "it looks as if the noise of z were uniform (rand); it is N(0, I) (randn)": cost(
            mean + std * rng.random(eps.shape)
        ),
    }
