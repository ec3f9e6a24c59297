"""Autoencoder (task 3.1)"""
import torch
from torch import nn
import torch.nn.functional as F


class Encoder(nn.Module):
	def __init__(self, latent_dim=2):
		super().__init__()
		self.conv = nn.Conv2d(1, 16, 3, stride=2, padding=1)
		self.conv2 = nn.Conv2d(16, 16, 3, stride=2, padding=1)
		self.fc = nn.Linear(16 * 7 * 7, 100)
		self.out = nn.Linear(100, latent_dim)

	def forward(self, x):
		x = F.elu(self.conv(x))
		x = F.elu(self.conv2(x))
		x = F.elu(self.fc(x.flatten(1)))
		return self.out(x)


class Decoder(nn.Module):
	def __init__(self, latent_dim=2):
		super().__init__()
		self.fc1 = nn.Linear(latent_dim, 100)
		self.fc2 = nn.Linear(100, 400)
		self.fc3 = nn.Linear(400, 784)

	def forward(self, z):
		h = F.elu(self.fc1(z))
		h = F.elu(self.fc2(h))
		# tanh is in [-1, 1], pixels are in [0, 1]
		return (0.5 + 0.5 * torch.tanh(self.fc3(h))).view(-1, 1, 28, 28)


class Autoencoder(nn.Module):
	def __init__(self, latent_dim=2):
		super().__init__()
		self.latent_dim = latent_dim
		self.encoder = Encoder(latent_dim)
		self.decoder = Decoder(latent_dim)

	def encode(self, x):
		return self.encoder(x)

	def decode(self, z):
		return self.decoder(z)

	def forward(self, x):
		return self.decode(self.encode(x))
