"""Overflow the computation of an array's size.

Goal: deny
Means: shapes with a zero beside 2**62, and negative ones.
Expected: every dimension is bounded by itself; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [["float32", [0, 4611686018427387904, 4611686018427387904]]], "body": {"ok": true}}')
