import torch, matplotlib.pyplot as plt
from plotting import evaluating


def sample_from_prior(vae, n=64, outpath=None):
    with evaluating(vae): i = vae.decode(torch.randn(n, vae.latent_dim))
    if outpath:
        s = 1
        while s*s < n: s += 1
        p = torch.cat([i, torch.ones(s*s-n, 1, 28, 28)])
        plt.imsave(outpath, p.view(s, s, 28, 28).transpose(1, 2).reshape(28*s, 28*s).numpy(), cmap="gray")
    return i
