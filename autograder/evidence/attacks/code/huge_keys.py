"""Make the grader hash and store enormous keys.

Goal: deny
Means: dict keys of megabytes, keys that differ in nothing, 10**6 keys.
Expected: the head of a frame is limited.
Ends: answers, crash, protocol
"""


class Key(str):
    __hash__ = lambda self: 1  # noqa: E731
    __eq__ = lambda self, other: False  # noqa: E731


def target(x, outpath=None):
    return {Key("same"): 1, Key("same") + "": 2, "x" * 10**7: 3, **{str(n): n for n in range(10**5)}}
