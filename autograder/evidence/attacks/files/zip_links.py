"""A zip with a link, and a file to be written through it.

Goal: forge
Means: an entry that is a symbolic link to the results' folder, then results.json below it.
Expected: refused, or no link is made.
"""

import stat
import zipfile
from pathlib import Path


def build(submission: Path) -> Path:
    archive = submission.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(submission.rglob("*.*")):
            file.write(path, path.relative_to(submission))
        link = zipfile.ZipInfo("out")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, str(submission.parent / "results"))
        file.writestr("out/results.json", "HOSTILE")
    return archive
