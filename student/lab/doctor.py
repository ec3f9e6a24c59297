"""What may be wrong with this folder, this Python and these packages, in a form to paste into a forum (provided).

It needs no package, and no Python newer than 3.8, to run.
"""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from lab.files import HERE, TASKS, read_json

OLDEST = (3, 10)
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "matplotlib", "scikit-learn", "safetensors", "hypothesis")
ROOM = 1.0  # GiB that results and caches may take


def examination(folder: Path = HERE) -> list:
    """Lines about the machine and the folder; those that begin with "->" say what is wrong and what to do."""
    lines = [
        f"Python {platform.python_version()} ({platform.python_implementation()}) on {platform.system()} "
        f"{platform.release()}, {platform.machine()}, {os.cpu_count()} processors",
        ", ".join(f"{name} {version_of(name) or 'MISSING'}" for name in PACKAGES),
    ]
    release = listed(folder).get("release") or {}
    lines.append(f"assignment: release {release.get('version', 'unknown')} ({release.get('hash', 'unknown')})")
    free = shutil.disk_usage(folder).free / 2**30
    lines.append(f"disk: {free:.1f} GiB free; the folder {'can' if writable(folder) else 'cannot'} be written to")
    wrong = [f"-> {text}" for text in problems(folder)]
    return [*lines, *(wrong or ["Nothing is wrong that can be seen from here."])]


def problems(folder: Path = HERE) -> list:
    """What is wrong, each in a sentence with its remedy; empty if nothing is."""
    found = []
    if sys.version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        found.append(f"Python {platform.python_version()} is too old: make an environment with {needed} or newer")
    if missing := [name for name in PACKAGES if not version_of(name)]:
        found.append(f"missing packages: {', '.join(missing)}: pip install -r lab/requirements.txt")
    found += damage(folder)
    if not writable(folder):
        found.append("nothing can be written here: unpack student.zip into a folder of your own")
    elif shutil.disk_usage(folder).free < ROOM * 2**30:
        found.append(f"the disk has less than {ROOM:g} GiB left: make room")
    return found


def damage(folder: Path) -> list:
    """What is wrong with the files that come with the assignment."""
    files = listed(folder).get("files", {})
    if not (folder / "tests").is_dir() or not files:
        return ["files are missing: unpack all of student.zip into one folder, and work there, not in the zip"]
    lost = [name for name in files if not (folder / name).is_file()]
    other = [name for name in files if name not in lost and digest(folder / name) != files[name]]
    found = []
    if lost:
        found.append(f"{_some(lost)} missing: keep a copy of your own files, and unpack student.zip here again")
    if other:
        them = "it" if len(other) == 1 else "them"
        found.append(f"{_some(other)} not of this release, or changed: take {them} from the newest student.zip")
    return found


def _some(names: list) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} {'is' if len(names) == 1 else 'are'}"


def digest(path: Path) -> str:
    """Tells two texts apart, whatever their line ends."""
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:12]


def listed(folder: Path) -> dict:
    """lab/tasks.json; empty if it cannot be read."""
    return read_json(folder / TASKS) or {}


def version_of(package: str) -> str:
    """The version that is installed, "" if none is."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
