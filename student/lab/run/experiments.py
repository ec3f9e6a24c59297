"""The list of the main job's parts: what each needs and depends on, and how long it takes (provided)."""

from dataclasses import dataclass
from pathlib import Path

from lab.parts import gmm, gmvae, kl, pictures, training
from lab.parts.training import training_name
from lab.run.part import Part, checksum

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
        sources = ("lab/run/part.py", "plotting.py", function.__module__.replace(".", "/") + ".py", *files)
        key = checksum({"name": name, **own}, sources, [parts[need].key for need in needs])
        parts[name] = Part(name, SECTIONS[section], function, own, tuple(needs), seconds, key, results, data)

    add("kl-normals", "kl", kl.normals, 1, ["kl.py"])
    add("kl-categorical", "kl", kl.categorical, 1, ["kl.py"])
    add("kl-triangle", "kl", kl.triangle, 1, ["kl.py"])
    add("kl-without-halves", "kl", kl.sum_without_halves, 1, ["kl.py"])

    add("gmm-scatter", "gmm", gmm.gmm_scatter, 3, ["gmm.py"], points=s.scatter_points)
    add("gmm-entropy", "gmm", gmm.gmm_entropy, 3, ["gmm.py"], points=s.points)
    add("gmm-degenerate", "gmm", gmm.gmm_degenerate, 3, ["gmm.py"], points=s.points)

    # Seconds were measured on one core of 2024; only their order matters.
    steps = s.vae_iterations
    code = ["train.py", "mnist.py"]
    add("train-autoencoder", "ae", training.train_autoencoder, 0.006 * steps, ["AE.py", *code], iterations=steps)
    shown = list(dict.fromkeys(s.shown_dims))
    models = [("mlp", dim) for dim in dict.fromkeys([2, *s.latent_dims, *shown])] + [("conv", dim) for dim in shown]
    for architecture, dim in models:
        cost = (0.014 if architecture == "conv" else 0.006) * steps
        own = {"iterations": steps, "architecture": architecture, "latent_dim": dim}
        add(training_name(architecture, dim), "vae", training.train_vae, cost, ["VAE.py", "ELBO.py", *code], **own)
    flat, code = training_name("mlp", 2), ["embeddings.py"]
    add("autoencoder-plane", "ae", pictures.autoencoder_plane, 3, code, ["train-autoencoder"], points=s.embedded)
    add("vae-plane", "vae", pictures.vae_plane, 3, code, [flat], points=s.embedded)
    compared = ["train-autoencoder", flat, "autoencoder-plane", "vae-plane"]
    add("autoencoder-and-vae", "vae", pictures.side_by_side, 2, [], compared)
    add("posterior-rows", "vae", pictures.posterior_rows, 2, [*code, "ELBO.py"], [flat])

    looked_at = [training_name("mlp", dim) for dim in shown]
    own = {"iterations": steps, "latent_dims": shown}
    add("latent-traversal", "vae", pictures.traversals, 3, ["latent_traversal.py"], looked_at, **own)
    add("prior-samples", "vae", pictures.prior_samples, 3, ["sample_from_prior.py"], looked_at, **own)
    add("tsne", "vae", pictures.tsne_maps, 0.01 * s.embedded, ["tsne.py"], looked_at, points=s.embedded, **own)
    add("learning-curve", "vae", pictures.learning_curves, 3, ["learning_curve.py"], looked_at, **own)
    plots = ["latent-traversal", "prior-samples", "tsne", "learning-curve"]
    add("contact-sheet", "vae", pictures.contact_sheet, 5, [], plots, **own)
    both = [*looked_at, *(training_name("conv", dim) for dim in shown)]
    add("architectures", "vae", pictures.architectures, 2, ["VAE.py"], both, latent_dims=shown)
    compared = [training_name(*model) for model in models]
    add("comparison", "vae", training.comparison, 2, [], compared, trainings=[list(model) for model in models])

    files = ["run_gmvae.py", "gmvae.py", "utils.py", "train.py", "mnist.py"]
    steps = s.gmvae_iterations
    add("gmvae", "gmvae", gmvae.gmvae, 0.008 * steps, files, iterations=steps)
    return parts
