"""Fill the log.

Goal: deny
Means: printing without end to both streams from several threads.
Expected: what is kept is capped; too much costs the worker.
Ends: flood
"""

import os
import threading


def flood(descriptor):
    while True:
        os.write(descriptor, b"flood " * 10_000)


for descriptor in (1, 2):
    threading.Thread(target=flood, args=[descriptor], daemon=True).start()
flood(1)
