"""Return what never ends.

Goal: deny
Means: a generator, a dict that grows while it is read, a tuple subclass with an endless iterator.
Expected: objects stay behind; the rest meets the deadline or the memory limit.
Ends: timeout, answers, crash
"""

import itertools


class Endless(list):
    def __iter__(self):
        return itertools.repeat(1)


class Growing(dict):
    def items(self):
        for number in itertools.count():
            yield f"key{number}", number


turn = itertools.cycle([lambda: itertools.count(), lambda: (i for i in itertools.count()), Endless, Growing])


def target(x, outpath=None):
    return next(turn)()
