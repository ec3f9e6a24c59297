"""Mixtures (task 2)"""
import math
import torch


def sample_gmm(n, weights, means, covs, generator=None):
	K, d = means.shape
	# inverse CDF: cut [0, 1] into K pieces, see into which one u falls
	edges = torch.cumsum(weights.double(), 0)
	edges = edges / edges[-1].clone()
	u = torch.rand(n, generator=generator, dtype=torch.double)
	component = (u[:, None] >= edges[None, :]).sum(1).clamp(max=K - 1)
	eps = torch.randn(n, d, generator=generator, dtype=means.dtype)
	# symmetric square root of every covariance
	lam, V = torch.linalg.eigh(covs)
	root = V * torch.sqrt(lam.clamp(min=0))[:, None, :]
	x = means[component] + (root[component] * eps[:, None, :]).sum(-1)
	return x, component


def gmm_log_prob(x, weights, means, covs):
	d = x.shape[1]
	logs = []
	for k in range(len(weights)):
		diff = x - means[k]
		chol = torch.linalg.cholesky(covs[k])
		maha = (diff * torch.cholesky_solve(diff.T, chol).T).sum(1)
		logdet = 2 * torch.log(torch.diagonal(chol)).sum()
		logs.append(torch.log(weights[k]) - 0.5 * (maha + logdet + d * math.log(2 * math.pi)))
	logs = torch.stack(logs)
	biggest = logs.max(0).values
	return biggest + torch.log(torch.exp(logs - biggest).sum(0))


def gaussian_entropy(cov):
	d = len(cov)
	return 0.5 * torch.logdet(cov) + 0.5 * d * math.log(2 * math.pi * math.e)


def mc_entropy(x, weights, means, covs):
	print(f"entropy from {len(x)} points ...")
	h = -gmm_log_prob(x, weights, means, covs).mean()
	print(f"... H = {h.item():.4f} nats")
	return h
