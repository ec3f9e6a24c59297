"""The list of the main job's parts: what each is for, needs and depends on, and how long it takes (provided)."""

from dataclasses import dataclass, field
from pathlib import Path

from lab.course import course
from lab.parts.mixture import COVS, MEANS
from lab.parts.names import KINDS, STAGE_PLOTS, training_name
from lab.run.part import Part, origin

TRAIN_VAE = "lab.parts.training:train_vae"


@dataclass(frozen=True)
class Settings:
    """Everything that results depend on, besides code and data."""

    # Each part draws from a seed of its own, made from this one and its name.
    seed: int = 0
    # Where models are trained: everything else is quick on a processor.
    device: str = "cpu"
    # Steps of a training, each on a minibatch of 100.
    vae_iterations: int = 5000
    # Steps of the GMVAE's.
    gmvae_iterations: int = 20_000
    # Numbers of latent units that are compared.
    latent_dims: tuple[int, ...] = (2, 5, 10, 20)
    # Numbers of latent units of the VAEs that are shown.
    shown_dims: tuple[int, ...] = (2, 10)
    # Samples of the mixture for the entropy curves, and those that are drawn.
    points: int = 1_000_000
    scatter_points: int = 100_000
    # Images in a large scatter plot.
    embedded: int = 2000
    # Images in a map of t-SNE.
    mapped: int = 1000


QUICK = Settings(
    vae_iterations=60,
    gmvae_iterations=100,
    points=10_000,
    scatter_points=10_000,
    embedded=100,
    mapped=100,
)


@dataclass
class Plan:
    """The parts that this course asks for, each after those that it needs.

    Attributes:
        results: the folder in which finished parts lie.
        data: the folder of the data, None for the one beside the assignment.
    """

    settings: Settings
    results: Path
    data: Path | None
    parts: dict[str, Part] = field(default_factory=dict)

    def add(self, name, section, asked_by, function, seconds, files, needs=(), **own) -> None:
        """Declare a part, unless it is there already or the course asks for none of what it is for.

        Its results also depend on the course's dataset, on the settings of its own and on what it needs. It runs on the
        processor, unless they say another device.

        Args:
            section: where it is shown, if the course has a section of this name.
            asked_by: the tasks and questions that it is for; without that section it is shown in theirs.
            files: beside lab/, those whose change makes its results stale.
        """
        heading = course().heading(section, asked_by.split())
        if heading is None or name in self.parts:
            return
        own = {"seed": self.settings.seed, "device": "cpu", **own}
        module = function.partition(":")[0].replace(".", "/") + ".py"
        sources = ("lab/run/part.py", "plotting.py", module, *files)
        settings = {"name": name, "dataset": course().dataset["name"], **own}
        made_from = origin(settings, sources, [self.parts[need] for need in needs])
        self.parts[name] = Part(name, heading, function, own, tuple(needs), seconds, made_from, self.results, self.data)


def autoencoder_training(plan: Plan, asked_by: str) -> str:
    """Name of the part that trains the autoencoder, which joins the plan."""
    # Seconds were measured on one core of 2024, here and below: the longest begin first, whatever the machine.
    steps = plan.settings.vae_iterations
    code, own = ["AE.py", "train.py", "mnist.py"], {"iterations": steps, "device": plan.settings.device}
    plan.add("train-autoencoder", "ae", asked_by, "lab.parts.training:train_autoencoder", 0.006 * steps, code, **own)
    return "train-autoencoder"


def vae_training(plan: Plan, asked_by: str, architecture: str, latent_dim: int) -> str:
    """Name of the part that trains this VAE, which joins the plan."""
    steps = plan.settings.vae_iterations
    name = training_name(architecture, latent_dim)
    code = ["VAE.py", "ELBO.py", "train.py", "mnist.py"]
    own = {"iterations": steps, "architecture": architecture, "latent_dim": latent_dim, "device": plan.settings.device}
    seconds = (0.017 if architecture == "conv" else 0.006) * steps
    plan.add(name, "vae", asked_by, TRAIN_VAE, seconds, code, **own)
    return name


