"""Act when objects die.

Goal: deny
Means: __del__ that revives its object, a collector that never ends.
Expected: the deadline, or nothing.
Ends: timeout, answers, crash
"""

import gc


class Undead:
    kept = []

    def __init__(self):
        self.me = self

    def __del__(self):
        Undead.kept.append(self)
        Undead()
        while gc.isenabled() and len(Undead.kept) > 50:
            pass


for _ in range(20):
    Undead()
gc.set_threshold(1, 1, 1)


def target(x, outpath=None):
    return [Undead() for _ in range(10)]
