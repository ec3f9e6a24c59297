"""Crash the interpreter.

Goal: deny
Means: a read at address 0.
Expected: a crash of this task.
Ends: crash
"""

import ctypes

ctypes.string_at(0)
