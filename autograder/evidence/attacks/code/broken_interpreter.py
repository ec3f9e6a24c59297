"""Pull the carpet from under the worker's own code.

Goal: deny
Means: sys.modules emptied, builtins and os functions replaced, codecs, the import system and json broken.
Expected: the worker breaks; the grader has its own interpreter.
Ends: crash, answers, timeout, protocol
"""

import builtins
import json
import os
import sys


def broken(*arguments, **options):
    raise ZeroDivisionError


json.dumps = json.loads = os.writev = os.readv = broken
builtins.len = builtins.isinstance = builtins.type = builtins.dict = broken
builtins.__import__ = broken
sys.meta_path.clear()
sys.modules.clear()
