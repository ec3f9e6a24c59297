# -*- coding: utf-8 -*-
"""Tareas 4.1 y 4.2: el autoencoder variacional."""
import torch
import torch.nn as nn

from ayuda import TAMAÑO


class MLPEncoder(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.tronco = nn.Sequential(nn.Linear(TAMAÑO, 320), nn.SiLU(), nn.Linear(320, 160), nn.SiLU())
        self.media = nn.Linear(160, latent_dim)
        self.log_varianza = nn.Linear(160, latent_dim)

    def forward(self, x):
        h = self.tronco(x.flatten(1))
        return self.media(h), self.log_varianza(h)


class MLPDecoder(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.red = nn.Sequential(
            nn.Linear(latent_dim, 160), nn.SiLU(), nn.Linear(160, 320), nn.SiLU(), nn.Linear(320, TAMAÑO)
        )

    def forward(self, z):
        return torch.sigmoid(self.red(z)).view(-1, 1, 28, 28)


class ConvEncoder(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.convolución_1 = nn.Conv2d(1, 10, kernel_size=5, padding=2)
        self.convolución_2 = nn.Conv2d(10, 20, kernel_size=5, padding=2)
        self.mitad = nn.MaxPool2d(2)  # 28 → 14 → 7
        self.salida = nn.Linear(20 * 7 * 7, 2 * latent_dim)

    def forward(self, x):
        h = self.mitad(torch.relu(self.convolución_1(x)))
        h = self.mitad(torch.relu(self.convolución_2(h)))
        media, log_varianza = torch.chunk(self.salida(h.flatten(1)), 2, dim=1)
        return media, log_varianza


class ConvDecoder(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.entrada = nn.Linear(latent_dim, 20 * 7 * 7)
        self.convolución_1 = nn.ConvTranspose2d(20, 10, kernel_size=2, stride=2)  # 7 → 14
        self.convolución_2 = nn.ConvTranspose2d(10, 5, kernel_size=2, stride=2)  # 14 → 28
        self.suavizado = nn.Conv2d(5, 1, kernel_size=3, padding=1)

    def forward(self, z):
        h = torch.relu(self.entrada(z)).view(-1, 20, 7, 7)
        h = torch.relu(self.convolución_2(torch.relu(self.convolución_1(h))))
        return torch.sigmoid(self.suavizado(h))


class VAE(nn.Module):
    def __init__(self, latent_dim=2, architecture="mlp"):
        super().__init__()
        if architecture == "mlp":
            self.encoder, self.decoder = MLPEncoder(latent_dim), MLPDecoder(latent_dim)
        elif architecture == "conv":
            self.encoder, self.decoder = ConvEncoder(latent_dim), ConvDecoder(latent_dim)
        else:
            raise ValueError(f"arquitectura desconocida: {architecture}")
        self.latent_dim = latent_dim

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)

    def reparameterize(self, mu, logvar):
        # z = μ + σ·ε, con un ε nuevo para cada entrada. El gradiente pasa por μ y por σ.
        σ = torch.exp(0.5 * logvar)
        ε = torch.normal(mean=0.0, std=1.0, size=mu.shape, dtype=mu.dtype)
        return mu + σ * ε

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar
