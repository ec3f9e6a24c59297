"""A zip whose entries leave its folder.

Goal: forge
Means: ../, absolute, Windows and doubled names, aimed at results.json and the tests.
Expected: refused, or unpacked inside; nothing is written elsewhere.
"""

import zipfile
from pathlib import Path

NAMES = (
    "../results/results.json",
    "../../results/results.json",
    "/tmp/HOSTILE",
    "..\\..\\results.json",
    "C:\\results.json",
    "a/../../tests/hidden/test_x.py",
    "../tests/conftest.py",
)


def build(submission: Path) -> Path:
    archive = submission.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(submission.rglob("*.*")):
            file.write(path, path.relative_to(submission))
        for name in NAMES:
            file.writestr(zipfile.ZipInfo(name), "HOSTILE")
    return archive
