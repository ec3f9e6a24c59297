"""Samples (task 4.8)"""
import math
import matplotlib.pyplot as plt
import torch
from plotting import evaluating


def sample_from_prior(vae, n=64, outpath=None):
	z = torch.normal(torch.zeros(n, vae.latent_dim), torch.ones(n, vae.latent_dim))
	with evaluating(vae):
		images = torch.cat([vae.decode(some) for some in z.split(50)])
	print("decoded", n, "samples")
	if outpath is not None:
		side = math.ceil(math.sqrt(n))
		plt.figure(figsize=(side * 0.7, side * 0.7))
		for i in range(n):
			plt.subplot(side, side, i + 1)
			plt.imshow(images[i, 0], cmap="gray")
			plt.axis("off")
		plt.savefig(outpath)
		plt.close("all")
	return images
