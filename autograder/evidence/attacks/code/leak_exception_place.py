"""Carry hidden inputs out in the file name and line of a traceback.

Goal: leak
Means: code compiled under a file name made from the data, in the submission's folder, at a line made from it too.
Expected: hidden checks show no place.
"""

import os


def target(x, outpath=None):
    value = x.flatten()[0].item()
    name = os.path.join(os.path.dirname(__file__), f"input_{value}.py")
    exec(compile("\n" * int(abs(value)) + "1 / 0", name, "exec"))
