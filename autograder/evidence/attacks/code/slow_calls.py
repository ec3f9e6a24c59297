"""Use nearly all the time of each call, call after call.

Goal: deny
Means: half a second in each.
Expected: calls have a sum as well; the rest of the task is not run once it is used up.
Ends: timeout, answers
"""

import time


def target(x, outpath=None):
    time.sleep(1.5)
    return x
