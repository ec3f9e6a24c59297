"""Carry hidden inputs out in an import error or a syntax error, which reports its own file.

Goal: leak
Means: a SyntaxError and an ImportError raised in a call, their fields made from the data.
Expected: hidden checks show the exception's type, nothing else.
"""

import itertools

turn = itertools.count()


def target(x, outpath=None):
    data = repr(x.tolist())
    if next(turn) % 2:
        raise SyntaxError(data, (data, 7310, 625, data))
    raise ImportError(data, name=data, path=data)
