# Homework: VAE
# File:     gmm.py

import math
import torch


def GetFactors(covs):
    """Cholesky factors of all covariance matrices."""
    Factors = []
    for i in range(covs.shape[0]):
        Factors.append(torch.linalg.cholesky(covs[i]))
    return torch.stack(Factors)


def LogGauss(x, mean, factor):
    """Log density of one Gaussian at all points."""
    Dim = x.shape[1]
    Diff = (x - mean).t()
    Sol = torch.linalg.solve_triangular(factor, Diff, upper=False)
    LogDet = 0
    for i in range(Dim):
        LogDet = LogDet + 2 * torch.log(factor[i, i])
    return -0.5 * (Dim * math.log(2 * math.pi) + LogDet + torch.sum(Sol * Sol, dim=0))


def sample_gmm(n, weights, means, covs, generator=None):
    Dim = means.shape[1]
    Factors = GetFactors(covs)
    Component = torch.multinomial(weights, n, replacement=True, generator=generator)
    Eps = torch.randn((n, Dim), generator=generator, dtype=means.dtype)
    X = torch.zeros((n, Dim), dtype=means.dtype)
    for k in range(len(weights)):
        Mask = (Component == k)
        X[Mask] = means[k] + torch.matmul(Eps[Mask], Factors[k].t())
    return X, Component


def gmm_log_prob(x, weights, means, covs):
    Factors = GetFactors(covs)
    Terms = []
    for k in range(len(weights)):
        Terms.append(torch.log(weights[k]) + LogGauss(x, means[k], Factors[k]))
    return torch.logsumexp(torch.stack(Terms, dim=1), dim=1)


def gaussian_entropy(cov):
    Factor = torch.linalg.cholesky(cov)
    Dim = cov.shape[0]
    Entropy = 0.5 * Dim * math.log(2 * math.pi * math.e)
    return Entropy + torch.log(torch.diag(Factor)).sum()


def mc_entropy(x, weights, means, covs):
    LogProb = gmm_log_prob(x, weights, means, covs)
    N = x.shape[0]
    return -torch.sum(LogProb) / N
