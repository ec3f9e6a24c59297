"""Find secrets in what we inherited: environment, arguments, working directory, standard input, search path.

Goal: leak
Means: os.environ, the C library's environ, sys.argv, sys.orig_argv, sys.path, standard input.
Expected: the environment is made from nothing; no argument and no path leads to the grader.
"""

import ctypes
import os
import sys

from known import CANARIES, TESTS, attempt

environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
everything = dict(os.environ, argv=sys.argv, orig=sys.orig_argv, path=sys.path, cwd=os.getcwd(), flags=sys.flags)
index = 0
while environ and environ[index]:
    everything[f"c{index}"] = environ[index]
    index += 1


def found():
    text = repr(everything)
    hits = [word for word in (*CANARIES, TESTS) if word in text]
    if not hits:
        raise LookupError
    return hits


attempt("search", found)
attempt("stdin", lambda: 1 / len(sys.stdin.read() or ""))
print("variables", " ".join(sorted(os.environ))[:200])
