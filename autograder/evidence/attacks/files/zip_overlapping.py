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
        for path in sorted(submission.rglob("*.*")):
            file.write(path, path.relative_to(submission))
        honest = len(file.namelist())
        file.writestr("kernel00.py", b"#" * (900 << 10))
    data = archive.read_bytes()
    start, last, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry, count = data[last:end], 2000
    directory = data[start:last] + b"".join(entry.replace(b"kernel00", b"kern%04d" % n) for n in range(count))
    counts = (honest + count,) * 2
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *counts, len(directory), start, 0)
    archive.write_bytes(data[:start] + directory + tail)
    return archive
