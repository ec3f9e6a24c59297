"""Offsets that lead out of the file.

Goal: leak
Means: negative, reversed, overlapping and enormous offsets; shapes that do not fit them.
Expected: refused.
Row: wrong
"""

import itertools
import json
from pathlib import Path

OFFSETS = ([-8, 8], [10**18, 10**18 + 8], [8, 0], [0, 2**64])


def build(file: Path, example: Path) -> None:
    data = example.read_bytes()
    names = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    entries = {
        name: {"dtype": "F32", "shape": [-2, -1], "data_offsets": offsets}
        for name, offsets in zip(names, itertools.cycle(OFFSETS))
    }
    header = json.dumps(entries).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
