"""KL divergences (task 1)"""
import torch
import numpy as np


def kl_univariate_normal(mu1, var1, mu2, var2):
	sigma1, sigma2 = var1 ** 0.5, var2 ** 0.5
	log_part = 2 * (torch.log(sigma2) - torch.log(sigma1))
	square_part = (var1 + (mu1 - mu2) ** 2) / var2
	return (log_part + square_part - 1) / 2


def kl_categorical(p, q):
	n = p.shape[-1]
	total = torch.zeros_like(p[..., 0])
	for i in range(n):
		pi, qi = p[..., i], q[..., i]
		total = total + torch.where(pi > 0, pi * (torch.log(pi) - torch.log(qi)), torch.zeros_like(pi))
	return total


def triangle_violation():
	# tried 1, 2, 3 first: wrong way round!
	return 3.5, 2.0, 1.0


def show_triangle():
	"""Not asked for, but nice to look at."""
	import matplotlib.pyplot as plt
	v = np.linspace(1, 4, 200)
	direct = 0.5 * (4 - 1 - np.log(4))
	detour = 0.5 * (4 / v - 1 - np.log(4 / v)) + 0.5 * (v - 1 - np.log(v))
	plt.plot(v, detour, label="4 -> v -> 1")
	plt.axhline(direct, color="k", label="4 -> 1")
	plt.legend()
	plt.show()
