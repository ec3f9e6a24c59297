"""Carry hidden inputs out in an exception's text, its arguments, notes and chain.

Goal: leak
Means: the inputs as text in message, notes, cause and traceback.
Expected: hidden checks show the exception's type, nothing else.
"""


def target(x, outpath=None):
    error = ValueError(repr(x.tolist()))
    if hasattr(error, "add_note"):
        error.add_note(repr(x.tolist()))
    raise error from KeyError(repr(x.tolist()))
