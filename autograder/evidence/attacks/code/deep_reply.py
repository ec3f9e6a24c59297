"""Overflow the encoder.

Goal: deny
Means: lists in lists in lists, a list that contains itself, 10**6 levels of tuples.
Expected: an error in the worker.
Ends: answers, crash
"""

import itertools


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def circular():
    value = {}
    value["again"] = value
    return value


turn = itertools.cycle([lambda: deep(100), lambda: deep(10**6), circular, lambda: ((),) * 5])


def target(x, outpath=None):
    return next(turn)()
