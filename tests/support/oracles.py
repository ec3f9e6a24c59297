"""Right answers in NumPy and SciPy, float64, independent of torch and of the code under test.

Every function takes arrays of any floating type and computes in float64; v and var are VARIANCES; results are in nats.
tests/assignment/test_oracles.py holds them against quadrature, scipy.stats and torch.distributions.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import entr, expit, logsumexp, rel_entr

from support.mixture import Mixture

Weights = Mapping[str, np.ndarray]


def _double(*values: Any) -> list[np.ndarray]:
    return [np.asarray(value, dtype=np.float64) for value in values]


# Divergences and likelihoods in closed form.


def kl_univariate_normal(mu1: Any, var1: Any, mu2: Any, var2: Any) -> np.ndarray:
    """KL(N(mu1, var1) || N(mu2, var2)), elementwise; accurate also where the two are nearly equal."""
    mu1, var1, mu2, var2 = _double(mu1, var1, mu2, var2)
    excess = (var1 - var2) / var2
    with np.errstate(divide="ignore"):
        logarithm = np.where(np.abs(excess) < 0.5, np.log1p(np.clip(excess, -0.5, 0.5)), np.log(var1) - np.log(var2))
    return 0.5 * (excess - logarithm + (mu1 - mu2) ** 2 / var2)


def kl_univariate_normal_gradients(mu1: Any, var1: Any, mu2: Any, var2: Any) -> tuple[np.ndarray, ...]:
    """Derivatives of `kl_univariate_normal` by its four arguments, each of the broadcast shape."""
    mu1, var1, mu2, var2 = np.broadcast_arrays(*_double(mu1, var1, mu2, var2))
    distance = mu1 - mu2
    by_mu1 = distance / var2
    by_var1 = 0.5 * (1 / var2 - 1 / var1)
    by_var2 = 0.5 * (1 - (var1 + distance**2) / var2) / var2
    return by_mu1, by_var1, -by_mu1, by_var2


def kl_categorical(p: Any, q: Any) -> np.ndarray:
    """KL(p || q) over the last dimension; infinite where q = 0 < p."""
    return rel_entr(*_double(p, q)).sum(axis=-1)


def negative_log_likelihood(x: Any, mean: Any) -> np.ndarray:
    """-log N(x; mean, I) per image: summed over all dimensions but the first, (B,)."""
    x, mean = _double(x, mean)
    squares = ((x - mean) ** 2).reshape(len(x), -1)
    return 0.5 * squares.sum(axis=1) + 0.5 * squares.shape[1] * math.log(2 * math.pi)


def kl_diag_normal(mu: Any, logvar: Any) -> np.ndarray:
    """KL(N(mu, diag(exp(logvar))) || N(0, I)) per row, (B,)."""
    mu, logvar = _double(mu, logvar)
    # expm1 keeps the digits where the variance is nearly one.
    return 0.5 * (mu**2 + np.expm1(logvar) - logvar).sum(axis=-1)


# What the plotting functions decode and return.


def grid_latents(low: Any, high: Any, steps: int) -> np.ndarray:
    """Points (steps, steps, 2) of a plane: the first coordinate grows along columns, the second along rows."""
    low, high = _double(low, high)
    z1, z2 = np.meshgrid(np.linspace(low[0], high[0], steps), np.linspace(low[1], high[1], steps))
    return np.stack([z1, z2], axis=-1)


def traversal_latents(walk: np.ndarray, latents: int) -> np.ndarray:
    """Latents (latents, steps, latents): in row j, latent j takes the values of the walk, the others are zero."""
    return np.einsum("s,jl->jsl", walk, np.eye(latents))


def posterior_costs(images: Any, decoded: Any, mean: Any, logvar: Any) -> np.ndarray:
    """Reconstruction error, KL divergence and their sum for each image, (n, 3).

    Args:
        decoded: the images of the posterior means.
    """
    error, divergence = negative_log_likelihood(images, decoded), kl_diag_normal(mean, logvar)
    return np.stack([error, divergence, error + divergence], axis=1)


# Mixtures with full covariances.


def sample_gmm(mixture: Mixture, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) and their components (n,)."""
    component = rng.choice(len(mixture.weights), n, p=np.asarray(mixture.weights) / np.sum(mixture.weights))
    eps = rng.standard_normal((n, mixture.means.shape[1]))
    noise = np.einsum("nij,nj->ni", np.linalg.cholesky(mixture.covs)[component], eps)
    return mixture.means[component] + noise, component


