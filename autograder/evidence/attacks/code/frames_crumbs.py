"""Answer byte by byte, as fast as possible.

Goal: deny
Means: a frame of 60 MB, one byte a write.
Expected: the grader reads what has gathered, now and then; the call misses its deadline.
Ends: timeout
"""

import os

from wire import MAGIC, REPLIES, head, send_raw


def target(x, outpath=None, remember=None):
    described = head(3, {"ok": True}, [["uint8", [3000, 10_000]]] * 2)
    send_raw(MAGIC + len(described).to_bytes(4, "little") + (60_000_000).to_bytes(8, "little") + described)
    while True:
        try:
            os.write(REPLIES, b".")
        except BlockingIOError:
            continue
