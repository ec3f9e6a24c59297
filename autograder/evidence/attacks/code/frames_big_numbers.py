"""Make the grader compute with integers of a million digits.

Goal: deny
Means: a number of 200,000 digits.
Expected: refused by its length; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [], "body": {"ok": true, "value": ' + b"9" * 200_000 + b"}}")
