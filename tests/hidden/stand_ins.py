"""Stand-ins for functions of the assignment, by a trusted library, and for what is slow: see `Submission.stand_in`.

They are sent to the code under test as source text, one at a time and only where a check asks for it: otherwise a
submission could call them instead of solving the task. Hence each function brings its own imports and needs nothing
else of this module, which itself must not import torch.
"""


def gmm_log_prob(x, weights, means, covs):
    import math

    import torch

    # Importing torch.distributions would take a quarter of a second in every worker.
    factors = torch.linalg.cholesky(covs)
    white = torch.linalg.solve_triangular(factors, (x - means.unsqueeze(1)).mT, upper=False)  # (K, d, n)
    constant = factors.diagonal(dim1=1, dim2=2).log().sum(1, keepdim=True) + x.shape[1] * math.log(2 * math.pi) / 2
    return torch.logsumexp(weights.log().unsqueeze(1) - white.square().sum(1) / 2 - constant, 0)


def log_normal_mixture(z, m, v):
    import math

    import torch

    # Written out, as elbo_loss below: torch.distributions would take most of the time of a small batch.
    components = -0.5 * ((z.unsqueeze(1) - m).square() / v + v.log()).sum(-1)  # (B, K)
    constant = math.log(components.shape[1]) + z.shape[1] * math.log(2 * math.pi) / 2
    return torch.logsumexp(components, 1) - constant


# The costs do not validate: training that has gone wrong should return NaN, which says more than an exception here.


def negative_log_likelihood(x, recon_x):
    from torch.distributions import Normal

    return -Normal(recon_x, 1.0, validate_args=False).log_prob(x).flatten(1).sum(1).mean()


def kl_diag_normal(mu, logvar):
    from torch.distributions import Normal, kl_divergence

    posterior = Normal(mu, (0.5 * logvar).exp(), validate_args=False)
    return kl_divergence(posterior, Normal(mu * 0, 1.0, validate_args=False)).sum(1).mean()


def elbo_loss(x, recon_x, mu, logvar):
    import math

    divergence = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(1)
    error = 0.5 * ((x - recon_x).square() + math.log(2 * math.pi)).flatten(1).sum(1)
    return (divergence + error).mean()


class TSNE:
    """In place of scikit-learn's, which takes a second or two for 500 points: it shows what is embedded, and which row
    is which."""

    def __init__(self, *arguments, **named):
        pass

    def fit(self, points, y=None):
        import numpy as np

        points = np.asarray(points)
        self.embedding_ = points @ np.cos(np.arange(2 * points.shape[1]).reshape(-1, 2) + 1)
        return self

    def fit_transform(self, points, y=None):
        return self.fit(points).embedding_


STAND_INS = {
    "gmm.gmm_log_prob": gmm_log_prob,
    "utils.log_normal_mixture": log_normal_mixture,
    "ELBO.negative_log_likelihood": negative_log_likelihood,
    "ELBO.kl_diag_normal": kl_diag_normal,
    "ELBO.elbo_loss": elbo_loss,
    "tsne.TSNE": TSNE,
}
