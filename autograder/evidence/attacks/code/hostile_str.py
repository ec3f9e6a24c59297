"""Hang the code that describes our exception.

Goal: deny
Means: __str__ that never returns.
Expected: the deadline of the call.
Ends: timeout
"""


class Endless(Exception):
    def __str__(self):
        while True:
            pass


def target(x, outpath=None):
    raise Endless
