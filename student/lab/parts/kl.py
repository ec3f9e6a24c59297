"""Parts of the main job: KL divergences (provided).

The student's modules are imported inside the functions, so that a mistake in one of them stops only its own parts.
"""

import torch
from matplotlib.figure import Figure as Canvas

from lab.run.part import Figure, Result, Table, Workplace
from plotting import save_figure

BLUE, RED, GREY = "#3f90da", "#bd1f01", "#717581"


def normals(work: Workplace) -> Result:
    """KL between univariate normals in both directions, as numbers and against the variance ratio."""
    from kl import kl_univariate_normal

    pairs = [
        ((0, 1), (0, 4)),
        ((0, 1), (1, 1)),
        ((0, 1), (1, 4)),
        ((0, 1), (3, 1)),
        ((2, 0.25), (0, 1)),
        ((1, 2), (1, 2)),
    ]
    rows = []
    for p, q in pairs:
        values = torch.tensor([*p, *q], dtype=torch.float64)
        forward, backward = kl_univariate_normal(*values), kl_univariate_normal(*values[[2, 3, 0, 1]])
        rows.append([f"N({p[0]}, {p[1]})", f"N({q[0]}, {q[1]})", forward.item(), backward.item()])

    ratio = torch.logspace(-1, 1, 201, dtype=torch.float64)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    forward, backward = kl_univariate_normal(zero, ratio, zero, one), kl_univariate_normal(zero, one, zero, ratio)
    canvas = Canvas(figsize=(6.5, 4), layout="constrained")
    ax = canvas.subplots()
    ax.plot(ratio, forward, color=BLUE, label=r"KL(P‖Q), P = N(0, $\sigma^2$), Q = N(0, 1)")
    ax.plot(ratio, backward, color=RED, linestyle="--", label="KL(Q‖P)")
    ax.plot(1, 0, "o", color="black", label="equal distributions: both zero")
    ax.set(xscale="log", xlabel=r"variance ratio $\sigma^2$", ylabel="nats")
    ax.set(title="KL divergence of two normals of equal mean, in both directions")
    ax.legend()
    ax.grid(alpha=0.3)
    save_figure(canvas, work.folder / "kl_both_directions.png")
    return Result(
        metrics={
            "kl": {"normals": [{"p": r[0], "q": r[1], "kl_pq": r[2], "kl_qp": r[3]} for r in rows]},
        },
        figures=[
            Figure(
                "kl_both_directions.png",
                "KL in both directions",
                "Two normals of equal mean. Where do the two directions agree? Which one punishes more a P that is "
                "wider than Q, and which one a P that is narrower? Neither curve goes below zero.",
            )
        ],
        tables=[
            Table(
                "KL divergences of univariate normals N(mean, variance), nats",
                ["P", "Q", "KL(P‖Q)", "KL(Q‖P)"],
                rows,
                "Look for pairs on which the two directions agree, and at what the pairs have in common.",
            )
        ],
    )


def categorical(work: Workplace) -> Result:
    """KL between distributions over a few outcomes, zero probabilities included."""
    from kl import kl_categorical

    fair, loaded, blind = [1 / 6] * 6, [0.1, 0.1, 0.1, 0.1, 0.1, 0.5], [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]
    pairs = [("fair die", fair, "loaded die", loaded), ("die without a six", blind, "fair die", fair)]
    rows = []
    for p_name, p, q_name, q in pairs:
        p, q = torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)
        rows.append([p_name, q_name, kl_categorical(p, q).item(), kl_categorical(q, p).item()])
    return Result(
        metrics={"kl": {"categorical": [{"p": r[0], "q": r[1], "kl_pq": r[2], "kl_qp": r[3]} for r in rows]}},
        tables=[
            Table(
                "KL divergences of dice, nats",
                ["P", "Q", "KL(P‖Q)", "KL(Q‖P)"],
                rows,
                "Where one distribution gives an outcome no chance at all, one direction stays finite. Which, and why?",
            )
        ],
    )


def triangle(work: Workplace) -> Result:
    """The counterexample to the triangle inequality, evaluated."""
    from kl import kl_univariate_normal, triangle_violation

    v1, v2, v3 = (torch.tensor(float(v), dtype=torch.float64) for v in triangle_violation())
    zero = torch.zeros((), dtype=torch.float64)

    def kl(a: torch.Tensor, b: torch.Tensor) -> float:
        return kl_univariate_normal(zero, a, zero, b).item()

    direct, first, second = kl(v1, v3), kl(v1, v2), kl(v2, v3)
    variances = f"{v1:g}, {v2:g}, {v3:g}"
    return Result(
        metrics={
            "kl": {
                "triangle": {
                    "variances": [v1.item(), v2.item(), v3.item()],
                    "direct": direct,
                    "first_leg": first,
                    "second_leg": second,
                    "detour": first + second,
                    "violated": direct > first + second,
                }
            }
        },
        tables=[
            Table(
                f"The triangle inequality for N(0, v) with v = {variances}, nats",
                ["direct KL(p‖r)", "KL(p‖q)", "KL(q‖r)", "detour, their sum", "direct is longer"],
                [[direct, first, second, first + second, "yes" if direct > first + second else "no"]],
                "A metric would never make the direct way longer than a detour.",
            )
        ],
    )


def sum_without_halves(work: Workplace) -> Result:
    """A formula that circulates as "the KL loss" beside the KL divergence, as functions of the standard deviation."""
    from torch.distributions import Normal, kl_divergence

    sigma = torch.linspace(0.2, 2.5, 231, dtype=torch.float64)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    true = kl_divergence(Normal(zero, sigma), Normal(zero, one))
    circulating = -sigma.log() + sigma.square()
    canvas = Canvas(figsize=(6.5, 4), layout="constrained")
    ax = canvas.subplots()
    minima = {}
    for values, colour, style, label, place in (
        (true, BLUE, "-", r"KL(N(0, $\sigma^2$)‖N(0, 1))", (1.25, -0.45)),
        (circulating, RED, "--", r"$-\log\sigma + \sigma^2$", (0.75, 2.1)),
    ):
        best = int(values.argmin())
        minima[label] = (sigma[best].item(), values[best].item())
        ax.plot(sigma, values, color=colour, linestyle=style, label=label)
        ax.plot(*minima[label], "o", color=colour)
        ax.annotate(
            rf"minimum {minima[label][1]:.3f} at $\sigma$ = {minima[label][0]:.2f}",
            minima[label],
            xytext=place,
            ha="center",
            arrowprops={"arrowstyle": "->", "color": colour},
        )
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(title=r"$\mu = 0$: the KL divergence and a sum that is called so", xlabel=r"$\sigma$", ylabel="nats")
    ax.set_ylim(-0.7, 5.5)
    ax.legend()
    ax.grid(alpha=0.3)
    save_figure(canvas, work.folder / "kl_without_halves.png")
    (true_sigma, true_value), (other_sigma, other_value) = minima.values()
    return Result(
        metrics={
            "kl": {
                "sum_without_halves": {
                    "kl_minimum": {"sigma": true_sigma, "value": true_value},
                    "sum_minimum": {"sigma": other_sigma, "value": other_value},
                }
            }
        },
        figures=[
            Figure(
                "kl_without_halves.png",
                "Is this a KL divergence?",
                "Some texts give −log σ + σ² + μ², per latent, as the KL loss. Compare where the two curves are "
                "smallest, and how small. Towards which posterior would training with the dashed one pull?",
            )
        ],
    )
