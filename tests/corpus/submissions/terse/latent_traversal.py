import torch, matplotlib.pyplot as plt
from plotting import evaluating


def latent_traversal(vae, z_min=-3., z_max=3., steps=15, outpath=None):
    k = vae.latent_dim
    z = torch.eye(k)[:, None]*torch.linspace(z_min, z_max, steps)[:, None]
    with evaluating(vae): i = vae.decode(z.view(-1, k)).view(k, steps, 1, 28, 28)
    if outpath: plt.imsave(outpath, i[:, :, 0].transpose(1, 2).reshape(28*k, -1).numpy().repeat(2, 0).repeat(2, 1), cmap="gray")
    return i