def component_log_prob(x: Any, means: Any, covs: Any) -> np.ndarray:
    """log N(x_i; means_k, covs_k), (n, K)."""
    x, means, covs = _double(x, means, covs)
    factors = np.linalg.cholesky(covs)
    whitened = np.linalg.solve(factors, (x[np.newaxis] - means[:, np.newaxis]).swapaxes(1, 2))  # (K, d, n)
    half_log_det = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    constant = half_log_det + 0.5 * x.shape[1] * math.log(2 * math.pi)
    return (-0.5 * (whitened**2).sum(axis=1) - constant[:, np.newaxis]).T


def gmm_log_prob(x: Any, weights: Any, means: Any, covs: Any) -> np.ndarray:
    """log sum_k weights_k N(x_i; means_k, covs_k), (n,)."""
    return logsumexp(component_log_prob(x, means, covs), axis=1, b=_double(weights)[0])


def gaussian_entropy(cov: Any) -> float:
    """Differential entropy of a Gaussian with this covariance (d, d)."""
    (cov,) = _double(cov)
    return float(0.5 * (cov.shape[0] * (1 + math.log(2 * math.pi)) + np.linalg.slogdet(cov)[1]))


def mixture_entropy_1d(mixture: Mixture) -> float:
    """Differential entropy of a mixture in one dimension, by the trapezoidal rule.

    For an analytic integrand that vanishes at both ends the rule converges faster than any power of the step.
    """
    means, stds = mixture.means[:, 0], np.sqrt(mixture.covs[:, 0, 0])
    grid = np.linspace((means - 14 * stds).min(), (means + 14 * stds).max(), 100_001)
    density = np.exp(gmm_log_prob(grid[:, np.newaxis], *mixture.arguments))
    return float(np.trapezoid(entr(density), grid))


# Mixtures with diagonal covariances.


def log_normal(x: Any, m: Any, v: Any) -> np.ndarray:
    """log N(x; m, diag(v)), summed over the last dimension."""
    x, m, v = _double(x, m, v)
    return -0.5 * ((x - m) ** 2 / v + np.log(v) + math.log(2 * math.pi)).sum(axis=-1)


def log_normal_mixture(z: Any, m: Any, v: Any) -> np.ndarray:
    """log (1/K) sum_k N(z_b; m_bk, diag(v_bk)) for z (B, d) and m, v (B, K, d) or (1, K, d): (B,)."""
    components = log_normal(_double(z)[0][:, np.newaxis], m, v)
    return logsumexp(components, axis=1) - math.log(components.shape[1])


def log_normal_mixture_gradients(z: Any, m: Any, v: Any, cotangent: Any = 1.0) -> tuple[np.ndarray, ...]:
    """Derivatives of sum(cotangent * log_normal_mixture(z, m, v)) by z, m and v, each of its argument's shape.

    Args:
        cotangent: (B,) or a number.
    """
    z, m, v, cotangent = _double(z, m, v, cotangent)
    components = log_normal(z[:, np.newaxis], m, v)
    share = np.exp(components - logsumexp(components, axis=1, keepdims=True))  # (B, K): responsibilities
    share = (share * np.broadcast_to(cotangent, len(z))[:, np.newaxis])[..., np.newaxis]
    deviation = (z[:, np.newaxis] - m) / v
    by_m, by_v = share * deviation, 0.5 * share * (deviation**2 - 1 / v)
    if m.shape[0] == 1:
        return -by_m.sum(axis=1), by_m.sum(axis=0, keepdims=True), by_v.sum(axis=0, keepdims=True)
    return -by_m.sum(axis=1), by_m, by_v


