from torch import *   # careful: this takes away Python's own sum, min, max, abs and range
from math import *    # and this gives log and sqrt back
import torch as t     # torch has a t of its own
L = t.linalg.cholesky


def sample_gmm(n, weights, means, covs, generator=None):
    c = multinomial(weights, n, True, generator=generator)
    e = randn(n, means.size(1), 1, generator=generator, dtype=means.dtype)
    return means[c] + (L(covs)[c]@e)[..., 0], c


def gmm_log_prob(x, weights, means, covs):
    l, d = L(covs), x.size(1)
    y = t.linalg.solve_triangular(l, (x[:, None]-means)[..., None], upper=False)[..., 0]   # n,K,d
    return ((-.5*(y*y).sum(-1) - l.diagonal(0, 1, 2).log().sum(-1) - d/2*t.log(tensor(2*pi, dtype=x.dtype))) + weights.log()).logsumexp(1)


gaussian_entropy = lambda cov: .5*logdet(2*pi*e*cov)


def mc_entropy(x, weights, means, covs): return -gmm_log_prob(x, weights, means, covs).mean()
