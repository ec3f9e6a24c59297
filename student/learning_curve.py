"""The learning curve: the ELBO at every iteration of training."""

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
    # YOUR CODE HERE (the reference solution has 19 lines here)
    raise NotImplementedError("Task 4.10: plot_learning_curve, see README section 4.10")
