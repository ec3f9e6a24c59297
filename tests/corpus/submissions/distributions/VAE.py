"""Tasks 4.1 and 4.2."""

import torch
from torch import nn
from torch.distributions import Normal

from nets import GaussianEncoder, ImageDecoder


class MLPEncoder(GaussianEncoder):
    def layers(self, latent_dim):
        return [
            nn.Flatten(),
            nn.Linear(784, 256),
            nn.LayerNorm(256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 2 * latent_dim),
        ]


class MLPDecoder(ImageDecoder):
    def layers(self, latent_dim):
        return [nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 784)]


class ConvEncoder(GaussianEncoder):
    def layers(self, latent_dim):
        return [
            nn.Conv2d(1, 16, 5, stride=2, padding=2),
            nn.GroupNorm(4, 16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 49, 2 * latent_dim),
        ]


class ConvDecoder(ImageDecoder):
    def layers(self, latent_dim):
        return [
            nn.Linear(latent_dim, 32 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 16, 5, stride=2, padding=2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 5, stride=2, padding=2, output_padding=1),
        ]


class VAE(nn.Module):
    families = {"mlp": (MLPEncoder, MLPDecoder), "conv": (ConvEncoder, ConvDecoder)}

    def __init__(self, latent_dim=2, architecture="mlp"):
        super().__init__()
        try:
            encoder, decoder = self.families[architecture]
        except KeyError:
            raise ValueError(f"{architecture}: not one of {sorted(self.families)}") from None
        self.latent_dim = latent_dim
        self.encoder = encoder(latent_dim)
        self.decoder = decoder(latent_dim)

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)

    def reparameterize(self, mu, logvar):
        return Normal(mu, (logvar / 2).exp()).rsample()

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


if __name__ == "__main__":
    for name in VAE.families:
        vae = VAE(4, name)
        print(name, sum(p.numel() for p in vae.parameters()), vae(torch.rand(2, 1, 28, 28))[0].shape)
