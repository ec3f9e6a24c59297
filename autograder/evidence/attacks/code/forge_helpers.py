"""Have the tests' own helpers do the work.

Goal: forge
Means: every function and method of the executor's module, found in the worker and called with what we were given; the
    reference solution, the oracles and the starters' answers, looked for under every name.
Expected: a worker holds no solution to any task.
"""

import importlib
import inspect
import sys

from known import attempt

FORBIDDEN = (
    "support.oracles",
    "support.mistakes",
    "support.strategies",
    "autograder.door.laws",
    "autograder.door.diagnose",
    "autograder.door.submission",
    "solution",
    "autograder.grading.grade",
)


def helpers():
    """Functions that somebody has left here: in the executor's module, its classes, and its tables."""
    found = []
    for value in list(vars(sys.modules["executor"]).values()):
        table = list(value.values()) if isinstance(value, dict) else [value]
        for thing in table:
            if inspect.isfunction(thing) and thing.__module__ == "executor":
                found.append(thing)
            elif inspect.isclass(thing) and thing.__module__ == "executor":
                methods = [method for method in vars(thing).values() if inspect.isfunction(method)]
                found += [lambda *a, method=method, **k: method(None, *a, **k) for method in methods]
    return found


for name in FORBIDDEN:
    attempt(name, lambda name=name: importlib.import_module(name))


def target(*arguments, **options):
    for helper in helpers():
        try:
            value = helper(*arguments, **options)
        except BaseException:
            continue
        if type(value).__name__ in ("Tensor", "tuple"):
            return value
    raise LookupError
