"""Break the code that describes our exception.

Goal: deny
Means: __str__ that raises, __name__ that lies, __traceback__ and __cause__ that go in circles, a text of 100 MB.
Expected: described safely, or the worker's own failure.
Ends: answers, crash
"""

import itertools


class Raises(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__


class Meta(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")


class Nameless(Exception, metaclass=Meta):
    pass


class NotText(Exception):
    def __str__(self):
        return type("Str", (str,), {"__getitem__": lambda self, key: 7, "encode": lambda self, *a: None})("x")


def circle():
    error = ValueError("x" * 10**8)
    other = KeyError(error)
    error.__cause__, other.__cause__ = other, error
    error.__context__ = other
    return error


turn = itertools.cycle([Raises, Nameless, NotText, circle])


def target(x, outpath=None):
    raise next(turn)()
