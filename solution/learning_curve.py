"""The learning curve: the ELBO at every iteration of training."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from plotting import save_figure  # noqa: F401 (for your code)


def plot_learning_curve(elbo_per_iteration: Sequence[float], outpath: str | Path | None = "ELBO_Curve.png") -> Figure:
    """Task {{task:plot_learning_curve}}: plot the ELBO against the iteration.

    Args:
        elbo_per_iteration: ELBO (nats per image) at iterations 1, 2, ...
        outpath: where to save the picture; None for no picture.

    Returns:
        The figure. One of its lines is the curve itself: x = 1, 2, ..., y = the values given; both axes are labelled.

    Hint: the first iterations are far below the rest. Choose the limits of the y axis so that the interesting part
    can be read, and a running mean beside the noisy curve helps.
    """
    # BEGIN SOLUTION
    iterations = range(1, len(elbo_per_iteration) + 1)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(iterations, elbo_per_iteration, color="#3f90da", alpha=0.5, linewidth=0.8, label="one minibatch")
    window = max(1, len(elbo_per_iteration) // 50)
    if window > 1:
        totals = [0.0]
        for value in elbo_per_iteration:
            totals.append(totals[-1] + value)
        smooth = [(totals[i] - totals[i - window]) / window for i in range(window, len(totals))]
        axes.plot(range(window, len(totals)), smooth, color="#bd1f01", label=f"mean of {window} iterations")
    if len(elbo_per_iteration) > 50:
        # The first tenth still climbs steeply: let the rest fill the axis.
        late = sorted(elbo_per_iteration[len(elbo_per_iteration) // 10 :])
        spread = late[-1] - late[0] or 1.0
        axes.set_ylim(late[0] - 0.5 * spread, late[-1] + 0.1 * spread)
    axes.set(title="ELBO while training", xlabel="iteration", ylabel="ELBO (nats per image)")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    return save_figure(figure, outpath)
    # END SOLUTION
