"""Weights that make the negative ELBO overflow to something better than any model's.

Goal: forge
Means: every tensor filled with NaN, infinity and 1e38, in turn.
Expected: no number, no points, nothing on the leaderboard.
Row: The weights cannot be used
"""

import json
import struct
from pathlib import Path

# Names and shapes of GMVAE(z_dim=10, k=500).
SHAPES = {
    "z_pre": [1, 1000, 10],
    "pi": [500],
    "enc.net.0.weight": [300, 784],
    "enc.net.0.bias": [300],
    "enc.net.2.weight": [300, 300],
    "enc.net.2.bias": [300],
    "enc.net.4.weight": [20, 300],
    "enc.net.4.bias": [20],
    "dec.net.0.weight": [300, 10],
    "dec.net.0.bias": [300],
    "dec.net.2.weight": [300, 300],
    "dec.net.2.bias": [300],
    "dec.net.4.weight": [784, 300],
    "dec.net.4.bias": [784],
}


def build(submission: Path) -> None:
    entries, payload = {}, b""
    for place, (name, shape) in enumerate(SHAPES.items()):
        count = 1
        for size in shape:
            count *= size
        value = (3e38, -3e38, 1e30)[place % 3]
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(payload), len(payload) + 4 * count]}
        payload += struct.pack("<f", value) * count
    header = json.dumps(entries).encode()
    (submission / "gmvae.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + payload)
