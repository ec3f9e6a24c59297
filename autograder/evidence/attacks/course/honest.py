"""A part as an honest student hands it in."""

import matplotlib.pyplot as plt


def target(x, outpath=None, remember=None):
    y = 2 * x + 1
    if outpath is not None:
        remember(y)
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot(y.detach().ravel())
        axes.set_title(f"{y.numel()} values")
        figure.savefig(outpath)
        plt.close(figure)
    return y
