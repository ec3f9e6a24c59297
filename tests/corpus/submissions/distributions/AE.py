"""Task 3.1."""

import torch
from torch import nn

from nets import ImageDecoder, ImageEncoder


class Encoder(ImageEncoder):
    def layers(self, latent_dim):
        yield nn.Flatten()
        for inputs, outputs in ((784, 512), (512, 64)):
            yield nn.Linear(inputs, outputs)
            yield nn.Mish()
        yield nn.Linear(64, latent_dim)


class Decoder(ImageDecoder):
    def layers(self, latent_dim):
        for inputs, outputs in ((latent_dim, 64), (64, 512)):
            yield nn.Linear(inputs, outputs)
            yield nn.Mish()
        yield nn.Linear(512, 784)


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


if __name__ == "__main__":
    print(Autoencoder(3)(torch.rand(5, 1, 28, 28)).shape)
