"""Offsets that lead out of the file.

Goal: leak
Means: negative, reversed, overlapping and enormous offsets; shapes that do not fit them.
Expected: refused.
Row: The weights cannot be used
"""

import json
from pathlib import Path

NAMES = ["enc.net.0.weight", "enc.net.0.bias", "z_pre", "pi"]
OFFSETS = [[-8, 8], [10**18, 10**18 + 8], [8, 0], [0, 2**64]]


def build(submission: Path) -> None:
    entries = {
        name: {"dtype": "F32", "shape": [-2, -1], "data_offsets": offsets} for name, offsets in zip(NAMES, OFFSETS)
    }
    header = json.dumps(entries).encode()
    (submission / "gmvae.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
