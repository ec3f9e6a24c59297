"""What bounds on parts of the loss make of a VAE's training."""

from collections.abc import Callable

import numpy as np

from support.mistakes.elbo import fit_kl_diag_normal, of_kl_diag_normal, root
from support.oracles import kl_diag_normal, negative_log_likelihood
from support.probe_oracle import ProbeOracle

LOWEST = -60.0  # log-variance
ROUNDING = 1e-6  # what float32 may add to a loss or take from it, as a share


def bounded_losses(
    actual: float, oracle: ProbeOracle, x: np.ndarray, recon_x: np.ndarray
) -> Callable[[ProbeOracle, np.ndarray, np.ndarray], dict[str, float]]:
    """Losses of other minibatches, {mistake: loss}, under bounds of the KL that make of this one what came.

    Args:
        actual: the loss that came.
        x, recon_x: (B, 784), a minibatch and its reconstructions.
    """
    mean = oracle.mean(x, training=True)
    logvar, divergence = oracle.logvar(mean), actual - negative_log_likelihood(x, recon_x).mean()
    if abs(divergence) < ROUNDING * abs(actual):  # it is missing, which is a mistake of its own
        return lambda *_: {}
    bounds, lowest = fit_kl_diag_normal(divergence, mean, logvar), _lowest(divergence, mean, logvar)

    def losses(oracle: ProbeOracle, x: np.ndarray, recon_x: np.ndarray) -> dict[str, float]:
        mean = oracle.mean(x, training=True)
        logvar, cost = oracle.logvar(mean), negative_log_likelihood(x, recon_x).mean()
        found = {name: value for name, value in of_kl_diag_normal(mean, logvar, **bounds).items() if "clamp" in name}
        if np.isfinite(lowest):
            name = "the log-variances are kept above some minimum (clamp); the KL takes them as they are"
            found[name] = kl_diag_normal(mean, np.maximum(logvar, lowest)).mean()
        return {name: cost + value for name, value in found.items()}

    return losses


def _lowest(divergence: float, mean: np.ndarray, logvar: np.ndarray) -> float:
    """The least log-variance, below 0, with which posteriors (B, k) have this divergence; NaN if there is none."""

    def missing(lowest: float) -> float:
        return divergence - kl_diag_normal(mean, np.maximum(logvar, lowest)).mean()

    return root(missing, LOWEST, 0)