def add_stages(plan: Plan, name: str, asked_by: str, function, seconds: float, files: list[str], **own) -> None:
    """Declare a part that draws every VAE that is shown, at every stage of its training."""
    own |= {"iterations": plan.settings.vae_iterations, "latent_dims": shown_dims(plan.settings)}
    plan.add(name, "vae", asked_by, function, seconds, files, shown_trainings(plan, asked_by), **own)


def shown_trainings(plan: Plan, asked_by: str, architecture: str = "mlp") -> list[str]:
    """Names of the parts that train the VAEs of the sizes that are shown; they join the plan."""
    return [vae_training(plan, asked_by, architecture, dim) for dim in shown_dims(plan.settings)]


def shown_dims(settings: Settings) -> list[int]:
    """The numbers of latent units that are shown, each once."""
    return list(dict.fromkeys(settings.shown_dims))


def vae_trainings(plan: Plan) -> dict[str, list]:
    """The VAEs of the plan: the part that trains it, then its architecture and its number of latent units."""
    trainings = [part for part in plan.parts.values() if part.function == TRAIN_VAE]
    return {part.name: [part.settings["architecture"], part.settings["latent_dim"]] for part in trainings}


def mixture_settings(points: int) -> dict:
    """Settings of a part on the Gaussian mixture: its components, and points."""
    return {"points": points, "means": MEANS, "covs": COVS}


