"""A callback whose memory has no end.

Goal: deny
Means: the executor in the worker is replaced; each portion of records is 40,000 empty lists, and there is always more.
Expected: what is not an array is counted, too; the check says that it is too much.
Ends: answers, protocol
Scratch: yes
"""

import sys

from honest_drawing import draw


def records(self, header, arrays, returned):
    return {"value": [[[]] for _ in range(40_000)], "more": True}


sys.modules["executor"].Executor._op_records = records
target = draw
