"""Offsets that lead out of the file.

Goal: leak
Means: negative, reversed, overlapping and enormous offsets; shapes that do not fit them.
Expected: refused.
Row: The weights cannot be used
"""

import json
from pathlib import Path

OFFSETS = {
    "enc.net.0.weight": [-8, 8],
    "enc.net.0.bias": [10**18, 10**18 + 8],
    "z_pre": [8, 0],
    "pi": [0, 2**64],
}


def build(submission: Path) -> None:
    entries = {name: {"dtype": "F32", "shape": [-2, -1], "data_offsets": offsets} for name, offsets in OFFSETS.items()}
    header = json.dumps(entries).encode()
    (submission / "gmvae.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
