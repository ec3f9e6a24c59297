"""Answer with an id that was used already.

Goal: forge
Means: frames with the ids 0, 1 and a negative one.
Expected: the worker is killed at the first.
Ends: protocol
"""

from wire import head, send

for number in (0, 0, -1):
    send(head(number, {"ok": True, "value": 100.0}))
