"""Weights that make the model's score overflow to something better than any real one.

Goal: forge
Means: the right names and shapes, every tensor filled with 3e38, -3e38 and 1e30, in turn.
Expected: no number, no points, nothing on the leaderboard.
Row: wrong
"""

import json
import struct
from pathlib import Path

VALUES = (3e38, -3e38, 1e30)


def build(file: Path, example: Path) -> None:
    data = bytearray(example.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    for place, entry in enumerate(json.loads(data[8:start]).values()):
        begin, end = entry["data_offsets"]
        data[start + begin : start + end] = struct.pack("<f", VALUES[place % 3]) * ((end - begin) // 4)
    file.write_bytes(data)
