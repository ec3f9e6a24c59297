"""Use the processor while other tasks are graded.

Goal: deny
Means: threads that count for ever.
Expected: they end with the task's worker.
Ends: answers, timeout, crash
"""

import threading


def spin():
    while True:
        pass


for _ in range(8):
    threading.Thread(target=spin, daemon=True).start()

print("started")
