"""Send NaN where JSON has none, hoping that comparisons with it are false.

Goal: forge
Means: NaN and Infinity literals, a number that overflows.
Expected: refused by the strict reader; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [], "body": {"ok": true, "value": NaN, "score": Infinity, "more": 1e999}}')
