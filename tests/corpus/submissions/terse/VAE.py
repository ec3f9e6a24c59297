from torch import randn_like, exp
from torch.nn import *


class Halves(Module):
    def forward(s, h): return h.chunk(2, 1)


class MLPEncoder(Sequential):
    def __init__(s, k): super().__init__(Flatten(), Linear(784, 256), Tanh(), Linear(256, 2*k), Halves())


class MLPDecoder(Sequential):
    def __init__(s, k): super().__init__(Linear(k, 256), Tanh(), Linear(256, 784), Sigmoid(), Unflatten(1, (1, 28, 28)))


class ConvEncoder(Sequential):
    def __init__(s, k): super().__init__(Conv2d(1, 8, 5, 2, 2), LeakyReLU(), Conv2d(8, 16, 5, 2, 2), LeakyReLU(), Flatten(), Linear(784, 2*k), Halves())


class ConvDecoder(Sequential):
    def __init__(s, k): super().__init__(Linear(k, 784), LeakyReLU(), Unflatten(1, (16, 7, 7)), ConvTranspose2d(16, 8, 4, 2, 1), LeakyReLU(), ConvTranspose2d(8, 1, 4, 2, 1), Sigmoid())


nets = dict(mlp=(MLPEncoder, MLPDecoder), conv=(ConvEncoder, ConvDecoder))


class VAE(Module):
    def __init__(s, latent_dim=2, architecture="mlp"):
        super().__init__()
        if architecture not in nets: raise ValueError(architecture)
        s.latent_dim = latent_dim; s.encoder, s.decoder = (n(latent_dim) for n in nets[architecture])
    def encode(s, x): return s.encoder(x)
    def decode(s, z): return s.decoder(z)
    def reparameterize(s, mu, logvar): return mu + exp(logvar/2)*randn_like(mu)
    def forward(s, x): m, v = s.encode(x); return s.decode(s.reparameterize(m, v)), m, v
