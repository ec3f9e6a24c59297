"""Writes to the reply pipe behind the executor's back."""

import json
import os

REPLIES = 4  # the descriptor


def head(request_id, body, arrays=()):
    """The JSON head of a frame."""
    return json.dumps({"id": request_id, "arrays": list(arrays), "body": body}).encode()


def send(head, payload=b""):
    """A whole frame, lengths as they should be."""
    send_raw(b"VAE1" + len(head).to_bytes(4, "little") + len(payload).to_bytes(8, "little") + head + payload)


def send_raw(data):
    """Bytes, as they are."""
    data = memoryview(data)
    while data:
        try:
            data = data[os.write(REPLIES, data) :]
        except BlockingIOError:
            continue
