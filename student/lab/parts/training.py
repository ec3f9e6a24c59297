"""Parts of the main job: every model is trained once, then compared (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import time
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure as Canvas
from torch import Tensor, nn

from lab.arithmetic import flushing_denormals
from lab.files import write_json
from lab.parts.names import training_name
from lab.run.part import Figure, Result, Table, Workplace
from plotting import save_figure

# A latent unit is active when its posterior mean varies with the image by more than this (Burda et al. 2016, 4.2).
ACTIVE = 0.01
STYLES = {
    "mlp": ("fully connected", "#3f90da", "o-"),
    "conv": ("convolutional", "#bd1f01", "s--"),
}


def stage_iterations(iterations: int) -> dict[str, int]:
    """After how many iterations each stage is: the beginning after one in a hundred, the middle after half."""
    return {"beginning": max(1, iterations // 100), "middle": max(1, iterations // 2), "end": iterations}


def save_state(model: nn.Module, path: Path) -> None:
    """Save a model's weights."""
    from safetensors.torch import save_file

    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in model.state_dict().items()}, path)


def load_state(model: nn.Module, path: Path, device: str) -> nn.Module:
    """Fill a fresh model with saved weights."""
    from safetensors.torch import load_file

    model.load_state_dict(load_file(path))
    return model.to(device)


def load_vae(work: Workplace, architecture: str, latent_dim: int, stage: str = "end") -> nn.Module:
    """A VAE as it was at a stage of its training."""
    from VAE import VAE

    path = work.finished(training_name(architecture, latent_dim)) / f"{stage}.safetensors"
    return load_state(VAE(latent_dim, architecture), path, work.settings["device"])


def load_autoencoder(work: Workplace) -> nn.Module:
    """The trained autoencoder."""
    from AE import Autoencoder

    return load_state(Autoencoder(2), work.finished("train-autoencoder") / "end.safetensors", work.settings["device"])


def train_autoencoder(work: Workplace) -> Result:
    """Train the autoencoder with two latent units."""
    import train
    from AE import Autoencoder
    from plotting import evaluating

    iterations, device = work.settings["iterations"], work.settings["device"]
    mnist = work.mnist()
    model = Autoencoder(2).to(device)

    def show(iteration: int, loss: float) -> None:
        work.report(iteration + 1, iterations, f"mse {loss:.4f}")

    start = time.perf_counter()
    with flushing_denormals():
        train.train_autoencoder(model, mnist.train_images.to(device), iterations, on_step=show)
    seconds = time.perf_counter() - start
    save_state(model, work.folder / "end.safetensors")
    with evaluating(model):
        images = mnist.test_images.to(device)
        error = torch.cat([(model(x) - x).square().flatten(1).mean(1) for x in images.split(1000)]).mean().item()
    measured = {"iterations": iterations, "latent_dim": 2, "test_mse": error, "seconds": seconds}
    return Result(metrics={"autoencoder": measured})


def train_vae(work: Workplace) -> Result:
    """Train one VAE, keep its weights at the three stages, measure them on all test images; time the training."""
    import train
    from VAE import VAE

    iterations, device = work.settings["iterations"], work.settings["device"]
    architecture, latent_dim = work.settings["architecture"], work.settings["latent_dim"]
    model = VAE(latent_dim, architecture).to(device)
    # Several stages fall on the same iteration when there are very few.
    stages = stage_iterations(iterations)

    def after_step(iteration: int, elbo: float) -> None:
        work.report(iteration + 1, iterations, f"ELBO {elbo:.1f}")
        for stage, at in stages.items():
            if iteration + 1 == at:
                save_state(model, work.folder / f"{stage}.safetensors")

    start = time.perf_counter()
    with flushing_denormals():
        curve = train.train_vae(model, work.mnist().train_images.to(device), iterations, on_step=after_step)
    seconds = time.perf_counter() - start
    if len(curve) != iterations or not all((work.folder / f"{stage}.safetensors").exists() for stage in stages):
        raise ValueError(
            f"train_vae should return one ELBO for each of {iterations} iterations (it returned "
            f"{len(curve)}) and call on_step(iteration, elbo) after every one, counting from 0"
        )
    write_json(work.folder / "curve.json", [float(value) for value in curve])
    images = work.mnist().test_images.to(device)
    measured: dict[str, Any] = {**measure(model, images), "iterations": iterations, "seconds": seconds}
    measured["parameters"] = sum(p.numel() for p in model.parameters())
    for stage in ("beginning", "middle"):
        earlier = load_state(model, work.folder / f"{stage}.safetensors", device)
        measured[stage] = {"iterations": stages[stage], **measure(earlier, images)}
    return Result(metrics={"vae": {architecture: {str(latent_dim): measured}}})


