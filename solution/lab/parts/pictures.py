"""Parts of the main job: looking at the trained VAEs, at three stages of their training (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure as Canvas
from torch import nn

from lab.course import course
from lab.files import read_json
from lab.parts.names import STAGE_PLOTS, training_name
from lab.parts.samples import sample_test_images
from lab.parts.training import load_vae, stage_iterations
from lab.run.part import Figure, Result, Workplace
from plotting import device_of, evaluating, save_figure, tile_images

STAGES = ("beginning", "middle", "end")


def each_stage(work: Workplace, draw: Callable[[nn.Module, Path], object], kind: str) -> list[str]:
    """Draw a picture of every shown VAE at every stage; returns the file names, latent size by latent size."""
    files = []
    for latent_dim in work.settings["latent_dims"]:
        for stage in STAGES:
            files.append(f"{kind}_{latent_dim}_{stage}.png")
            draw(load_vae(work, "mlp", latent_dim, stage), work.folder / files[-1])
            work.report(len(files), 3 * len(work.settings["latent_dims"]), files[-1])
    return files


def stage_figures(work: Workplace, files: list[str], title: str, caption: str) -> list[Figure]:
    """Entries of the gallery for the pictures of `each_stage`."""
    stages = stage_iterations(work.settings["iterations"])
    places = itertools.product(work.settings["latent_dims"], STAGES)
    return [
        Figure(file, f"{title}: {latent_dim} latents, {stage}", f"After {stages[stage]:,} iterations. {caption}")
        for file, (latent_dim, stage) in zip(files, places, strict=True)
    ]


def traversals(work: Workplace) -> Result:
    """Latent traversals at three stages."""
    from latent_traversal import latent_traversal

    files = each_stage(work, lambda vae, path: latent_traversal(vae, outpath=path), "traversal")
    caption = "Each row varies one latent. Which rows change the image, and what do they change? Which do nothing?"
    return Result(figures=stage_figures(work, files, "Latent traversal", caption))


def prior_samples(work: Workplace) -> Result:
    """Decoded samples of the prior at three stages."""
    from sample_from_prior import sample_from_prior

    files = each_stage(work, lambda vae, path: sample_from_prior(vae, outpath=path), "prior")
    things = course().dataset["things"]
    caption = f"How many of these would pass for {things}? How sharp are they, and are all {things} among them?"
    return Result(figures=stage_figures(work, files, "Prior samples", caption))


def tsne_maps(work: Workplace) -> Result:
    """t-SNE of the posterior means at three stages."""
    from tsne import tsne_latents

    images, labels = sample_test_images(work, work.settings["points"])
    seed = work.settings["seed"]
    files = each_stage(work, lambda vae, path: tsne_latents(vae, images, labels, path, seed=seed), "tsne")
    caption = f"Do the {course().dataset['things']} part into islands? Which stay neighbours? "
    caption += "(Distances between islands mean little in t-SNE.)"
    return Result(figures=stage_figures(work, files, "t-SNE", caption))


def learning_curves(work: Workplace) -> Result:
    """The ELBO up to each stage; the whole curve of the smaller shown VAE also as ELBO_Curve.png."""
    from learning_curve import plot_learning_curve

    stages, files = stage_iterations(work.settings["iterations"]), []
    for latent_dim in work.settings["latent_dims"]:
        path = work.finished(training_name("mlp", latent_dim)) / "curve.json"
        curve = read_json(path)
        for stage in STAGES:
            files.append(f"curve_{latent_dim}_{stage}.png")
            plot_learning_curve(curve[: stages[stage]], work.folder / files[-1])
        if latent_dim == work.settings["latent_dims"][0]:
            plot_learning_curve(curve, work.folder / "ELBO_Curve.png")
    caption = "Where does the curve bend? How large is the noise of a minibatch beside what is still being gained?"
    return Result(figures=stage_figures(work, files, "ELBO", caption))


def contact_sheet(work: Workplace) -> Result:
    """All pictures of the three stages on one sheet."""
    from matplotlib.image import imread

    plots, dims = work.settings["plots"], work.settings["latent_dims"]
    canvas = Canvas(figsize=(5 * len(plots), 3.6 * 3 * len(dims)), layout="constrained")
    axes = canvas.subplots(3 * len(dims), len(plots), squeeze=False)
    stages = stage_iterations(work.settings["iterations"])
    for row, (latent_dim, stage) in zip(axes, itertools.product(dims, STAGES), strict=True):
        for ax, plot in zip(row, plots, strict=True):
            ax.imshow(imread(work.finished(plot) / f"{STAGE_PLOTS[plot][0]}_{latent_dim}_{stage}.png"))
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        row[0].set_ylabel(f"{latent_dim} latents, {stage}\n({stages[stage]:,} iterations)", fontsize=16)
    for ax, plot in zip(axes[0], plots, strict=True):
        ax.set_title(STAGE_PLOTS[plot][1], fontsize=18)
    save_figure(canvas, work.folder / "contact_sheet.png")
    return Result(
        figures=[
            Figure(
                "contact_sheet.png",
                f"All {3 * len(dims) * len(plots)} plots on one sheet",
                "Read down a column to see training progress, and compare the blocks to see what more latents change.",
                wide=True,
            )
        ]
    )


def architectures(work: Workplace) -> Result:
    """The same test images, and draws from the prior, through the fully connected and the convolutional VAE."""
    columns = 14
    images, _ = sample_test_images(work, columns)
    rows = [("input", images)]
    for latent_dim in work.settings["latent_dims"]:
        for architecture in ("mlp", "conv"):
            vae = load_vae(work, architecture, latent_dim)
            device = device_of(vae)
            noise = torch.randn(columns, latent_dim, generator=torch.Generator().manual_seed(work.settings["seed"]))
            with evaluating(vae):
                name = f"{architecture}, {latent_dim} latents"
                rows.append((f"{name}:\nreconstructions", vae.decode(vae.encode(images.to(device))[0]).cpu()))
                rows.append((f"{name}:\nprior samples", vae.decode(noise.to(device)).cpu()))
    canvas = Canvas(figsize=(10, 0.62 * len(rows) + 0.5), layout="constrained")
    for ax, (label, pictures) in zip(canvas.subplots(len(rows), 1, squeeze=False).flat, rows, strict=True):
        ax.imshow(tile_images(pictures, 1, columns), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[14], yticklabels=[label])
        ax.tick_params(length=0)
    canvas.suptitle("Fully connected (mlp) and convolutional (conv) VAE")
    save_figure(canvas, work.folder / "architectures.png")
    return Result(
        figures=[
            Figure(
                "architectures.png",
                "Fully connected against convolutional",
                "The same images and the same draws from the prior. Where do the two architectures differ: in "
                f"sharpness, in smoothness, in which {course().dataset['things']} go wrong?",
            )
        ]
    )
