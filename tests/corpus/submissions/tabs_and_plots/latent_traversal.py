"""Traversals (task 4.7)"""
import matplotlib.pyplot as plt
import torch
from plotting import evaluating


def latent_traversal(vae, z_min=-3.0, z_max=3.0, steps=15, outpath=None):
	k = vae.latent_dim
	all_rows = []
	with evaluating(vae):
		for j in range(k):
			row = []
			for value in torch.linspace(z_min, z_max, steps):
				z = torch.zeros(1, k)
				z[:, j] = value
				row.append(vae.decode(z))
			all_rows.append(torch.cat(row))
			print(f"latent {j + 1} of {k} done")
	images = torch.stack(all_rows)
	if outpath is not None:
		fig, axes = plt.subplots(k, steps, figsize=(steps, k + 0.5), squeeze=False)
		for j in range(k):
			for s in range(steps):
				axes[j][s].imshow(images[j, s, 0], cmap="gray")
				axes[j][s].set_xticks([])
				axes[j][s].set_yticks([])
		plt.suptitle("Latent traversal")
		plt.savefig(outpath)
		plt.close()
	return images
