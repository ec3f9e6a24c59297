"""Which release of an assignment something belongs to: the release's number, and a hash over what students get.

The students' folder has both in lab/tasks.json; submit.py copies them into what is handed in, as release.json; the
grader holds those of the folder that it grades for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.repository import ROOT, read_toml

TASKS = "lab/tasks.json"  # in the folder that students get
HANDED_IN = "release.json"
LARGEST = 200  # bytes of release.json that anybody reads
VERSION, HASH = re.compile(r"[\w.+-]{1,20}", re.ASCII), re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Stamp:
    """A release.

    Attributes:
        version: of pyproject.toml.
        hash: the first eight digits of a SHA-256 over the files that students get.
    """

    version: str
    hash: str

    def __str__(self) -> str:
        return f"{self.version} ({self.hash})"

    def document(self) -> dict[str, str]:
        return asdict(self)


def stamp_of(files: Mapping[str, bytes], root: Path = ROOT) -> Stamp:
    """The stamp of a release.

    Args:
        files: what students get, as far as it has no stamp in it.
    """
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return Stamp(version(root), whole.hexdigest()[:8])


def version(root: Path = ROOT) -> str:
    """The release's number: that of pyproject.toml, "0" where there is none."""
    try:
        return str(read_toml(root / "pyproject.toml")["project"]["version"])
    except (ValueError, KeyError):
        return "0"


def stamp_in(folder: Path) -> Stamp | None:
    """The stamp of a students' folder; None if it has none."""
    try:
        return _checked(json.loads((folder / TASKS).read_text(encoding="utf-8"))["release"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def parse(content: bytes) -> Stamp | None:
    """The stamp that a stranger's release.json claims; None if it is not one."""
    if len(content) > LARGEST:
        return None
    try:
        return _checked(json.loads(content))
    except (ValueError, RecursionError):
        return None


def _checked(document: Any) -> Stamp | None:
    if not isinstance(document, dict):
        return None
    number, digits = document.get("version"), document.get("hash")
    if not (isinstance(number, str) and VERSION.fullmatch(number)):
        return None
    return Stamp(number, digits) if isinstance(digits, str) and HASH.fullmatch(digits) else None