def all_parts(settings: Settings, results: Path, data: Path | None) -> dict[str, Part]:
    """Every part of this course by name, each after those that it needs."""
    plan = Plan(settings, results, data)
    add = plan.add

    add(
        "kl-normals", "kl", "kl_univariate_normal kl_symmetry kl_zero kl_negative", "lab.parts.kl:normals", 1, ["kl.py"]
    )
    add("kl-categorical", "kl", "kl_categorical", "lab.parts.kl:categorical", 1, ["kl.py"])
    add("kl-triangle", "kl", "triangle_violation", "lab.parts.kl:triangle", 1, ["kl.py"])
    add("kl-without-halves", "kl", "sum_without_halves", "lab.parts.kl:sum_without_halves", 1, [])

    own = mixture_settings(settings.scatter_points)
    add("gmm-scatter", "gmm", "sample_gmm mixture_scatter", "lab.parts.gmm:gmm_scatter", 3, ["gmm.py"], **own)
    own = mixture_settings(settings.points)
    add(
        "gmm-entropy",
        "gmm",
        "gmm_log_prob mc_entropy mixture_entropy",
        "lab.parts.gmm:gmm_entropy",
        3,
        ["gmm.py"],
        **own,
    )
    own = mixture_settings(settings.points)
    asked_by = "gaussian_entropy mc_entropy degenerate_weights"
    add("gmm-degenerate", "gmm", asked_by, "lab.parts.gmm:gmm_degenerate", 3, ["gmm.py"], **own)

    autoencoder_training(plan, "autoencoder train_autoencoder")
    vae_training(plan, "vae_mlp reparameterize negative_log_likelihood kl_diag_normal elbo_loss train_vae", "mlp", 2)
    for dim in settings.latent_dims:
        vae_training(plan, "latent_sizes", "mlp", dim)

    asked_by = "plot_embeddings autoencoder_hundred"
    needs = [autoencoder_training(plan, asked_by)]
    add("autoencoder-hundred", "ae", asked_by, "lab.parts.planes:autoencoder_hundred", 2, ["embeddings.py"], needs)
    asked_by = "autoencoder_scatter"
    needs, own = [autoencoder_training(plan, asked_by)], {"points": settings.embedded}
    add(
        "autoencoder-scatter",
        "ae",
        asked_by,
        "lab.parts.planes:autoencoder_scatter",
        2,
        ["embeddings.py"],
        needs,
        **own,
    )
    asked_by = "decode_grid autoencoder_grid"
    needs, own = [autoencoder_training(plan, asked_by)], {"points": settings.embedded}
    add("autoencoder-grid", "ae", asked_by, "lab.parts.planes:autoencoder_grid", 2, ["embeddings.py"], needs, **own)
    needs = [vae_training(plan, "vae_hundred", "mlp", 2)]
    add("vae-hundred", "vae", "vae_hundred", "lab.parts.planes:vae_hundred", 2, ["embeddings.py"], needs)
    needs, own = [vae_training(plan, "vae_scatter", "mlp", 2)], {"points": settings.embedded}
    add("vae-scatter", "vae", "vae_scatter", "lab.parts.planes:vae_scatter", 2, ["embeddings.py"], needs, **own)
    needs, own = [vae_training(plan, "vae_grid", "mlp", 2)], {"points": settings.embedded}
    add("vae-grid", "vae", "vae_grid", "lab.parts.planes:vae_grid", 2, ["embeddings.py"], needs, **own)
    kinds = [kind for kind in KINDS if {f"autoencoder-{kind}", f"vae-{kind}"} <= plan.parts.keys()]
    if kinds:
        needs = ["train-autoencoder", training_name("mlp", 2)]
        needs += [f"{model}-{kind}" for model in ("autoencoder", "vae") for kind in kinds]
        asked_by = "vae_hundred vae_scatter vae_grid"
        add("autoencoder-and-vae", "vae", asked_by, "lab.parts.planes:side_by_side", 2, [], needs, kinds=kinds)
    needs = [vae_training(plan, "plot_posterior_rows", "mlp", 2)]
    files = ["embeddings.py", "ELBO.py"]
    add("posterior-rows", "vae", "plot_posterior_rows", "lab.parts.planes:posterior_rows", 2, files, needs)

    asked_by, files = "latent_traversal traversal_stages", ["latent_traversal.py"]
    add_stages(plan, "latent-traversal", asked_by, "lab.parts.pictures:traversals", 3, files)
    asked_by, files = "sample_from_prior prior_stages", ["sample_from_prior.py"]
    add_stages(plan, "prior-samples", asked_by, "lab.parts.pictures:prior_samples", 3, files)
    asked_by, points = "tsne_latents tsne_stages", settings.mapped
    maps, files = 3 * len(shown_dims(settings)), ["tsne.py"]
    add_stages(plan, "tsne", asked_by, "lab.parts.pictures:tsne_maps", 0.003 * maps * points, files, points=points)
    asked_by, files = "plot_learning_curve curve_stages", ["learning_curve.py"]
    add_stages(plan, "learning-curve", asked_by, "lab.parts.pictures:learning_curves", 3, files)
    asked_by = "traversal_stages prior_stages tsne_stages curve_stages"
    plots = [plot for plot in STAGE_PLOTS if plot in plan.parts]
    own = {"iterations": settings.vae_iterations, "latent_dims": shown_dims(settings), "plots": plots}
    add("contact-sheet", "vae", asked_by, "lab.parts.pictures:contact_sheet", 5, [], plots, **own)
    asked_by, dims = "architectures vae_conv", shown_dims(settings)
    needs = [*shown_trainings(plan, asked_by), *shown_trainings(plan, asked_by, "conv")]
    add("architectures", "vae", asked_by, "lab.parts.pictures:architectures", 2, ["VAE.py"], needs, latent_dims=dims)
    trained = vae_trainings(plan)
    own = {"trainings": list(trained.values())}
    add("comparison", "vae", "latent_sizes architectures", "lab.parts.training:comparison", 2, [], list(trained), **own)

    asked_by = "log_normal_mixture negative_elbo trained_gmvae gmvae_numbers gmvae_digits"
    files, steps = ["run_gmvae.py", "gmvae.py", "utils.py", "mnist.py"], settings.gmvae_iterations
    own = {"iterations": steps, "device": settings.device}
    add("gmvae", "gmvae", asked_by, "lab.parts.gmvae:gmvae", 0.008 * steps, files, **own)
    return plan.parts