# The GMVAE with given weights.

CHUNK = 200  # images that are decoded at a time: 1 MB for each intermediate result


def softplus(x: Any) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x: Any) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def mlp(weights: Weights, part: str, x: np.ndarray) -> np.ndarray:
    """Output of the three layers of "enc" or "dec"."""
    for layer in (0, 2, 4):
        x = x @ _double(weights[f"{part}.net.{layer}.weight"])[0].T + weights[f"{part}.net.{layer}.bias"]
        if layer < 4:
            x = elu(x)
    return x


def gmvae_encode(weights: Weights, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of q(z | x) for binary images (B, 784), each (B, z_dim)."""
    mean, pre_v = np.split(mlp(weights, "enc", _double(x)[0]), 2, axis=1)
    return mean, softplus(pre_v) + 1e-8


def gmvae_prior(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of the prior's components, each (1, k, z_dim)."""
    mean, pre_v = np.split(_double(weights["z_pre"])[0], 2, axis=1)
    return mean, softplus(pre_v) + 1e-8


def log_bernoulli_with_logits(x: Any, logits: Any) -> np.ndarray:
    """Log-probability of binary pixels, summed over the last dimension."""
    x, logits = _double(x, logits)
    return (x * logits - softplus(logits)).sum(axis=-1)


def gmvae_terms(
    weights: Weights, x: Any, rng: np.random.Generator, samples: int = 1, decoded: int | None = None
) -> dict[str, np.ndarray]:
    """Monte-Carlo terms of the negative ELBO for binary images x (B, 784), each (samples, B); log_x (decoded, B).

    Args:
        decoded: of so many samples alone log_x is computed, which takes most of the time; None for all.

    Returns:
        log_q: log q(z | x); log_p: log p(z); log_x: log p(x | z), all at the same z ~ q(z | x).
    """
    (x,) = _double(x)
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    mean, variance = gmvae_encode(weights, x)
    noise = rng.standard_normal((samples, *mean.shape))
    squares = np.einsum("sbd,sbd->sb", noise, noise)
    noise *= np.sqrt(variance)  # in place: there may be millions of them
    z = mean + noise[:decoded]
    step = max(1, CHUNK // len(x))
    return {
        "log_q": -0.5 * (squares + (np.log(variance) + math.log(2 * math.pi)).sum(axis=1)),
        "log_p": log_normal_mixture_of_draws(mean, noise, *gmvae_prior(weights)),
        "log_x": np.concatenate([_log_x(weights, x, z[i : i + step]) for i in range(0, len(z), step)]),
    }


def _log_x(weights: Weights, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """log p(x | z) of images (B, 784) at z (S, B, d): (S, B)."""
    logits = mlp(weights, "dec", z.reshape(-1, z.shape[2]))  # as one matrix: far faster than S small ones
    return log_bernoulli_with_logits(x, logits.reshape(-1, *x.shape))


def log_normal_mixture_of_draws(mean: np.ndarray, noise: np.ndarray, m: np.ndarray, v: np.ndarray) -> np.ndarray:
    """`log_normal_mixture` at mean + noise for mean (B, d), noise (S, B, d) and m, v (1, K, d): (S, B)."""
    components = m.shape[1]
    step = max(1, 250_000 // (components * max(len(noise), m.shape[2])))  # 2 MB for each intermediate result
    found = []
    for i in range(0, len(mean), step):
        # mean - m first: weights with huge means must not make the noise vanish by rounding.
        drawn, offset = noise[:, i : i + step].swapaxes(0, 1), m - mean[i : i + step, np.newaxis]
        weighted = offset / v
        offset_squares = (offset * weighted).sum(axis=2)[:, np.newaxis]  # (b, 1, K)
        drawn_squares = drawn**2 @ (1 / v[0]).T  # (b, S, K)
        if offset_squares.max() + drawn_squares.max() < 1e6:
            # The square is expanded because matrix products are fast; rounding costs at most 1e-9 nats.
            squares = drawn_squares - 2 * drawn @ weighted.swapaxes(1, 2) + offset_squares
            log_prob = -0.5 * (squares + (np.log(v) + math.log(2 * math.pi)).sum(axis=2))
        else:  # NaN included
            log_prob = np.stack([log_normal(z[:, np.newaxis], offset, v) for z in drawn.swapaxes(0, 1)], axis=1)
        found.append(logsumexp(log_prob, axis=2).T - math.log(components))
    return np.concatenate(found, axis=1)


def gmvae_negative_elbo(
    weights: Weights, images: Any, seed: int, samples: int = 1, chunk: int = CHUNK
) -> tuple[float, float, float]:
    """Negative ELBO of a GMVAE, its KL part and its reconstruction part, in nats per image.

    Weights that overflow give NaN or infinity, never a good value. Takes about 0.1 ms per image and sample on one
    core, and 30 MB.

    Args:
        weights: as `gmvae_shapes` names them, z_dim and k being what their shapes say.
        images: binary, (n, 784).
        seed: of the noise; equal seeds give equal results.
        samples: draws of z per image.
        chunk: images at a time.
    """
    rng = np.random.default_rng(seed)
    kl = rec = 0.0
    with np.errstate(all="ignore"):
        for start in range(0, len(images), chunk):
            terms = gmvae_terms(weights, images[start : start + chunk], rng, samples)
            kl += float((terms["log_q"] - terms["log_p"]).mean(axis=0).sum())
            rec -= float(terms["log_x"].mean(axis=0).sum())
    kl, rec = kl / len(images), rec / len(images)
    return kl + rec, kl, rec


def gmvae_gradients(weights: Weights, x: Any) -> dict[str, np.ndarray]:
    """Derivatives of the negative ELBO by every parameter, in the limit of a posterior without noise (z = its mean).

    There log q contributes -1/2 sum(log v) and nothing else, and log p(z) and log p(x | z) are taken at the mean.
    """
    (x,) = _double(x)
    batch = len(x)
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    z, variance = gmvae_encode(weights, x)
    prior_mean, prior_variance = gmvae_prior(weights)
    gradients: dict[str, np.ndarray] = {}

    by_logits = (expit(mlp(weights, "dec", z)) - x) / batch
    by_z = _backward(weights, "dec", z, by_logits, gradients)
    by_z_prior, by_mean, by_variance = log_normal_mixture_gradients(z, prior_mean, prior_variance, -1 / batch)
    _, prior_pre_v = np.split(weights["z_pre"], 2, axis=1)
    gradients["z_pre"] = np.concatenate([by_mean, by_variance * expit(prior_pre_v)], axis=1)

    _, pre_v = np.split(mlp(weights, "enc", x), 2, axis=1)
    by_pre_v = -0.5 / variance * expit(pre_v) / batch
    _backward(weights, "enc", x, np.concatenate([by_z + by_z_prior, by_pre_v], axis=1), gradients)
    return gradients


def _backward(
    weights: Weights, part: str, x: np.ndarray, by_output: np.ndarray, gradients: dict[str, np.ndarray]
) -> np.ndarray:
    """Derivative by the input x of an `mlp`, given that by its output; its parameters' go into `gradients`."""
    inputs, outputs = [x], []
    for layer in (0, 2, 4):
        outputs.append(inputs[-1] @ weights[f"{part}.net.{layer}.weight"].T + weights[f"{part}.net.{layer}.bias"])
        inputs.append(elu(outputs[-1]))
    gradient = by_output
    for place, layer in ((2, 4), (1, 2), (0, 0)):
        if layer < 4:
            gradient = gradient * np.where(outputs[place] > 0, 1.0, np.exp(np.minimum(outputs[place], 0)))
        gradients[f"{part}.net.{layer}.weight"] = gradient.T @ inputs[place]
        gradients[f"{part}.net.{layer}.bias"] = gradient.sum(axis=0)
        gradient = gradient @ weights[f"{part}.net.{layer}.weight"]
    return gradient
