"""A part as students receive it."""


def target(x, outpath=None, remember=None):
    raise NotImplementedError("Task 1.1: target, see README section 1.1")
