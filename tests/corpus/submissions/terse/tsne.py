import matplotlib.pyplot as plt
from sklearn.manifold import TSNE
from plotting import evaluating


def tsne_latents(vae, images, labels, outpath=None, seed=0):
    with evaluating(vae): m = vae.encode(images)[0].numpy()
    e = TSNE(perplexity=min(30, len(m)/3), init="random", random_state=seed).fit_transform(m)
    if outpath: plt.figure(); plt.scatter(*e.T, c=labels, cmap="tab10"); plt.colorbar(); plt.savefig(outpath); plt.close()
    return e
