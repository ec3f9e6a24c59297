"""Parts of the main job on tasks 3 and 4: looking at the trained autoencoder and VAEs (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure as Canvas
from torch import Tensor, nn

from lab.files import read_json
from lab.parts.training import load_autoencoder, load_vae, stage_iterations, training_name
from lab.run.part import Figure, Result, Table, Workplace
from plotting import device_of, evaluating, save_figure, tile_images

STAGES = ("beginning", "middle", "end")


def sample_test_images(work: Workplace, n: int) -> tuple[Tensor, Tensor]:
    """A random sample of test images and their labels: the same for every model, so that pictures can be compared."""
    chosen = torch.randperm(10_000, generator=torch.Generator().manual_seed(work.settings["seed"]))[:n]
    mnist = work.mnist()
    return mnist.test_images[chosen], mnist.test_labels[chosen]


def neighbour_agreement(codes: Tensor, labels: Tensor, k: int = 10) -> float:
    """How often an image and its k nearest neighbours among the codes (n, d) show the same digit, 0 to 1."""
    codes, labels = codes.cpu(), labels.cpu()
    distances = torch.cdist(codes, codes)
    distances.fill_diagonal_(float("inf"))
    nearest = distances.topk(k, largest=False).indices  # (n, k)
    return (labels[nearest] == labels.unsqueeze(1)).float().mean().item()


def embed(work: Workplace, model: nn.Module, name: str) -> dict[str, float | list[float]]:
    """Draw where 100 and where many test images land, decode the plane in between, and put the codes in numbers."""
    from embeddings import decode_grid, plot_embeddings

    images, labels = sample_test_images(work, work.settings["points"])
    plot_embeddings(model, images[:100], labels[:100], work.folder / f"{name}_100_points.png")
    codes = plot_embeddings(model, images, labels, work.folder / f"{name}_scatter.png")
    decode_grid(model, codes, steps=10, outpath=work.folder / f"{name}_grid.png")
    return {
        "points": len(codes),
        "code_mean": codes.mean(0).tolist(),
        "code_std": codes.std(0).tolist(),
        "code_min": codes.amin(0).tolist(),
        "code_max": codes.amax(0).tolist(),
        "neighbour_agreement": neighbour_agreement(codes, labels),
    }


def plane_figures(name: str, model: str, n: int) -> list[Figure]:
    """The three pictures of a model's latent plane, with captions."""
    return [
        Figure(
            f"{name}_100_points.png",
            f"{model}: 100 test images in the latent plane",
            "Each image is drawn as its own digit. Which digits keep together, which mix? Mind the axes: how far out "
            "do the codes lie?",
        ),
        Figure(
            f"{name}_scatter.png",
            f"{model}: {n:,} test images",
            "The same with many images. Are there gaps between the clusters? Is the cloud centred at zero and about as "
            "wide as a standard normal?",
        ),
        Figure(
            f"{name}_grid.png",
            f"{model}: the plane decoded, 10 by 10",
            "A grid over the range of the codes. Do neighbours change smoothly? Are there places that decode to no "
            "digit?",
        ),
    ]


def autoencoder_plane(work: Workplace) -> Result:
    """The autoencoder's latent plane."""
    numbers = embed(work, load_autoencoder(work), "autoencoder")
    return Result({"autoencoder": {"plane": numbers}}, plane_figures("autoencoder", "Autoencoder", numbers["points"]))


def vae_plane(work: Workplace) -> Result:
    """The latent plane of the VAE with two latent units."""
    numbers = embed(work, load_vae(work, "mlp", 2), "vae")
    return Result({"vae": {"plane": numbers}}, plane_figures("vae", "VAE", numbers["points"]))


def side_by_side(work: Workplace) -> Result:
    """Autoencoder and VAE in one picture, and in one table."""
    from matplotlib.image import imread

    kinds = (("100_points", "same 100 images"), ("scatter", "more images"), ("grid", "the plane decoded"))
    canvas = Canvas(figsize=(10, 13.5), layout="constrained")
    for row, (kind, title) in zip(canvas.subplots(3, 2), kinds, strict=True):
        for ax, name, model in zip(row, ("autoencoder", "vae"), ("Autoencoder", "VAE"), strict=True):
            ax.imshow(imread(work.finished(f"{name}-plane") / f"{name}_{kind}.png"))
            ax.set_title(f"{model}: {title}")
            ax.axis("off")
    save_figure(canvas, work.folder / "autoencoder_and_vae.png")
    parts = ("train-autoencoder", "autoencoder-plane", training_name("mlp", 2), "vae-plane")
    recorded = [work.metrics(part) for part in parts]
    plain, plain_plane = recorded[0]["autoencoder"], recorded[1]["autoencoder"]["plane"]
    vae, vae_plane = recorded[2]["vae"]["mlp"]["2"], recorded[3]["vae"]["plane"]
    rows = [
        [name, model["test_mse"], *plane["code_std"], plane["neighbour_agreement"]]
        for name, model, plane in (("autoencoder", plain, plain_plane), ("VAE", vae, vae_plane))
    ]
    return Result(
        figures=[
            Figure(
                "autoencoder_and_vae.png",
                "Autoencoder and VAE side by side",
                "The same test images through both. Compare the range of the axes, the gaps between digits, and what "
                "the gaps decode to. From which plane would you draw new digits?",
                wide=True,
            )
        ],
        tables=[
            Table(
                "Two latent units, with and without a prior",
                [
                    "model",
                    "mean squared error on test images",
                    "std of z1",
                    "std of z2",
                    "same digit among 10 neighbours",
                ],
                rows,
                "The VAE decodes one posterior sample, the autoencoder its code. Who reconstructs better, and what "
                "does the other get in return? Which plane is near a standard normal's scale, 1?",
            )
        ],
    )


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
    caption = "How many of these would pass for digits? How sharp are they, and are all digits among them?"
    return Result(figures=stage_figures(work, files, "Prior samples", caption))


