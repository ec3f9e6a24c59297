"""Never return.

Goal: deny
Means: sleep for days in a call.
Expected: the deadline of the call.
Ends: timeout
"""

import time


def target(x, outpath=None):
    time.sleep(1e9)
