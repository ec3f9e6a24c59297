# Homework: VAE
# File:     vae.py

import torch
import torch.nn as nn


# region fully connected

class MLPEncoder(nn.Module):
    def __init__(self, latent_dim):
        super(MLPEncoder, self).__init__()
        self.Fc1 = nn.Linear(784, 300)
        self.Bn1 = nn.BatchNorm1d(300)
        self.Fc2 = nn.Linear(300, 150)
        self.FcMu = nn.Linear(150, latent_dim)
        self.FcLogVar = nn.Linear(150, latent_dim)

    def forward(self, x):
        H = torch.flatten(x, 1)
        H = torch.relu(self.Bn1(self.Fc1(H)))
        H = torch.relu(self.Fc2(H))
        return self.FcMu(H), self.FcLogVar(H)


class MLPDecoder(nn.Module):
    def __init__(self, latent_dim):
        super(MLPDecoder, self).__init__()
        self.Fc1 = nn.Linear(latent_dim, 150)
        self.Fc2 = nn.Linear(150, 300)
        self.Fc3 = nn.Linear(300, 784)

    def forward(self, z):
        H = torch.relu(self.Fc1(z))
        H = torch.relu(self.Fc2(H))
        H = torch.sigmoid(self.Fc3(H))
        return H.view(z.shape[0], 1, 28, 28)

# endregion


# region convolutional

class ConvEncoder(nn.Module):
    def __init__(self, latent_dim):
        super(ConvEncoder, self).__init__()
        self.Conv1 = nn.Conv2d(1, 8, 4, 2, 1)
        self.Conv2 = nn.Conv2d(8, 16, 4, 2, 1)
        self.FcMu = nn.Linear(16 * 7 * 7, latent_dim)
        self.FcLogVar = nn.Linear(16 * 7 * 7, latent_dim)

    def forward(self, x):
        H = torch.relu(self.Conv1(x))
        H = torch.relu(self.Conv2(H))
        H = torch.flatten(H, 1)
        return self.FcMu(H), self.FcLogVar(H)


class ConvDecoder(nn.Module):
    def __init__(self, latent_dim):
        super(ConvDecoder, self).__init__()
        self.Fc = nn.Linear(latent_dim, 16 * 7 * 7)
        self.Deconv1 = nn.ConvTranspose2d(16, 8, 4, 2, 1)
        self.Deconv2 = nn.ConvTranspose2d(8, 1, 4, 2, 1)

    def forward(self, z):
        H = torch.relu(self.Fc(z))
        H = H.view(z.shape[0], 16, 7, 7)
        H = torch.relu(self.Deconv1(H))
        return torch.sigmoid(self.Deconv2(H))

# endregion


class VAE(nn.Module):
    def __init__(self, latent_dim=2, architecture="mlp"):
        super(VAE, self).__init__()
        if architecture != "mlp" and architecture != "conv":
            raise ValueError("architecture must be mlp or conv, not %s" % architecture)
        self.latent_dim = latent_dim
        if architecture == "mlp":
            self.encoder = MLPEncoder(latent_dim)
            self.decoder = MLPDecoder(latent_dim)
        else:
            self.encoder = ConvEncoder(latent_dim)
            self.decoder = ConvDecoder(latent_dim)

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)

    def reparameterize(self, mu, logvar):
        Std = torch.exp(0.5 * logvar)
        Eps = torch.randn_like(Std)
        return Eps * Std + mu

    def forward(self, x):
        Mu, LogVar = self.encode(x)
        Z = self.reparameterize(Mu, LogVar)
        return self.decode(Z), Mu, LogVar
