"""The list of the main job's parts: what each needs and depends on, and how long it takes (provided)."""

from dataclasses import dataclass
from pathlib import Path

import lab.gmvae_parts as g
import lab.kl_gmm_parts as k
import lab.vae_pictures as v
import lab.vae_training as t
from lab.parts import Part, checksum

SECTIONS = {
    "kl": "Task 1: KL divergences",
    "gmm": "Task 2: Gaussian mixtures and entropy",
    "ae": "Task 3: Autoencoder",
    "vae": "Task 4: Variational autoencoder",
    "gmvae": "Task 5: Mixture-of-Gaussians VAE",
}


@dataclass(frozen=True)
class Settings:
    """Everything that results depend on, besides code and data.

    Attributes:
        seed: each part draws from a seed of its own that is made from this one and its name.
        device: where models are trained.
        vae_iterations: of the autoencoder and of every VAE, minibatches of 100.
        gmvae_iterations: of the GMVAE.
        latent_dims: sizes of the fully connected VAEs that are compared.
        shown_dims: the two sizes of which all plots are made, also trained with convolutions.
        points: samples of the mixture for the entropy curves.
        scatter_points: samples of the mixture that are drawn.
        embedded: test images in the large scatter plots and in t-SNE.
    """

    seed: int = 0
    device: str = "cpu"
    vae_iterations: int = 5000
    gmvae_iterations: int = 20_000
    latent_dims: tuple[int, ...] = (2, 5, 10, 20)
    shown_dims: tuple[int, ...] = (2, 10)
    points: int = 1_000_000
    scatter_points: int = 100_000
    embedded: int = 2000


QUICK = Settings(vae_iterations=60, gmvae_iterations=100, points=10_000, scatter_points=10_000, embedded=100)


def all_parts(settings: Settings, results: Path, data: Path | None) -> dict[str, Part]:
    """Every part by name, each after those that it needs."""
    s = settings
    parts: dict[str, Part] = {}

    def add(name, section, function, seconds, files, needs=(), **own):
        """Declare a part; its results also depend on the settings of its own and on what it needs."""
        own = {"seed": s.seed, "device": s.device, **own}
        sources = ("lab/parts.py", "plotting.py", function.__module__.replace(".", "/") + ".py", *files)
        key = checksum({"name": name, **own}, sources, [parts[need].key for need in needs])
        parts[name] = Part(name, SECTIONS[section], function, own, tuple(needs), seconds, key, results, data)

    add("kl-normals", "kl", k.normals, 1, ["kl.py"])
    add("kl-categorical", "kl", k.categorical, 1, ["kl.py"])
    add("kl-triangle", "kl", k.triangle, 1, ["kl.py"])
    add("kl-without-halves", "kl", k.sum_without_halves, 1, ["kl.py"])

    add("gmm-scatter", "gmm", k.gmm_scatter, 3, ["gmm.py"], points=s.scatter_points)
    add("gmm-entropy", "gmm", k.gmm_entropy, 3, ["gmm.py"], points=s.points)
    add("gmm-degenerate", "gmm", k.gmm_degenerate, 3, ["gmm.py"], points=s.points)

    vae_files = ["VAE.py", "ELBO.py", "train.py", "mnist.py"]
    steps = s.vae_iterations
    # Seconds were measured on one core of 2024; only their order matters.
    ae_files = ["AE.py", "train.py", "mnist.py"]
    add("train-autoencoder", "ae", t.train_autoencoder, 0.006 * steps, ae_files, iterations=steps)
    shown = list(dict.fromkeys(s.shown_dims))
    trainings = [("mlp", dim) for dim in dict.fromkeys([2, *s.latent_dims, *shown])] + [("conv", dim) for dim in shown]
    for architecture, dim in trainings:
        cost = (0.014 if architecture == "conv" else 0.006) * steps
        own = {"iterations": steps, "architecture": architecture, "latent_dim": dim}
        add(t.training_name(architecture, dim), "vae", t.train_vae, cost, vae_files, **own)
    add("autoencoder-plane", "ae", v.autoencoder_plane, 3, ["embeddings.py"], ["train-autoencoder"], points=s.embedded)
    plane = t.training_name("mlp", 2)
    add("vae-plane", "vae", v.vae_plane, 3, ["embeddings.py"], [plane], points=s.embedded)
    compared = ["train-autoencoder", plane, "autoencoder-plane", "vae-plane"]
    add("autoencoder-and-vae", "vae", v.side_by_side, 2, [], compared)
    add("posterior-rows", "vae", v.posterior_rows, 2, ["embeddings.py", "ELBO.py"], [plane])

    looked_at = [t.training_name("mlp", dim) for dim in shown]
    own = {"iterations": steps, "latent_dims": shown}
    add("latent-traversal", "vae", v.traversals, 3, ["latent_traversal.py"], looked_at, **own)
    add("prior-samples", "vae", v.prior_samples, 3, ["sample_from_prior.py"], looked_at, **own)
    add("tsne", "vae", v.tsne_maps, 0.01 * s.embedded, ["tsne.py"], looked_at, points=s.embedded, **own)
    add("learning-curve", "vae", v.learning_curves, 3, ["learning_curve.py"], looked_at, **own)
    plots = ["latent-traversal", "prior-samples", "tsne", "learning-curve"]
    add("contact-sheet", "vae", v.contact_sheet, 5, [], plots, **own)
    compared = [t.training_name(*training) for training in trainings]
    both = [t.training_name(architecture, dim) for architecture in ("mlp", "conv") for dim in shown]
    add("architectures", "vae", v.architectures, 2, ["VAE.py"], both, latent_dims=shown)
    add("comparison", "vae", t.comparison, 2, [], compared, trainings=[list(training) for training in trainings])

    own = {"iterations": s.gmvae_iterations}
    files = ["run_gmvae.py", "gmvae.py", "utils.py", "train.py", "mnist.py"]
    add("gmvae", "gmvae", g.gmvae, 0.008 * s.gmvae_iterations, files, **own)
    return parts
