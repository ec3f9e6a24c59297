"""Training (tasks 3.2, 4.6)"""
import time
import torch
from ELBO import elbo_loss

SHOW_EVERY = 25


def minibatches(images, batch_size):
	while True:
		for indices in torch.randperm(len(images), device=images.device).split(batch_size):
			yield images[indices]


def progress(what, iteration, iterations, value, start):
	if iteration % SHOW_EVERY == 0 or iteration == iterations - 1:
		print(f"[{what}] {iteration + 1:5d}/{iterations}  {value:10.4f}  {time.time() - start:6.1f} s", flush=True)


def train_autoencoder(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
	print("training an autoencoder on", tuple(images.shape))
	start = time.time()
	model.train()
	optimizer = torch.optim.Adam(model.parameters(), lr=lr)
	losses, epoch, iteration = [], 0, 0
	while iteration < iterations:
		epoch += 1
		permutation = torch.randperm(images.shape[0])
		for begin in range(0, images.shape[0], batch_size):
			if iteration >= iterations:
				break
			x = images[permutation[begin:begin + batch_size]]
			optimizer.zero_grad()
			loss = torch.mean((model(x) - x) ** 2)
			loss.backward()
			optimizer.step()
			losses.append(loss.item())
			progress(f"AE, epoch {epoch}", iteration, iterations, losses[-1], start)
			if on_step is not None:
				on_step(iteration, losses[-1])
			iteration += 1
	return losses


def train_vae(model, images, iterations, batch_size=100, lr=1e-3, on_step=None):
	print("training a VAE on", tuple(images.shape))
	start = time.time()
	model.train()
	optimizer = torch.optim.Adam(model.parameters(), lr=lr)
	batches = minibatches(images, batch_size)
	elbos = []
	for iteration in range(iterations):
		x = next(batches)
		optimizer.zero_grad()
		recon_x, mu, logvar = model(x)
		loss = elbo_loss(x, recon_x, mu, logvar)
		loss.backward()
		optimizer.step()
		elbos.append(-loss.item())
		progress("VAE", iteration, iterations, elbos[-1], start)
		if on_step is not None:
			on_step(iteration, elbos[-1])
	return elbos
