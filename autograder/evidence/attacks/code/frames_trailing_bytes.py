"""Hide a second message behind the first.

Goal: forge
Means: a payload longer than the arrays that the head describes.
Expected: lengths must agree; the worker is killed.
Ends: protocol
"""

from wire import head, send

send(head(2, {"ok": True, "value": 1.0}), payload=b"x" * 64)
