"""Finds an assignment's stand-ins: right versions of its functions, for judging by itself the code that calls them.

They lie in tests/hidden/stand_ins.py, in a table STAND_INS of "module.function" to function, and are sent to the code
under test as source text, one at a time and only where a check asks for it: see `Submission.stand_in`.
"""

import importlib
import inspect


def source_of(target: str) -> str | None:
    """The text of the stand-in for a "module.function"; None if there are none, as in a student's folder.

    Raises:
        KeyError: the assignment has stand-ins, but not this one.
    """
    try:
        stand_ins = importlib.import_module("hidden.stand_ins")
    except ModuleNotFoundError:
        return None
    return inspect.getsource(stand_ins.STAND_INS[target])
