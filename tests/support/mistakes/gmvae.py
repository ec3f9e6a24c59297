"""What the usual mistakes make of the two terms of the GMVAE's negative ELBO: {explanation: (kl, rec) on average}.

A mistake is a law of both terms, under any weights and for any batch: what it leaves alone is right.
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logsumexp, ndtr

from support import oracles
from support.trained_model import PIXELS

RIGHT = "the right value"
MEAN = "z is the posterior's mean; it must be a sample"
BLIND = 2048  # draws of z that know nothing of the image


def of_terms(
    weights: Mapping[str, np.ndarray], x: np.ndarray, rows: np.ndarray, eps: np.ndarray, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """What usual mistakes give for kl and rec on average.

    Args:
        x: binary images (m, 784), all different.
        rows: which of them are in the batch, in its order, (B,).
        eps: standard normal numbers (S, m, z_dim), which may be evenly spread.
        rng: of what else is random.
    """
    right = Terms(weights, x, rows, eps)
    return {
        RIGHT: (right.kl, right.rec),
        **{name: (kl, right.rec) for name, kl in of_kl(right).items()},
        **{name: (right.kl, rec) for name, rec in of_rec(right, rng).items()},
        **of_both(right, rng),
    }


class Terms:
    """The parts of both terms at z = mean + noise, where log q(z | x) is that of the posterior.

    Args:
        x, rows, eps: as in `of_terms`.
        noise: (S, m, z_dim); None for std * eps.

    Attributes:
        log_q, log_p, cost: (S, m) at z.
        log_total: the logarithm of the sum of exp(logits) over the pixels, (S, m).
        probabilities: of the pixels, (S, m, 784).
        logits, softplus: the decoder's and their softplus, averages over the draws, (m, 784).
    """

    def __init__(
        self,
        weights: Mapping[str, np.ndarray],
        x: np.ndarray,
        rows: np.ndarray,
        eps: np.ndarray,
        noise: np.ndarray | None = None,
    ) -> None:
        self.weights, self.x, self.rows, self.eps = weights, np.asarray(x, dtype=np.float64), rows, eps
        self.mean, self.variance = oracles.gmvae_encode(weights, x)
        self.std, self.prior = np.sqrt(self.variance), oracles.gmvae_prior(weights)
        self.noise = self.std * eps if noise is None else noise
        self.log_q = oracles.log_normal(self.noise, 0, self.variance)
        self.log_p = oracles.log_normal_mixture_of_draws(self.mean, self.noise, *self.prior)
        logits = oracles.mlp(weights, "dec", self.mean + self.noise)
        softplus = oracles.softplus(logits)
        self.cost = softplus.sum(axis=-1) - (self.x * logits).sum(axis=-1)
        self.log_total = logsumexp(logits, axis=-1)
        self.probabilities, self.logits, self.softplus = expit(logits), logits.mean(axis=0), softplus.mean(axis=0)

    def average(self, values: np.ndarray) -> float:
        """Over the draws, if there are any, and the batch, of what is known for each image, (S, m) or (m,)."""
        return float(np.atleast_2d(values).mean(axis=0)[self.rows].mean())

    @property
    def kl(self) -> float:
        return self.average(self.log_q - self.log_p)

    @property
    def rec(self) -> float:
        return self.average(self.cost)

    def with_noise(self, noise: np.ndarray) -> "Terms":
        return Terms(self.weights, self.x, self.rows, self.eps, np.broadcast_to(noise, self.eps.shape))


def of_kl(right: Terms) -> dict[str, float]:
    """What leaves rec alone."""
    mean, variance, std, noise = right.mean, right.variance, right.std, right.noise
    average, kl = right.average, right.kl
    log_q, log_p = average(right.log_q), average(right.log_p)
    batch, z_dim, k = len(right.rows), mean.shape[1], right.prior[0].shape[1]
    estimates = right.log_q - right.log_p
    from_components = oracles.kl_univariate_normal(mean[:, np.newaxis], variance[:, np.newaxis], *right.prior).sum(-1)
    first, second = np.split(np.asarray(right.weights["z_pre"], dtype=np.float64), 2, axis=1)

    def prior(m: np.ndarray, v: np.ndarray) -> float:
        return log_q - average(oracles.log_normal_mixture_of_draws(mean, noise, m, v))

    def posterior(v: np.ndarray) -> float:
        return average(oracles.log_normal(noise, 0, v)) - log_p

    at_mean = average(oracles.log_normal_mixture(mean, *right.prior))
    peak = average(oracles.log_normal(mean, mean, variance))
    means, variances = right.prior
    constant = 0.5 * z_dim * math.log(2 * math.pi)
    # Of draws of the prior log q is known on average, log p is an average over draws.
    blind = np.random.default_rng(0)
    component, noise_of_prior = np.arange(BLIND) % k, blind.standard_normal((BLIND, z_dim))
    drawn = means[0][component] + np.sqrt(variances[0][component]) * noise_of_prior
    squares = ((means - mean[:, np.newaxis]) ** 2 + variances).mean(axis=1)  # around the posterior's mean, (m, z_dim)
    log_q_there = -0.5 * (math.log(2 * math.pi) + np.log(variance) + squares / variance).sum(axis=1)
    of_batch = (value[right.rows][np.newaxis] for value in (mean, variance))
    return {
        "kl is taken the other way round, KL(p || q), at draws of the prior; take it at the sample z of q(z | x)": (
            oracles.log_normal_mixture(drawn, means, variances).mean() - average(log_q_there)
        ),
        "the sign of log q(z | x) is wrong in kl, which is log q(z | x) - log p(z)": z_dim / 2 - peak - log_p,
        "log q(z | x) is the density of the noise, without the logarithm of the variance": (
            average(right.log_q + 0.5 * np.log(variance).sum(axis=1)) - log_p
        ),
        "log q is that of the mixture of the posteriors of the whole batch; each image has its own posterior": (
            average(oracles.log_normal_mixture_of_draws(mean, noise, *of_batch)) - log_p
        ),
        "the prior is cut to its first z_dim components: all components count": prior(
            means[:, :z_dim], variances[:, :z_dim]
        ),
        "kl has the wrong sign: it is log q(z | x) - log p(z)": -kl,
        "kl is the divergence from N(0, I); the prior is the mixture": average(
            0.5 * (variance + mean**2 - 1 - np.log(variance)).sum(axis=1)
        ),
        "kl is the divergence from N(0, I), with v as a log-variance; the prior is the mixture": average(
            0.5 * (np.exp(variance) + mean**2 - 1 - variance).sum(axis=1)
        ),
        "kl is the mean of the divergences from the components of the mixture, or that from one component drawn at "
        "random, an upper bound; log p(z) is log_normal_mixture at the sample": average(from_components.mean(axis=1)),
        "kl is the divergence from the nearest component of the mixture": average(from_components.min(axis=1)),
        "kl is a bound made of the divergences from the components; use log p of the mixture at the sample": average(
            math.log(k) - logsumexp(-from_components, axis=1)
        ),
        "log q(z | x) is missing in kl": -log_p,
        "log p(z) is missing in kl": log_q,
        "log p is taken at the posterior's mean instead of at the sample": log_q - at_mean,
        "log q is taken at the posterior's mean instead of at the sample": peak - log_p,
        "kl is taken at the posterior's mean instead of at the sample": peak - at_mean,
        "log q is given the standard deviation; log_normal takes the variance": posterior(std),
        "log q is given the square of the variance: v were used as the standard deviation there": posterior(
            variance**2
        ),
        "log q takes v for a log-variance; it is the variance": posterior(np.exp(variance)),
        "log p is given standard deviations; log_normal_mixture takes variances": prior(means, np.sqrt(variances)),
        "log p uses the prior's variances as standard deviations": prior(means, variances**2),
        "the prior's variances go through softplus twice: take them from self.prior()": prior(
            means, oracles.softplus(variances)
        ),
        "the prior's variances must come from self.prior(); here they are exp of the second half of z_pre": prior(
            first, np.exp(second)
        ),
        "the prior must come from self.prior(); here the halves of z_pre have changed places": prior(
            second, oracles.softplus(first) + 1e-8
        ),
        "log K is missing in the prior: its K components have weight 1/K": kl - math.log(k),
        "log K is taken off twice in the prior": kl + math.log(k),
        "the constant d/2 log(2 pi) is missing in log q alone, so kl is too large": kl + constant,
        "the constant d/2 log(2 pi) is missing in log p alone, so kl is too small": kl - constant,
        "log q(z | x) lacks the constants of the entropy, d/2 (1 + log(2 pi)), so kl is too large": (
            peak + constant - log_p
        ),
        "estimates of kl for single images are clipped at 0; they may be negative": average(np.maximum(estimates, 0)),
        "estimates of kl for single images are made positive by abs; they may be negative": average(np.abs(estimates)),
        "kl is summed over the batch; it should be averaged": kl * batch,
        "kl is a sum over the batch divided by 100; divide by the batch's own size": kl * batch / 100,
        "kl is divided by the size of the batch after it was averaged": kl / batch,
        "kl is averaged over the latents; it should be summed over them": kl / z_dim,
        "kl is divided by the number of pixels; it should be that of a whole image": kl / PIXELS,
        "kl is divided by the number of components": kl / k,
        "kl counts half": kl / 2,
        "kl is always 0": 0.0,
    }


def of_rec(right: Terms, rng: np.random.Generator) -> dict[str, float]:
    """What leaves kl alone."""
    x, p, rec, average, rows = right.x, right.probabilities, right.rec, right.average, right.rows
    batch = len(rows)

    def cost(logits: np.ndarray) -> float:
        return average((oracles.softplus(logits) - x * logits).sum(axis=-1))

    def decoded(z: np.ndarray) -> float:
        return cost(oracles.mlp(right.weights, "dec", z))

    # The cost of each image (columns) decoded from the latents of each (rows).
    crossed = (right.softplus.sum(axis=1, keepdims=True) - right.logits @ x.T)[rows][:, rows]
    one = np.arange(batch)
    squares = average(((x - p) ** 2).sum(axis=-1))
    means, variances = (value[0] for value in right.prior)
    noise = rng.standard_normal((BLIND, means.shape[1]))
    component = np.arange(BLIND) % len(means)

    def blindly(z: np.ndarray) -> float:
        """The cost if these z were decoded, whatever the image is."""
        logits = oracles.mlp(right.weights, "dec", z)
        return average(oracles.softplus(logits).mean(axis=0).sum() - x @ logits.mean(axis=0))

    def repeated(copies: int, turned: bool) -> float:
        """The cost if so many samples of each image stand side by side, and its copies do not; turned, vice versa."""
        by_row, by_batch = np.arange(copies * batch) // copies, np.arange(copies * batch) % batch
        return float((crossed[by_batch, by_row] if turned else crossed[by_row, by_batch]).mean())

    stacked = "samples and images are stacked in different orders, so images are compared with other images"
    return {
        "rec has the wrong sign: it is a cost, -log p(x | z)": -rec,
        "rec is averaged over the pixels; it should be summed over them": rec / PIXELS,
        "rec is summed over the batch; it should be averaged": rec * batch,
        "rec is a sum over the batch divided by 100; divide by the batch's own size": rec * batch / 100,
        "rec is divided by the size of the batch after it was averaged": rec / batch,
        "the decoder gives logits; a sigmoid is taken twice": cost(p),
        "the arguments of log_bernoulli_with_logits are swapped: x comes first": average(
            (oracles.softplus(x) - x * right.logits).sum(axis=-1)
        ),
        "pixels are sampled and taken as logits; give log_bernoulli_with_logits what the decoder gives": average(
            (p * math.log1p(math.e) + (1 - p) * math.log(2) - x * p).sum(axis=-1)
        ),
        "rec is a squared error; pixels are Bernoulli": squares,
        "rec is half a squared error, without its constant; pixels are Bernoulli": squares / 2,
        "rec is the cost of Gaussian pixels; they are Bernoulli": squares / 2 + PIXELS / 2 * math.log(2 * math.pi),
        "rec is a squared error averaged over the pixels; pixels are Bernoulli": squares / PIXELS,
        "rec is an absolute error; pixels are Bernoulli": average(np.abs(x - p).sum(axis=-1)),
        "the pixels of x are inverted in rec: 1 - x stands where x should": average(
            (right.softplus - (1 - x) * right.logits).sum(axis=-1)
        ),
        "rec puts a softmax over the pixels, as for classes (cross_entropy); each pixel is Bernoulli": average(
            x.sum(axis=-1) * right.log_total - (x * right.logits).sum(axis=-1)
        ),
        "rec counts only the pixels that are on": average((x * (right.softplus - right.logits)).sum(axis=-1)),
        "the posterior's mean is decoded; decode the sample z": decoded(right.mean),
        "a draw of N(0, I) is decoded; decode the sample z of q(z | x)": blindly(noise),
        "a draw of the prior is decoded; decode the sample z of q(z | x)": blindly(
            means[component] + np.sqrt(variances[component]) * noise
        ),
        "images are compared with other images: their order has been reversed": float(crossed[one, one[::-1]].mean()),
        "images are compared with other images: each with that of the next": float(
            crossed[one, np.roll(one, -1)].mean()
        ),
        "images are compared with other images: the order of the images is lost": float(crossed.mean()),
        "rec counts half": rec / 2,
        **{
            f"{stacked} ({copies} {order})": repeated(copies, turned)
            for copies in (2, 3, 4, 5, 8, 10, 16, 20)
            for turned, order in (
                (False, "samples of each image side by side, but its copies apart"),
                (True, "copies of each image side by side, but its samples apart"),
            )
        },
    }


def of_both(right: Terms, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """What changes z, or both terms alike."""
    batch, kl, rec, std, variance, eps = len(right.rows), right.kl, right.rec, right.std, right.variance, right.eps
    z = right.mean + right.noise
    noises = {
        "v is used as the standard deviation when z is drawn; it is the variance": variance * eps,
        "v is taken for a log-variance when z is drawn; it is the variance": np.exp(0.5 * variance) * eps,
        "the standard deviation is given where the variance is due when z is drawn": np.sqrt(std) * eps,
        "the noise of z is uniform (rand); it is N(0, I) (randn)": std * ndtr(eps),
        "the noise of z is not scaled by the standard deviation": eps,
        "all latents of an image share one number of noise; each needs noise of its own": std * eps[..., :1],
        MEAN: 0 * eps,
        "z is drawn from N(0, I), not from q(z | x)": eps - right.mean,
        **{
            f"z is clamped to [-{size}, {size}]; it may be any real number": z.clip(-size, size) - right.mean
            for size in (1, 2, 3, 4, 5, 6, 10)
        },
    }
    moved = {name: right.with_noise(noise) for name, noise in noises.items()}
    found = {name: (terms.kl, terms.rec) for name, terms in moved.items()}
    as_std, as_log, rooted = list(moved.values())[:3]
    mean = moved[MEAN]

    def with_density(terms: Terms, v: np.ndarray) -> tuple[float, float]:
        return right.average(oracles.log_normal(terms.noise, 0, v) - terms.log_p), terms.rec

    shared = np.broadcast_to(variance.mean(axis=-1, keepdims=True), variance.shape)
    estimates, costs = right.log_q - right.log_p, right.cost
    head = right.rows[:100]
    shuffled = rng.permuted(estimates + costs, axis=0)

    def importance(samples: int) -> float:
        several = shuffled[: len(eps) // samples * samples].reshape(-1, samples, len(right.x))
        return right.average(math.log(samples) - logsumexp(-several, axis=1))

    return found | {
        "v is used as the standard deviation of q, in z and in log q; it is the variance": with_density(
            as_std, variance**2
        ),
        "v is taken for a log-variance, in z and in log q; it is the variance": with_density(as_log, np.exp(variance)),
        "the standard deviation is used in place of the variance of q, in z and in log q": with_density(rooted, std),
        "the variances of an image are averaged over its latents; each latent has a variance of its own": with_density(
            right.with_noise(np.sqrt(shared) * eps), shared
        ),
        "a batch of one image gets no noise: z must be a sample there, too": (
            (mean.kl, mean.rec) if batch == 1 else (kl, rec)
        ),
        "only the first 100 images of a batch count": (
            float(estimates[:, head].mean()),
            float(costs[:, head].mean()),
        ),
        "kl and rec have changed places: the order is (nelbo, kl, rec)": (rec, kl),
        "kl and rec are summed over the batch; they should be averaged": (kl * batch, rec * batch),
        "kl and rec are sums over the batch divided by 100; divide by the batch's own size, as a mean does": (
            kl * batch / 100,
            rec * batch / 100,
        ),
        "kl and rec are divided by the number of pixels; they should be those of a whole image": (
            kl / PIXELS,
            rec / PIXELS,
        ),
        "kl and rec have the wrong sign: both are costs": (-kl, -rec),
        **{
            f"the bound is importance-weighted, the log of a mean over {samples} samples; the ELBO is a mean of logs": (
                importance(samples) - rec,
                rec,
            )
            for samples in (2, 3, 5, 10, 20, 50)
        },
    }
