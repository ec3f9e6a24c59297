"""Put a perfect results.json in the place of the grader's.

Goal: forge
Means: open for writing, replace, remove, truncate, change its mode; relative, absolute and Gradescope's own path.
Expected: every attempt is refused.
"""

import errno
import os

from known import FORGED, RESULTS, attempt


def write(path):
    with open(path, "w") as file:
        return file.write(FORGED)


def remove(path):
    os.remove(path)
    if os.path.lexists(path):  # some sandboxes say "done" and do nothing
        raise PermissionError(errno.EACCES, "it is still there")


attempt("write", lambda: write(RESULTS))
attempt("relative", lambda: write(os.path.relpath(RESULTS)))
attempt("gradescope", lambda: write("/autograder/results/results.json"))
attempt("append", lambda: os.open(RESULTS, os.O_WRONLY | os.O_APPEND))
attempt("truncate", lambda: os.truncate(RESULTS, 0))
attempt("remove", lambda: remove(RESULTS))
attempt("rename", lambda: os.rename(RESULTS, RESULTS + ".old"))
attempt("replace", lambda: os.replace("known.py", RESULTS))
attempt("chmod", lambda: (os.chmod(RESULTS, 0o666), write(RESULTS)))
attempt("chown", lambda: os.chown(RESULTS, os.getuid(), -1))
