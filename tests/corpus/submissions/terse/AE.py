from torch.nn import *


class Encoder(Sequential):
    def __init__(s, latent_dim=2): super().__init__(Flatten(), Linear(784, 400), ReLU(), Linear(400, 50), ReLU(), Linear(50, latent_dim))


class Decoder(Sequential):
    def __init__(s, latent_dim=2): super().__init__(Linear(latent_dim, 50), ReLU(), Linear(50, 400), ReLU(), Linear(400, 784), Sigmoid(), Unflatten(1, (1, 28, 28)))


class Autoencoder(Module):
    def __init__(s, latent_dim=2):
        super().__init__(); s.latent_dim = latent_dim; s.encoder, s.decoder = Encoder(latent_dim), Decoder(latent_dim)
    def encode(s, x): return s.encoder(x)
    def decode(s, z): return s.decoder(z)
    def forward(s, x): return s.decode(s.encode(x))
