"""One array in the reply, named 300 times.

Goal: deny
Means: the executor in the worker is replaced; what the callback was given is one array of 1 MiB, 300 times over.
Expected: an array may be named once; the worker is killed.
Ends: protocol
Scratch: yes
"""

import sys

import numpy as np
from honest_drawing import draw


def records(self, header, arrays, returned):
    returned.append(np.zeros(1 << 20, dtype=np.uint8))
    return {"value": [[{"$array": 0}] for _ in range(300)], "more": False}


sys.modules["executor"].Executor._op_records = records
target = draw
