"""Never return, and be deaf to signals.

Goal: deny
Means: every signal blocked or ignored, handlers that start over.
Expected: SIGKILL cannot be blocked.
Ends: timeout
"""

import signal
import time

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        continue
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))


def target(x, outpath=None):
    while True:
        time.sleep(1e6)
