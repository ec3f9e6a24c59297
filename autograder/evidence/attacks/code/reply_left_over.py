"""Arrays in the reply that nobody has asked for, kept alive by one that somebody keeps.

Goal: deny
Means: the callback's records come in portions of one number, each in a payload with 60 MB that are never named.
Expected: what is not named does not stay.
Ends: answers, protocol
Scratch: yes
"""

import sys

import numpy as np
from honest_drawing import draw


def records(self, header, arrays, returned):
    returned += [np.zeros(1, dtype=np.float32), *(np.zeros((3000, 10_000), dtype=np.uint8) for _ in range(2))]
    return {"value": [[{"$array": 0}]], "more": header["start"] < 9}


sys.modules["executor"].Executor._op_records = records
target = draw
