"""Stop instead of ending.

Goal: deny
Means: SIGSTOP to ourselves.
Expected: a stopped worker misses its deadline and is killed.
Ends: timeout
"""

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
