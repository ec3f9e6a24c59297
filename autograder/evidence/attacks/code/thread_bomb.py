"""Fill the machine with threads.

Goal: deny
Means: 10,000 sleeping threads.
Expected: their number is limited (as root), or their stacks are.
Ends: answers, crash, timeout
"""

import threading
import time

threading.stack_size(1 << 16)
started = 0
try:
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=[1e6], daemon=True).start()
        started += 1
except (RuntimeError, MemoryError) as error:
    print(f"thread {started}: {type(error).__name__}", flush=True)
