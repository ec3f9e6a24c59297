"""Task 4.9."""

from dataclasses import asdict, dataclass

import matplotlib.pyplot as plt
from sklearn.manifold import TSNE

from embeddings import latent_codes
from plotting import DIGIT_COLOURS, save_figure


@dataclass
class Options:
    perplexity: float
    random_state: int
    init: str = "random"
    n_components: int = 2

    @classmethod
    def of(cls, points, seed):
        return cls(perplexity=min(12.0, (points - 1) / 2), random_state=seed)


def tsne_latents(vae, images, labels, outpath=None, seed=0):
    means = latent_codes(vae, images).cpu().numpy()
    embedding = TSNE(**asdict(Options.of(len(means), seed))).fit_transform(means)
    if outpath is not None:
        figure, ax = plt.subplots()
        ax.scatter(*embedding.T, c=[DIGIT_COLOURS(int(label)) for label in labels], s=10)
        save_figure(figure, outpath)
        plt.close(figure)
    return embedding


if __name__ == "__main__":
    print(Options.of(100, 0))
