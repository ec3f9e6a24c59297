"""Parts of the main job: the latent planes of the trained models (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import torch
from matplotlib.figure import Figure as Canvas
from torch import Tensor, nn

from lab.course import course
from lab.parts.names import KINDS, training_name
from lab.parts.samples import sample_test_images, sample_training_images
from lab.parts.training import load_autoencoder, load_vae
from lab.run.part import Figure, Result, Table, Workplace
from plotting import save_figure

HUNDRED = 100


def neighbour_agreement(codes: Tensor, labels: Tensor, k: int = 10) -> float:
    """How often an image and its k nearest neighbours among the codes (n, d) are of the same class, 0 to 1."""
    codes, labels = codes.cpu(), labels.cpu()
    distances = torch.cdist(codes, codes)
    distances.fill_diagonal_(float("inf"))
    nearest = distances.topk(k, largest=False).indices  # (n, k)
    return (labels[nearest] == labels.unsqueeze(1)).float().mean().item()


def describe(codes: Tensor, labels: Tensor) -> dict[str, float | list[float]]:
    """Where the codes (n, 2) of images lie, in numbers."""
    return {
        "points": len(codes),
        "code_mean": codes.mean(0).tolist(),
        "code_std": codes.std(0).tolist(),
        "code_min": codes.amin(0).tolist(),
        "code_max": codes.amax(0).tolist(),
        "neighbour_agreement": neighbour_agreement(codes, labels),
    }


def hundred(work: Workplace, model: nn.Module, name: str, title: str) -> Result:
    """Draw where 100 test images land."""
    from embeddings import plot_embeddings

    images, labels = sample_test_images(work, HUNDRED)
    codes = plot_embeddings(model, images, labels, work.folder / f"{name}_hundred.png")
    things = course().dataset["things"]
    caption = (
        f"A random sample; each image is drawn as its label. Which {things} keep together, which mix? Mind the axes: "
        "how far out do the codes lie?"
    )
    return Result(
        {name: {"hundred": describe(codes, labels)}},
        [Figure(f"{name}_hundred.png", f"{title}: {HUNDRED} test images in the latent plane", caption)],
    )


def scatter(work: Workplace, model: nn.Module, name: str, title: str) -> Result:
    """Draw where many training images land."""
    from embeddings import plot_embeddings

    images, labels = sample_training_images(work, work.settings["points"])
    codes = plot_embeddings(model, images, labels, work.folder / f"{name}_scatter.png")
    caption = (
        "A random sample of the training images. Are there gaps between the clusters? Is the cloud centred at zero and "
        "about as wide as a standard normal?"
    )
    return Result(
        {name: {"plane": describe(codes, labels)}},
        [Figure(f"{name}_scatter.png", f"{title}: {len(codes):,} training images", caption)],
    )


def grid(work: Workplace, model: nn.Module, name: str, title: str) -> Result:
    """Decode the plane over the range of many training images."""
    from embeddings import decode_grid, latent_codes

    images, _ = sample_training_images(work, work.settings["points"])
    decode_grid(model, latent_codes(model, images), steps=10, outpath=work.folder / f"{name}_grid.png")
    caption = (
        f"A grid over the range of the codes of {len(images):,} training images. Do neighbours change smoothly? Are "
        f"there places that decode to none of the {course().dataset['things']}?"
    )
    return Result(figures=[Figure(f"{name}_grid.png", f"{title}: the plane decoded, 10 by 10", caption)])


def autoencoder_hundred(work: Workplace) -> Result:
    """100 images in the autoencoder's plane."""
    return hundred(work, load_autoencoder(work), "autoencoder", "Autoencoder")


def autoencoder_scatter(work: Workplace) -> Result:
    """Many images in the autoencoder's plane."""
    return scatter(work, load_autoencoder(work), "autoencoder", "Autoencoder")


def autoencoder_grid(work: Workplace) -> Result:
    """The autoencoder's plane, decoded."""
    return grid(work, load_autoencoder(work), "autoencoder", "Autoencoder")


def vae_hundred(work: Workplace) -> Result:
    """100 images in the plane of the VAE with two latent units."""
    return hundred(work, load_vae(work, "mlp", 2), "vae", "VAE")


