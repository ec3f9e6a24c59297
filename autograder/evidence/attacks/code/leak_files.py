"""Read what the grader knows: hidden tests, points, secret, results, metadata, the system's files.

Goal: leak
Means: plain opens, directory listings, stat, the import system, linecache, file URLs, NumPy's memory maps.
Expected: every attempt is refused.
"""

import importlib.util
import linecache
import os
import urllib.request

import numpy as np
from known import GRADER_FILES, HIDDEN, RESULTS, TESTS, attempt


def read(path):
    with open(path, "rb") as file:
        return file.read(100)


for path in GRADER_FILES:
    attempt(f"read {os.path.basename(path)}", lambda path=path: read(path))
attempt("list tests", lambda: os.listdir(TESTS))
attempt("list results", lambda: os.listdir(os.path.dirname(RESULTS)))
attempt("list tmp", lambda: os.listdir("/tmp"))
attempt("list parent", lambda: os.listdir(os.path.join(os.path.dirname(__file__), "..")))
attempt("linecache", lambda: 1 / len(linecache.getlines(HIDDEN)))
attempt("url", lambda: urllib.request.urlopen("file://" + HIDDEN).read())
attempt("memmap", lambda: np.memmap(HIDDEN, mode="r"))
spec = importlib.util.spec_from_file_location("hidden", HIDDEN)
attempt("import", lambda: spec.loader.exec_module(importlib.util.module_from_spec(spec)))
attempt("shadow", lambda: len(read("/etc/shadow")))
attempt("passwd", lambda: len(read("/etc/passwd")))
