"""Have the grader build objects from our bytes.

Goal: forge
Means: dtypes object, void, a string, a structured type and a pickled array.
Expected: only six plain dtypes are known; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [["object", [1]], ["V8", [1]], ["O", [1]]], "body": {"ok": true}}', payload=bytes(24))
