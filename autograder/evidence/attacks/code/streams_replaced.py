"""Block the worker where it flushes its streams.

Goal: deny
Means: sys.stdout replaced by an object whose flush never returns.
Expected: the deadline of the call.
Ends: timeout
"""

import sys
import time


class Sticky:
    def write(self, text):
        return len(text)

    def flush(self):
        time.sleep(1e6)


sys.stdout = sys.stderr = Sticky()
