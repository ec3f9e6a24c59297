"""Break the program that prints our text later.

Goal: deny
Means: lone surrogates and control characters in an error's texts.
Expected: refused; the worker is killed.
Ends: protocol
"""

from wire import send

send(b'{"id": 2, "arrays": [], "body": {"ok": false, "error": {"type": "E", "message": "\\ud800 \\udfff"}}}')
