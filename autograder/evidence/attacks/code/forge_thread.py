"""Race the grader: threads that write results.json over and over while checks run.

Goal: forge
Means: daemon and ordinary threads, a timer.
Expected: threads start, their writing is refused; they die with the worker.
"""

import threading
import time

from known import FORGED, RESULTS, attempt


def write():
    with open(RESULTS, "w") as file:
        file.write(FORGED)


def race():
    while True:
        try:
            write()
        except OSError:
            time.sleep(0.001)


for daemon in (True, False):
    threading.Thread(target=race, daemon=daemon).start()
threading.Timer(0.01, attempt, ["timer", write]).start()
attempt("write", write)
time.sleep(0.1)
