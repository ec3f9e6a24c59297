# Homework: VAE
# File:     AE.py

import torch
import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, latent_dim=2):
        super(Encoder, self).__init__()
        self.Layer1 = nn.Linear(784, 256)
        self.Layer2 = nn.Linear(256, 128)
        self.Layer3 = nn.Linear(128, latent_dim)
        self.Act = nn.LeakyReLU()
        self.Drop = nn.Dropout(0.05)

    def forward(self, x):
        H = x.reshape(x.shape[0], 784)
        H = self.Act(self.Layer1(H))
        H = self.Drop(H)
        H = self.Act(self.Layer2(H))
        return self.Layer3(H)


class Decoder(nn.Module):
    def __init__(self, latent_dim=2):
        super(Decoder, self).__init__()
        self.Layer1 = nn.Linear(latent_dim, 128)
        self.Layer2 = nn.Linear(128, 256)
        self.Layer3 = nn.Linear(256, 784)
        self.Act = nn.LeakyReLU()

    def forward(self, z):
        H = self.Act(self.Layer1(z))
        H = self.Act(self.Layer2(H))
        H = torch.sigmoid(self.Layer3(H))
        return H.reshape(z.shape[0], 1, 28, 28)


class Autoencoder(nn.Module):
    def __init__(self, latent_dim=2):
        super(Autoencoder, self).__init__()
        self.latent_dim = latent_dim
        self.encoder = Encoder(latent_dim)
        self.decoder = Decoder(latent_dim)

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        return self.decode(self.encode(x))
