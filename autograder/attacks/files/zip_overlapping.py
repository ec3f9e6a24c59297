"""A zip whose entries share the same bytes, hence a bomb without a suspicious ratio.

Goal: deny
Means: a central directory that names one entry 2,000 times.
Expected: refused, or bounded in bytes.
"""

import struct
import zipfile
from pathlib import Path


def build(submission: Path) -> Path:
    archive = submission.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("kernel.bin", bytes(16 << 20))
    data = archive.read_bytes()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, count = data[start:end], 2000
    directory = b"".join(entry.replace(b"kernel.bin", b"kern%04d.x" % n) for n in range(count))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    archive.write_bytes(data[:start] + directory + tail)
    return archive
