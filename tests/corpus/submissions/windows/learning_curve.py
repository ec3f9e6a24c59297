"""Task 4.10. The learning curve: the ELBO at every iteration of training."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from plotting import save_figure  # noqa: F401 (for your code)


def plot_learning_curve(elbo_per_iteration: Sequence[float], outpath: str | Path | None = "ELBO_Curve.png") -> Figure:
    """Task 4.10: plot the ELBO against the iteration.

    Args:
        elbo_per_iteration: ELBO (nats per image) at iterations 1, 2, ...
        outpath: where to save the picture; None for no picture.

    Returns:
        The figure. One of its lines is the curve itself: x = 1, 2, ..., y = the values given; both axes are labelled.

    Hint: the first iterations are far below the rest. Choose the limits of the y axis so that the interesting part
    can be read, and a running mean beside the noisy curve helps.
    """
    X = []
    for i in range(len(elbo_per_iteration)):
        X.append(i + 1)
    figure = Figure(figsize=(8, 4))
    ax = figure.add_subplot(111)
    ax.plot(X, elbo_per_iteration, "b-")
    Late = elbo_per_iteration[len(elbo_per_iteration) // 10:]
    ax.set_ylim(min(Late) - 1, max(Late) + 1)
    ax.set_xlabel("Iteration")
    ax.set_ylabel("ELBO")
    ax.grid(True)
    save_figure(figure, outpath)
    return figure
