"""Say two things at once, so that a check and a use may disagree.

Goal: forge
Means: duplicate keys, an id given twice.
Expected: refused as ambiguous; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 1, "id": 2, "arrays": [], "body": {"ok": false, "ok": true, "value": 1}}')
