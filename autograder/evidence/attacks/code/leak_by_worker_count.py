"""Tell the next student by how many workers one has used up.

Goal: leak
Means: a worker dies in hidden checks only; names of folders and user ids that are counted up tell the next student.
Expected: a worker's folder has a name without a number, and its user id no neighbour's beginning.
Ends: answers, crash
Scratch: yes
"""

import os
import re

from known import attempt


def target(x, outpath=None, remember=None):
    if int(x.flatten()[0]) != 1:
        os._exit(0)
    attempt("count the workers", lambda: int(re.search(r"scratch-(\d{1,4})/", outpath).group(1)))
