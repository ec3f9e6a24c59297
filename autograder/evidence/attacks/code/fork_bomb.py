"""Fill the machine with processes.

Goal: deny
Means: forking for ever, from many threads.
Expected: no process can be made; if a kernel lacks seccomp, as root, the uid may have few and all are killed.
Ends: answers
"""

import os
import threading

from known import attempt


def bomb():
    for _ in range(1000):
        try:
            if os.fork() == 0:
                bomb()
        except OSError:
            continue


attempt("fork", os.fork)
for _ in range(4):
    threading.Thread(target=bomb, daemon=True).start()
bomb()
