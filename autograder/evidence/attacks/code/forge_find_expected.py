"""Find the expected values and return them.

Goal: forge
Means: all frames of the stack, all objects that the collector knows, all modules, every array alive.
Expected: nothing of the grader's is in this process.
"""

import gc
import sys

import numpy as np
from known import attempt

WORDS = ("expected", "oracle", "hidden", "points", "secret")
MODULES = ("conftest", "pytest", "hypothesis")
ROOMS = ("support", "autograder.door", "autograder.grading", "autograder.tasks")
# What the worker itself is made of; students have it.
OPEN = {"autograder.door"} | {f"autograder.door.{name}" for name in ("one_process", "package_names", "packages")}


def found():
    frame, names = sys._getframe(), []
    while frame is not None:
        names += [n for n in frame.f_locals if any(word in n.lower() for word in WORDS)]
        frame = frame.f_back
    modules = [n for n in sys.modules if n in MODULES or (n.startswith(ROOMS) and n not in OPEN)]
    keys = [
        key
        for thing in gc.get_objects()
        if type(thing) is dict
        for key in list(thing)[:50]
        if isinstance(key, str) and key in ("expected", "assignment_secret", "oracle")
    ]
    if not names + modules + keys:
        raise LookupError
    return names + modules + keys


attempt("look around", found)


def target(x, outpath=None):
    attempt("look in a call", found)
    arrays = [a for a in gc.get_objects() if isinstance(a, np.ndarray) and a.shape == tuple(x.shape)]
    return arrays[0] if arrays else x
