"""Task 4.10."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from plotting import save_figure


@dataclass
class Curve:
    values: np.ndarray

    @property
    def iterations(self):
        return np.arange(len(self.values)) + 1

    def smooth(self, decay=0.98):
        mean, means = self.values[0], []
        for value in self.values:
            mean = decay * mean + (1 - decay) * value
            means.append(mean)
        return means


def plot_learning_curve(elbo_per_iteration, outpath="ELBO_Curve.png"):
    curve = Curve(np.array(elbo_per_iteration, dtype=float))
    figure = Figure(figsize=(8, 4), layout="tight")
    ax = figure.add_subplot()
    (line,) = ax.plot(curve.iterations, curve.values, alpha=0.4)
    ax.plot(curve.iterations, curve.smooth(), color=line.get_color(), label="exponential mean")
    low, high = np.percentile(curve.values, [5, 100])
    ax.set_ylim(low - 1, high + 1)
    ax.set(xlabel="iteration", ylabel="ELBO / nats")
    ax.legend()
    return save_figure(figure, outpath)


if __name__ == "__main__":
    plot_learning_curve(-700 - 200 * np.exp(-np.arange(300) / 20), "example.png")
