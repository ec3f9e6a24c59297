"""Carry hidden inputs out in diagnoses, which say what was returned.

Goal: leak
Means: shapes, names of types, texts, keys, numbers and lengths made from the data.
Expected: hidden checks show our own words, and take out of them what could be data.
"""

import itertools

import torch

turn = itertools.count()


def target(x, outpath=None):
    value = x.flatten()[0].item()
    data = repr(value)
    name = "Input_" + data.replace(".", "_")
    return [
        lambda: torch.zeros(int(value), 0, 625),
        lambda: type(name, (), {})(),
        lambda: data,
        lambda: {data: data},
        lambda: value,
        lambda: [value] * 7,
        lambda: (data, name),
    ][next(turn) % 7]()
