"""VAE (tasks 4.1, 4.2)"""
import torch
from torch import nn
import torch.nn.functional as F


class MLPEncoder(nn.Module):
	def __init__(self, latent_dim):
		super().__init__()
		self.fc1 = nn.Linear(784, 400)
		self.fc21 = nn.Linear(400, latent_dim)
		self.fc22 = nn.Linear(400, latent_dim)

	def forward(self, x):
		h1 = F.relu(self.fc1(x.view(-1, 784)))
		return self.fc21(h1), self.fc22(h1)


class MLPDecoder(nn.Module):
	def __init__(self, latent_dim):
		super().__init__()
		self.fc3 = nn.Linear(latent_dim, 400)
		self.fc4 = nn.Linear(400, 784)

	def forward(self, z):
		h3 = F.relu(self.fc3(z))
		return torch.sigmoid(self.fc4(h3)).view(-1, 1, 28, 28)


class ConvEncoder(nn.Module):
	def __init__(self, latent_dim):
		super().__init__()
		channels = [1, 8, 16, 32]
		self.convs = nn.ModuleList()
		for a, b in zip(channels, channels[1:]):
			self.convs.append(nn.Conv2d(a, b, 3, stride=2, padding=1))	# 28 -> 14 -> 7 -> 4
		self.mu = nn.Linear(32 * 4 * 4, latent_dim)
		self.logvar = nn.Linear(32 * 4 * 4, latent_dim)

	def forward(self, x):
		for conv in self.convs:
			x = F.leaky_relu(conv(x), 0.2)
		x = x.reshape(x.shape[0], -1)
		return self.mu(x), self.logvar(x)


class ConvDecoder(nn.Module):
	def __init__(self, latent_dim):
		super().__init__()
		self.fc = nn.Linear(latent_dim, 16 * 7 * 7)
		self.conv1 = nn.Conv2d(16, 16, 3, padding=1)
		self.conv2 = nn.Conv2d(16, 1, 3, padding=1)

	def forward(self, z):
		h = F.leaky_relu(self.fc(z), 0.2).view(-1, 16, 7, 7)
		h = F.interpolate(h, scale_factor=2)
		h = F.leaky_relu(self.conv1(h), 0.2)
		h = F.interpolate(h, scale_factor=2)
		return torch.sigmoid(self.conv2(h))


class VAE(nn.Module):
	def __init__(self, latent_dim=2, architecture="mlp"):
		super().__init__()
		self.latent_dim = latent_dim
		if architecture == "mlp":
			self.encoder, self.decoder = MLPEncoder(latent_dim), MLPDecoder(latent_dim)
		elif architecture == "conv":
			self.encoder, self.decoder = ConvEncoder(latent_dim), ConvDecoder(latent_dim)
		else:
			raise ValueError("no such architecture: " + str(architecture))
		number = sum(p.numel() for p in self.parameters())
		print(f"VAE with {latent_dim} latents, {architecture}, {number:,} parameters")

	def encode(self, x):
		return self.encoder(x)

	def decode(self, z):
		return self.decoder(z)

	def reparameterize(self, mu, logvar):
		sigma = torch.exp(logvar / 2)
		eps = torch.empty_like(mu).normal_()
		return torch.addcmul(mu, sigma, eps)

	def forward(self, x):
		mu, logvar = self.encode(x)
		return self.decode(self.reparameterize(mu, logvar)), mu, logvar
