"""A part as an honest student hands it in."""


def target(x, outpath=None):
    return 2 * x + 1
