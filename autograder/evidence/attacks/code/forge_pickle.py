"""Have the grader execute our code when it reads what we return.

Goal: forge
Means: objects with __reduce__, __array__, __iter__, __index__, __eq__ and __del__ that print a mark where they run.
Expected: objects never leave the worker; the mark is printed here or nowhere.
"""

import os

from known import RESULTS


def run(*arguments):
    print("ran in the worker", os.getpid())
    return 0


class Everything:
    __reduce__ = lambda self: (open, (RESULTS, "w"))  # noqa: E731
    __array__ = __iter__ = __index__ = __float__ = __len__ = __bool__ = __eq__ = __hash__ = run
    __str__ = __repr__ = lambda self: "everything"


def target(x, outpath=None):
    return [Everything(), (Everything(),), {"a": Everything()}]