def measure(model: nn.Module, images: Tensor) -> dict[str, float | int]:
    """Averages over images in nats, one posterior sample each; and the number of active latent units."""
    from ELBO import kl_diag_normal, negative_log_likelihood
    from plotting import evaluating

    reconstruction = kl = squared_error = 0.0
    means = []
    with evaluating(model):
        for x in images.split(1000):
            recon, mu, logvar = model(x)
            share = len(x) / len(images)
            reconstruction += share * negative_log_likelihood(x, recon).item()
            kl += share * kl_diag_normal(mu, logvar).item()
            squared_error += share * (recon - x).square().flatten(1).mean(1).mean().item()
            means.append(mu)
    return {
        "reconstruction": reconstruction,
        "kl": kl,
        "negative_elbo": reconstruction + kl,
        "test_mse": squared_error,
        "active_units": int((torch.cat(means).var(dim=0) > ACTIVE).sum()),
    }


def comparison(work: Workplace) -> Result:
    """The trained VAEs against each other on the test images: a table and a plot."""
    rows, lines = [], {}
    for architecture, latent_dim in work.settings["trainings"]:
        measured = work.metrics(training_name(architecture, latent_dim))["vae"][architecture][str(latent_dim)]
        lines.setdefault(architecture, {})[latent_dim] = measured
        columns = ("parameters", "seconds", "reconstruction", "test_mse", "kl", "negative_elbo", "active_units")
        rows.append([architecture, latent_dim, *(measured[column] for column in columns)])
    canvas = Canvas(figsize=(9, 6.4), layout="constrained")
    panels = (
        ("reconstruction", "reconstruction cost (nats)"),
        ("kl", "KL divergence (nats)"),
        ("negative_elbo", "negative ELBO (nats)"),
        ("active_units", "active latent units"),
    )
    sizes = sorted({latent_dim for _, latent_dim in work.settings["trainings"]})
    for ax, (key, label) in zip(canvas.subplots(2, 2).flat, panels, strict=True):
        for architecture, points in lines.items():
            dims = sorted(points)
            values = [points[dim][key] for dim in dims]
            name, colour, style = STYLES[architecture]
            ax.plot(dims, values, style, color=colour, label=name)
        if key == "active_units":
            ax.plot(sizes, sizes, ":", color="grey", label="all units")
            ax.set_yticks(sizes)
        ax.set(xlabel="latent units", ylabel=label, xticks=sizes)
        ax.grid(alpha=0.3)
    canvas.axes[0].legend()
    canvas.axes[3].legend()
    canvas.suptitle("Test images: what more latent units buy")
    save_figure(canvas, work.folder / "comparison.png")
    number = f"{len(work.mnist().test_images):,}"
    caption = (
        f"Averages over all {number} test images. From which size on do more latents stop helping, and how many of "
    )
    caption += "them does the model really use?"
    caption += " How far apart are the architectures at equal size?"
    return Result(
        figures=[Figure("comparison.png", "VAEs on the test images", caption, wide=True)],
        tables=[
            Table(
                f"VAEs on the {number} test images",
                ["architecture", "latent units", "parameters", "seconds of training", "reconstruction",
                 "mean squared error", "KL", "negative ELBO", "active units"],
                rows,
                "Nats per image, one posterior sample each. 784/2 · log 2π = 720.4 nats of the reconstruction are a "
                f"constant. A unit is active when its posterior mean has a variance above {ACTIVE} over the images "
                "(Burda et al. 2016).",
            )
        ],
    )  # fmt: skip
