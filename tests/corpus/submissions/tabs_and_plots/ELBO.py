"""Losses (tasks 4.3 - 4.5)"""
import math
import torch


def negative_log_likelihood(x, recon_x):
	B = x.size(0)
	D = x.numel() / B
	squares = torch.linalg.vector_norm((x - recon_x).reshape(B, -1), dim=1) ** 2
	return squares.mean() / 2 + D * math.log(2 * math.pi) / 2


def kl_diag_normal(mu, logvar):
	kl = 0
	for j in range(mu.shape[1]):
		kl = kl + 0.5 * (mu[:, j] ** 2 + torch.exp(logvar[:, j]) - 1 - logvar[:, j])
	return kl.mean()


def elbo_loss(x, recon_x, mu, logvar):
	elbo = -negative_log_likelihood(x, recon_x) - kl_diag_normal(mu, logvar)
	return -elbo
