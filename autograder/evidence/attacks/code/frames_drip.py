"""Keep the grader waiting by sending a byte now and then.

Goal: deny
Means: a large frame, one byte each tenth of a second.
Expected: the deadline is the whole frame's, not a byte's; the worker is killed.
Ends: timeout
"""

import time

from wire import MAGIC, send_raw

send_raw(MAGIC + (250_000).to_bytes(4, "little") + bytes(8))
while True:
    send_raw(b" ")
    time.sleep(0.1)