def vae_scatter(work: Workplace) -> Result:
    """Many images in the plane of the VAE with two latent units."""
    return scatter(work, load_vae(work, "mlp", 2), "vae", "VAE")


def vae_grid(work: Workplace) -> Result:
    """The plane of the VAE with two latent units, decoded."""
    return grid(work, load_vae(work, "mlp", 2), "vae", "VAE")


def side_by_side(work: Workplace) -> Result:
    """Autoencoder and VAE in one picture, and in one table: whatever is drawn of both."""
    from matplotlib.image import imread

    kinds = work.settings["kinds"]
    canvas = Canvas(figsize=(10, 4.5 * len(kinds)), layout="constrained")
    for row, kind in zip(canvas.subplots(len(kinds), 2, squeeze=False), kinds, strict=True):
        for ax, name, model in zip(row, ("autoencoder", "vae"), ("Autoencoder", "VAE"), strict=True):
            ax.imshow(imread(work.finished(f"{name}-{kind}") / f"{name}_{kind}.png"))
            ax.set_title(f"{model}: {KINDS[kind]}")
            ax.axis("off")
    save_figure(canvas, work.folder / "autoencoder_and_vae.png")
    things = course().dataset["things"]
    caption = f"The same images through both. Compare the range of the axes and the gaps between {things}."
    # FOR autoencoder_grid vae_grid decode_grid
    caption += f" What do the gaps decode to? From which plane would you draw new {things}?"
    # END FOR
    figure = Figure("autoencoder_and_vae.png", "Autoencoder and VAE side by side", caption, wide=True)
    return Result(figures=[figure], tables=[comparison_table(work)])


def comparison_table(work: Workplace) -> Table:
    """Error, and what is known of the codes, of the autoencoder and the VAE."""
    errors = [
        work.metrics("train-autoencoder")["autoencoder"]["test_mse"],
        work.metrics(training_name("mlp", 2))["vae"]["mlp"]["2"]["test_mse"],
    ]
    columns, rows = ["model", "mean squared error on test images"], [["autoencoder", errors[0]], ["VAE", errors[1]]]
    # Many images say more than a hundred.
    measured = next((kind for kind in ("scatter", "hundred") if kind in work.settings["kinds"]), None)
    if measured:
        branch = {"scatter": "plane", "hundred": "hundred"}[measured]
        columns += ["std of z1", "std of z2", "same class among 10 neighbours"]
        for row, name in zip(rows, ("autoencoder", "vae"), strict=True):
            codes = work.metrics(f"{name}-{measured}")[name][branch]
            row += [*codes["code_std"], codes["neighbour_agreement"]]
    return Table(
        "Two latent units, with and without a prior",
        columns,
        rows,
        "The VAE decodes one posterior sample, the autoencoder its code. Who reconstructs better, and what does the "
        "other get in return? Which plane is near a standard normal's scale, 1?",
    )


def posterior_rows(work: Workplace) -> Result:
    """Input, posterior and reconstruction of an easy and a hard image of one class, and of one more."""
    from embeddings import plot_posterior_rows

    vae = load_vae(work, "mlp", 2)
    mnist = work.mnist()
    alike = (mnist.test_labels == 6).nonzero().flatten()
    costs = plot_posterior_rows(vae, mnist.test_images[alike])[:, 2].cpu()
    order = costs.argsort()
    # Not the very last: the worst 6 of MNIST's test images is hardly legible for anybody.
    easy, hard = alike[order[len(order) // 20]].item(), alike[order[-(len(order) // 50) - 1]].item()
    other = (mnist.test_labels == 1).nonzero().flatten()[0].item()
    chosen = [easy, hard, other]
    found = plot_posterior_rows(vae, mnist.test_images[chosen], work.folder / "posterior_rows.png").cpu()
    rows = [
        [f"{i + 1}: test image {index} (label {mnist.test_labels[index]})", *found[i].tolist()]
        for i, index in enumerate(chosen)
    ]
    return Result(
        metrics={
            "vae": {
                "posterior_rows": [
                    {
                        "test_image": index,
                        "label": int(mnist.test_labels[index]),
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
                "Two images of one class and one of another through the VAE with two latents. Which reconstruction "
                "misses more? Which posterior lies further from the prior or is narrower, and what does that cost?",
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
