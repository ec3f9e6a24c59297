"""Make the grader take memory for a frame that never comes.

Goal: deny
Means: lengths of 4 GiB and 16 EiB in the prefix.
Expected: refused before any memory is taken; the worker is killed.
Ends: protocol
"""

from wire import MAGIC, send_raw

send_raw(MAGIC + b"\xff" * 12)