def tsne_maps(work: Workplace) -> Result:
    """t-SNE of the posterior means at three stages."""
    from tsne import tsne_latents

    images, labels = sample_test_images(work, work.settings["points"])
    seed = work.settings["seed"]
    files = each_stage(work, lambda vae, path: tsne_latents(vae, images, labels, path, seed=seed), "tsne")
    caption = (
        "Do the digits part into islands? Which stay neighbours? (Distances between islands mean little in t-SNE.)"
    )
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

    kinds = ("traversal", "prior", "tsne", "curve")
    folders = ("latent-traversal", "prior-samples", "tsne", "learning-curve")
    dims = work.settings["latent_dims"]
    canvas = Canvas(figsize=(5 * len(kinds), 3.6 * 3 * len(dims)), layout="constrained")
    axes = canvas.subplots(3 * len(dims), len(kinds), squeeze=False)
    stages = stage_iterations(work.settings["iterations"])
    for row, (latent_dim, stage) in zip(axes, itertools.product(dims, STAGES), strict=True):
        for ax, kind, folder in zip(row, kinds, folders, strict=True):
            ax.imshow(imread(work.finished(folder) / f"{kind}_{latent_dim}_{stage}.png"))
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        row[0].set_ylabel(f"{latent_dim} latents, {stage}\n({stages[stage]:,} iterations)", fontsize=16)
    titles = ("latent traversal", "prior samples", "t-SNE", "ELBO learning curve")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=18)
    save_figure(canvas, work.folder / "contact_sheet.png")
    return Result(
        figures=[
            Figure(
                "contact_sheet.png",
                f"All {3 * len(dims) * len(kinds)} plots on one sheet",
                "Read down a column to see training progress, and compare the two blocks to see what more latents "
                "change.",
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
                "sharpness, in smoothness, in which digits go wrong?",
            )
        ]
    )


def posterior_rows(work: Workplace) -> Result:
    """Input, posterior and reconstruction of an easy 6, a hard 6, and one more digit."""
    from embeddings import plot_posterior_rows

    vae = load_vae(work, "mlp", 2)
    mnist = work.mnist()
    sixes = (mnist.test_labels == 6).nonzero().flatten()
    costs = plot_posterior_rows(vae, mnist.test_images[sixes])[:, 2].cpu()
    order = costs.argsort()
    # Not the very last: the worst "6" of the test set is hardly legible for anybody.
    easy, hard = sixes[order[len(order) // 20]].item(), sixes[order[-(len(order) // 50) - 1]].item()
    other = (mnist.test_labels == 1).nonzero().flatten()[0].item()
    chosen = [easy, hard, other]
    found = plot_posterior_rows(vae, mnist.test_images[chosen], work.folder / "posterior_rows.png").cpu()
    rows = [
        [f"{i + 1}: test image {index} (a {mnist.test_labels[index]})", *found[i].tolist()]
        for i, index in enumerate(chosen)
    ]
    return Result(
        metrics={
            "vae": {
                "posterior_rows": [
                    {
                        "test_image": index,
                        "digit": int(mnist.test_labels[index]),
                        "reconstruction": r[1],
                        "kl": r[2],
                        "total": r[3],
                    }
                    for index, r in zip(chosen, rows, strict=True)
                ]
            }
        },
        figures=[
            Figure(
                "posterior_rows.png",
                "Input, posterior, reconstruction",
                "Two sixes and another digit through the VAE with two latents. Which reconstruction misses more? Which "
                "posterior lies further from the prior or is narrower, and what does that cost?",
                wide=True,
            )
        ],
        tables=[
            Table(
                "Costs of the rows, nats",
                ["row", "reconstruction error", "KL", "total loss"],
                rows,
                "Decoded from the posterior mean. 720.4 nats of each reconstruction error are the constant.",
            )
        ],
    )
