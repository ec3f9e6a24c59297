"""The latent plane (tasks 3.3, 3.4, 4.11)"""
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from ELBO import kl_diag_normal, negative_log_likelihood
from plotting import evaluating


def finish(outpath):
	"""save the current figure and forget it"""
	plt.tight_layout()
	plt.savefig(outpath)
	plt.close("all")
	print("wrote", outpath)


def latent_codes(model, images):
	with evaluating(model):
		result = model.encode(images)
	if type(result) is tuple:
		return result[0]
	return result


def plot_embeddings(model, images, labels, outpath=None):
	codes = latent_codes(model, images)
	if outpath is not None:
		plt.figure(figsize=(8, 8))
		for digit in range(10):
			here = labels == digit
			plt.scatter(codes[here, 0], codes[here, 1], s=20, label=f"{digit}")
		plt.legend()
		plt.title("embeddings")
		finish(outpath)
	return codes


def decode_grid(model, codes, steps=10, outpath=None):
	lo, hi = codes.min(0)[0], codes.max(0)[0]
	w = torch.linspace(0, 1, steps)
	z1 = lo[0] * (1 - w) + hi[0] * w
	z2 = lo[1] * (1 - w) + hi[1] * w
	Z2, Z1 = torch.meshgrid(z2, z1, indexing="ij")
	z = torch.stack([Z1.flatten(), Z2.flatten()], dim=1)
	with evaluating(model):
		images = model.decode(z).view(steps, steps, 1, 28, 28)
	if outpath is not None:
		plt.figure(figsize=(steps, steps))
		for i in range(steps):
			for j in range(steps):
				plt.subplot(steps, steps, (steps - 1 - i) * steps + j + 1)
				plt.imshow(images[i, j, 0], cmap="gray", vmin=0, vmax=1)
				plt.axis("off")
		plt.savefig(outpath)
		plt.close("all")
	return images


def plot_posterior_rows(vae, images, outpath=None):
	costs = []
	rows = []
	with evaluating(vae):
		for image in images:
			x = image.unsqueeze(0)
			mu, logvar = vae.encode(x)
			recon = vae.decode(mu)
			rec, kl = negative_log_likelihood(x, recon), kl_diag_normal(mu, logvar)
			print(f"rec {rec:.2f}  kl {kl:.2f}")
			costs.append(torch.stack([rec, kl, rec + kl]))
			rows.append((image, mu[0], torch.exp(0.5 * logvar[0]), recon[0]))
	if outpath is not None:
		plt.figure(figsize=(9, 3 * len(rows)))
		for i, (image, mean, std, recon) in enumerate(rows):
			plt.subplot(len(rows), 3, 3 * i + 1)
			plt.imshow(image[0], cmap="gray")
			plt.subplot(len(rows), 3, 3 * i + 2)
			plt.gca().add_patch(matplotlib.patches.Ellipse(mean.tolist(), *(2 * std).tolist(), alpha=0.5))
			plt.xlim(-4, 4)
			plt.ylim(-4, 4)
			plt.grid()
			plt.subplot(len(rows), 3, 3 * i + 3)
			plt.imshow(recon[0], cmap="gray")
			plt.title("%.1f nats" % costs[i][2])
		finish(outpath)
	return torch.stack(costs)
