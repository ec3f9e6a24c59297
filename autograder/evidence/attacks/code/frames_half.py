"""Leave the grader in the middle of a frame, for ever.

Goal: deny
Means: a prefix that announces a head which never comes.
Expected: the whole frame has one deadline; the worker is killed.
Ends: timeout
"""

import time

from wire import MAGIC, send_raw

send_raw(MAGIC + (1000).to_bytes(4, "little") + bytes(8) + b"{")
time.sleep(1e6)
