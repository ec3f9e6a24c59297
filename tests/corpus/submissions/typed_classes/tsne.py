"""Task 4.9: t-SNE of the posterior means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.manifold import TSNE
from torch import Tensor, nn

from embeddings import latent_codes
from my_figures import PathLike, Picture


class Embedder:
    """t-SNE with a perplexity that fits the number of points."""

    def __init__(self, seed: int) -> None:
        self.seed: int = seed

    @staticmethod
    def perplexity(points: int) -> float:
        return float(min(25.0, max(1.0, points / 4.0)))

    def embed(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        tsne = TSNE(n_components=2, perplexity=self.perplexity(len(points)), random_state=self.seed, init="random")
        return tsne.fit_transform(points)


def tsne_latents(
    vae: nn.Module, images: Tensor, labels: Tensor, outpath: PathLike = None, seed: int = 0
) -> npt.NDArray[np.float32]:
    embedding = Embedder(seed).embed(latent_codes(vae, images).cpu().numpy())
    if outpath is not None:
        with Picture(outpath) as picture:
            for digit in labels.unique().tolist():
                chosen = embedding[(labels == digit).numpy()]
                picture.axes[0].scatter(chosen[:, 0], chosen[:, 1], s=10, label=str(digit))
            picture.axes[0].legend()
    return embedding
