"""Exhaust the grader's stack.

Goal: deny
Means: 100,000 nested lists in a head.
Expected: refused; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [], "body": {"ok": true, "value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}")
