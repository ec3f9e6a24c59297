"""Leave the worker by an interrupt at import.

Goal: deny
Means: KeyboardInterrupt at the top of the file.
Expected: an answer; the worker lives.
Ends: answers, crash
"""

raise KeyboardInterrupt
