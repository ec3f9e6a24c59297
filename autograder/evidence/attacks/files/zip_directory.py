"""A zip that is nothing but a table of contents.

Goal: deny
Means: 200 MB of it: 1,500 entries with comments and extra fields of 64 KiB each, compressed to none.
Expected: refused by its size, before it is read.
"""

import zipfile
from pathlib import Path


def build(submission: Path) -> Path:
    archive = submission.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(submission.rglob("*.*")):
            file.write(path, path.relative_to(submission))
        for number in range(3000):
            info = zipfile.ZipInfo(f"many/{number}.txt")
            info.comment = bytes(65_000)
            file.writestr(info, "")
    return archive
