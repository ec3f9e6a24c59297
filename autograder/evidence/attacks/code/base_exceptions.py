"""Leave the worker's loop by exceptions that ordinary handlers let through.

Goal: deny
Means: SystemExit, KeyboardInterrupt, GeneratorExit and a class of our own, at import and in calls.
Expected: each is an answer.
Ends: answers
"""

import itertools


class Own(BaseException):
    pass


turn = itertools.cycle([SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Own()])


def target(x, outpath=None):
    raise next(turn)
