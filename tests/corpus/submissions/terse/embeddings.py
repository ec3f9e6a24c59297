import torch, matplotlib.pyplot as plt
from torch import linspace, stack, tensor
from ELBO import *
from plotting import evaluating


def latent_codes(model, images):
    with evaluating(model): c = model.encode(images)
    return c[0] if isinstance(c, tuple) else c


def out(f, p): f.savefig(p); plt.close(f)


def plot_embeddings(model, images, labels, outpath=None):
    c = latent_codes(model, images)
    if outpath: f, a = plt.subplots(); a.scatter(*c.T[:2], c=labels, cmap="tab10"); out(f, outpath)
    return c


def decode_grid(model, codes, steps=10, outpath=None):
    (a, b), (c, d) = codes.amin(0).tolist(), codes.amax(0).tolist()
    z = tensor([[u, v] for v in linspace(b, d, steps) for u in linspace(a, c, steps)])
    with evaluating(model): i = model.decode(z).reshape(steps, steps, 1, 28, 28)
    if outpath: f, a = plt.subplots(); a.imshow(i.flip(0)[:, :, 0].permute(0, 2, 1, 3).reshape(28*steps, -1), "gray"); out(f, outpath)
    return i


def plot_posterior_rows(vae, images, outpath=None):
    with evaluating(vae): m, v = vae.encode(images); r = vae.decode(m)
    e, k = (stack([g(x[None], y[None]) for x, y in zip(p, q)]) for g, p, q in ((negative_log_likelihood, images, r), (kl_diag_normal, m, v)))
    if outpath:
        f, a = plt.subplots(len(images), 3, squeeze=False)
        for b, x, y, s, t in zip(a, images, r, m, (v/2).exp()): b[0].imshow(x[0]); b[2].imshow(y[0]); b[1].errorbar(s[0], s[1], t[1], t[0], "o"); b[1].axis([-4, 4, -4, 4])
        out(f, outpath)
    return stack([e, k, e+k], 1)
