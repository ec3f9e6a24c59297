"""A small zip that fills the disk.

Goal: deny
Means: 1 GiB of zeros in one entry, and 100,000 entries.
Expected: refused by size, number or ratio.
"""

import zipfile
from pathlib import Path


def build(submission: Path) -> Path:
    archive = submission.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for path in sorted(submission.rglob("*.*")):
            file.write(path, path.relative_to(submission))
        with file.open("zeros.bin", "w", force_zip64=True) as entry:
            for _ in range(1024):
                entry.write(bytes(1 << 20))
        for number in range(20_000):
            file.writestr(f"many/{number}", "")
    return archive
