"""Task 4.10: the learning curve."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from my_figures import PathLike, Picture


class LearningCurve:
    def __init__(self, values: Sequence[float]) -> None:
        self.values: list[float] = list(values)

    @property
    def iterations(self) -> list[int]:
        return [index + 1 for index in range(len(self.values))]

    def interesting_range(self) -> tuple[float, float]:
        """Limits that leave out the steep beginning."""
        late: list[float] = self.values[len(self.values) // 5 :]
        margin: float = max(1.0, 0.1 * (max(late) - min(late)))
        return min(late) - margin, max(late) + margin


def plot_learning_curve(elbo_per_iteration: Sequence[float], outpath: PathLike = "ELBO_Curve.png") -> Figure:
    curve = LearningCurve(elbo_per_iteration)
    with Picture(outpath, size=(8, 5)) as picture:
        axes = picture.axes[0]
        axes.plot(curve.iterations, curve.values, linewidth=0.7)
        axes.set_ylim(curve.interesting_range())
        axes.set_xlabel("Iteration")
        axes.set_ylabel("ELBO (nats per image)")
    return picture.figure
