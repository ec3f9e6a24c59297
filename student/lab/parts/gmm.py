"""Parts of the main job: Gaussian mixtures and their entropy (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import math

import torch
from matplotlib.figure import Figure as Canvas

from lab.run.part import Figure, Result, Table, Workplace
from plotting import save_figure

BLUE, ORANGE, GREY = "#3f90da", "#e76300", "#717581"

WEIGHTS = [0.2, 0.5, 0.3]
NEARLY_DEGENERATE = [1e-5, 1 - 2e-5, 1e-5]
# Shades of red, green and blue that differ in brightness too, for readers who cannot tell red from green.
COMPONENT_COLOURS = ["#c4161c", "#6fbf4b", "#1f3b99"]
COMPONENT_NAMES = ["red", "green", "blue"]


def mixture(work: Workplace, weights: list[float]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weights (3,), means (3, 2) and covariances (3, 2, 2) of the assignment's mixture, float64."""
    values = weights, work.settings["means"], work.settings["covs"]
    return tuple(torch.tensor(value, dtype=torch.float64) for value in values)


def gmm_scatter(work: Workplace) -> Result:
    """Points of the mixture, coloured by the component that they came from."""
    from matplotlib.patches import Ellipse

    from gmm import sample_gmm

    n = work.settings["points"]
    weights, means, covs = mixture(work, WEIGHTS)
    x, component = sample_gmm(n, weights, means, covs)
    canvas = Canvas(figsize=(7, 6), layout="constrained")
    ax = canvas.subplots()
    # In random order: drawn one after the other, the last component would hide the others where they overlap.
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    ax.scatter(
        *x[order].T, s=0.4, c=[COMPONENT_COLOURS[c] for c in component[order].tolist()], alpha=0.35, linewidths=0
    )
    for k, (name, style) in enumerate(zip(COMPONENT_NAMES, ["-", "--", ":"], strict=True)):
        width, tilt = torch.linalg.eigh(covs[k])
        angle = math.degrees(math.atan2(tilt[1, 1], tilt[0, 1]))
        size = 4 * width.sqrt()  # two standard deviations to either side
        outline = Ellipse(
            means[k].tolist(), size[1], size[0], angle=angle, fill=False, edgecolor="black", linestyle=style, lw=1.5
        )
        ax.add_patch(outline)
        ax.text(*means[k].tolist(), f"{k + 1}", weight="bold", fontsize=13, ha="center", va="center",
                bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "boxstyle": "circle,pad=0.2"})  # fmt: skip
        label = rf"$\mathcal{{N}}(\mu_{k + 1}, \Sigma_{k + 1})$, {name}, weight {WEIGHTS[k]:g}"
        ax.scatter([], [], s=30, color=COMPONENT_COLOURS[k], label=label)
    ax.set(title=f"{n:,} points of the mixture", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.legend(loc="upper left", fontsize="small")
    save_figure(canvas, work.folder / "gmm_scatter.png")
    counts = torch.bincount(component, minlength=3).tolist()
    return Result(
        metrics={
            "gmm": {
                "means": work.settings["means"],
                "covariances": work.settings["covs"],
                "scatter": {
                    "points": n,
                    "seed": work.settings["seed"],
                    "weights": WEIGHTS,
                    "points_of_component": counts,
                },
            }
        },
        figures=[
            Figure(
                "gmm_scatter.png",
                "A mixture of three Gaussians",
                f"Seed {work.settings['seed']}; {counts[0]:,} red, {counts[1]:,} green and {counts[2]:,} blue points. "
                "The ellipses are the components' two-standard-deviation outlines: shapes and tilts should match the "
                "clouds.",
            )
        ],
        tables=[
            Table(
                "The components of the mixture",
                ["component", "weight", "mean", "covariance", "points drawn"],
                [
                    [f"{k + 1} ({COMPONENT_NAMES[k]})", WEIGHTS[k], str(mean), str(cov), counts[k]]
                    for k, (mean, cov) in enumerate(zip(work.settings["means"], work.settings["covs"], strict=True))
                ],
                "Do the counts fit the weights? Each is random: its standard deviation is the root of n π (1 − π).",
            )
        ],
    )


def exact_entropy(weights: torch.Tensor, means: torch.Tensor, covs: torch.Tensor) -> float:
    """Entropy of a 2-D mixture by quadrature on a grid, from torch.distributions: no student code, no randomness."""
    from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

    density = MixtureSameFamily(Categorical(weights), MultivariateNormal(means, covs))
    # The trapezoid rule converges exponentially for smooth functions that vanish at the ends of the range.
    reach = (means.abs() + 9 * covs.diagonal(dim1=-2, dim2=-1).sqrt()).max().item()
    axis = torch.linspace(-reach, reach, 1121, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    total = 0.0
    for chunk in points.split(100_000):
        log_p = density.log_prob(chunk)
        total -= (log_p.exp() * log_p).sum().item()
    return total * (axis[1] - axis[0]).item() ** 2


def entropy_estimates(work: Workplace, weights: list[float]) -> tuple[Canvas, dict, torch.Tensor]:
    """Estimate the entropy from more and more points of one stream; draw it with a confidence band.

    Returns:
        The picture, the numbers, and the component (n,) of every point.
    """
    from gmm import gmm_log_prob, mc_entropy, sample_gmm

    parameters = mixture(work, weights)
    total = work.settings["points"]
    counts = sorted({round(10 ** (1 + i / 8)) for i in range(8 * 5 + 1) if 10 ** (1 + i / 8) <= total} | {total})
    x, component = sample_gmm(total, *parameters)
    estimates, errors = [], []
    for i, n in enumerate(counts):
        estimates.append(mc_entropy(x[:n], *parameters).item())
        # The estimate is a mean of n independent terms -log p(x): its standard error is theirs over sqrt(n).
        errors.append(gmm_log_prob(x[:n], *parameters).std().item() / math.sqrt(n))
        work.report(i + 1, len(counts), f"{estimates[-1]:.4f} nats from {n:,}")
    exact = exact_entropy(*parameters)
    low = [e - 1.96 * s for e, s in zip(estimates, errors, strict=True)]
    high = [e + 1.96 * s for e, s in zip(estimates, errors, strict=True)]
    canvas = Canvas(figsize=(11, 4.4), layout="constrained")
    for ax in canvas.subplots(1, 2):
        ax.fill_between(counts, low, high, color=BLUE, alpha=0.25, linewidth=0, label="95 % confidence band")
        ax.plot(counts, estimates, ".-", color=BLUE, label="Monte-Carlo estimate")
        ax.axhline(exact, color="black", linestyle="--", label=f"mixture, by quadrature: {exact:.4f}")
        ax.set(xscale="log", xlabel="number of samples N", ylabel="entropy (nats)")
        ax.grid(alpha=0.3)
    # The right half enlarges the last two powers of ten, where the left one shows a single line.
    canvas.axes[1].set(xlim=(total / 100, total * 1.1), ylim=(exact - 40 * errors[-1], exact + 40 * errors[-1]))
    canvas.axes[1].set_title("the largest N, enlarged")
    numbers = {
        "seed": work.settings["seed"],
        "weights": weights,
        "samples": counts,
        "estimates": estimates,
        "standard_errors": errors,
        "estimate": estimates[-1],
        "standard_error": errors[-1],
        "samples_used": total,
        "exact": exact,
    }
    return canvas, numbers, component


def entropy_table(rows: list[list]) -> Table:
    """Estimates beside what they estimate; each row is of what, samples, seed, estimate, standard error, exactly."""
    return Table(
        "Entropies by Monte Carlo and exactly, nats",
        ["of", "samples", "seed", "estimate", "standard error", "exactly"],
        rows,
        "Exactly: by quadrature for a mixture, in closed form for a single Gaussian. An estimate should lie within "
        "about two standard errors of it.",
    )


def entropy_row(name: str, numbers: dict) -> list:
    """The row of a mixture in that table."""
    return [name, *(numbers[key] for key in ("samples_used", "seed", "estimate", "standard_error", "exact"))]


def gmm_entropy(work: Workplace) -> Result:
    """Entropy of the mixture by Monte Carlo, against the number of samples."""
    canvas, numbers, _ = entropy_estimates(work, WEIGHTS)
    canvas.axes[0].set_title("Entropy of the mixture, weights 0.2, 0.5, 0.3")
    canvas.axes[0].legend()
    save_figure(canvas, work.folder / "gmm_entropy.png")
    return Result(
        metrics={"gmm": {"entropy": numbers}},
        figures=[
            Figure(
                "gmm_entropy.png",
                "Monte-Carlo entropy of the mixture",
                f"One stream of {numbers['samples_used']:,} points, seed {numbers['seed']}: each estimate uses "
                "the first N. How does the width of the band shrink when N grows tenfold? Is the dashed line inside?",
                wide=True,
            )
        ],
        tables=[entropy_table([entropy_row("the mixture, weights 0.2, 0.5, 0.3", numbers)])],
    )


def gmm_degenerate(work: Workplace) -> Result:
    """The same with nearly degenerate weights, sampled from that mixture, against the single Gaussian's closed form."""
    from gmm import gaussian_entropy, mc_entropy_gaussian

    mean, cov = (torch.tensor(work.settings[name][1], dtype=torch.float64) for name in ("means", "covs"))
    single = gaussian_entropy(cov).item()
    canvas, numbers, component = entropy_estimates(work, NEARLY_DEGENERATE)
    rare = ((component != 1).nonzero().flatten() + 1).tolist()
    closed_form = rf"$\mathcal{{N}}(\mu_2, \Sigma_2)$, closed form: {single:.4f}"
    for ax in canvas.axes:
        ax.axhline(single, color=ORANGE, linestyle=":", linewidth=2, label=closed_form)
        for i, place in enumerate(rare):
            label = "a point of component 1 or 3" if i == 0 else None
            ax.axvline(place, color=GREY, linewidth=0.6, alpha=0.6, label=label)
    canvas.axes[0].set_title("Entropy with weights 1e-5, 1 − 2e-5, 1e-5")
    canvas.axes[0].legend(loc="upper center")
    save_figure(canvas, work.folder / "gmm_entropy_degenerate.png")
    counts = torch.bincount(component, minlength=3).tolist()
    numbers |= {
        "single_gaussian": single,
        "exact_minus_single": numbers["exact"] - single,
        "points_of_component": counts,
    }
    n, seed = numbers["samples_used"], numbers["seed"]
    numbers |= {
        "estimate_minus_single": numbers["estimate"] - single,
        "single_gaussian_estimate": mc_entropy_gaussian(n, mean, cov).item(),
    }
    # -log p(x) is then a constant plus half a chi-square of as many degrees of freedom as x has coordinates.
    error = math.sqrt(len(mean) / 2 / n)
    alone = ["the second component alone", n, seed, numbers["single_gaussian_estimate"], error, single]
    return Result(
        metrics={"gmm": {"degenerate": numbers}},
        figures=[
            Figure(
                "gmm_entropy_degenerate.png",
                "Entropy with nearly degenerate weights",
                f"{numbers['samples_used']:,} points of this very mixture, seed {numbers['seed']}: {counts[0]} of "
                f"component 1, {counts[2]} of component 3 (grey lines). Its entropy and the single Gaussian's "
                f"differ by {numbers['exact'] - single:.5f} nats: could this many samples tell them apart?",
                wide=True,
            )
        ],
        tables=[entropy_table([entropy_row("the mixture, weights 1e-5, 1 − 2e-5, 1e-5", numbers), alone])],
    )
