# -*- coding: utf-8 -*-
"""Tarea 3.1: el autoencoder."""
import torch
import torch.nn as nn

from ayuda import TAMAÑO


class Encoder(nn.Module):
    def __init__(self, latent_dim=2):
        super().__init__()
        self.capa_uno = nn.Linear(TAMAÑO, 350)
        self.capa_dos = nn.Linear(350, 120)
        self.normalización = nn.LayerNorm(120)
        self.código = nn.Linear(120, latent_dim)

    def forward(self, x):
        h = torch.relu(self.capa_uno(x.reshape(-1, TAMAÑO)))
        h = torch.relu(self.normalización(self.capa_dos(h)))
        return self.código(h)  # sin activación: el código puede ser cualquier número real


class Decoder(nn.Module):
    def __init__(self, latent_dim=2):
        super().__init__()
        self.capa_uno = nn.Linear(latent_dim, 120)
        self.capa_dos = nn.Linear(120, 350)
        self.píxeles = nn.Linear(350, TAMAÑO)

    def forward(self, z):
        h = torch.relu(self.capa_uno(z))
        h = torch.relu(self.capa_dos(h))
        return torch.sigmoid(self.píxeles(h)).reshape(-1, 1, 28, 28)


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
