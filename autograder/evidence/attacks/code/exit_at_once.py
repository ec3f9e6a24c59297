"""End the process, cleanly.

Goal: deny
Means: os._exit with status 0 at import.
Expected: a crash of this task, whatever the status.
Ends: crash
"""

import os

os._exit(0)
