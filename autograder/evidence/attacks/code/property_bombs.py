"""Trap any code that looks at our objects.

Goal: deny
Means: __getattr__, __class__, __len__ and __getattribute__ that hang or raise.
Expected: the deadline of the call.
Ends: timeout, answers
"""


class Bomb:
    def __getattribute__(self, name):
        if name == "__class__":
            return type("tensor", (), {})
        while True:
            pass


def target(x, outpath=None):
    return Bomb()
