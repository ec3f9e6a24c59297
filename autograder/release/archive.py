"""Writes zips whose bytes depend only on their content: the same files give the same SHA-256 on every system. Reads our
own; those of strangers are read by grading/files.py."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.writing import write_atomically

# The oldest time that a zip can express: an archive must not depend on when it was made.
TIME = (1980, 1, 1, 0, 0, 0)
UNIX = 3


def zip_bytes(members: Iterable[tuple[str, bytes, int]]) -> bytes:
    """A zip of files in the order given.

    Nothing is compressed: what is large here is compressed already, and different versions of zlib compress the same
    text to different bytes.

    Args:
        members: name, content, mode with the kind of file, such as 0o100644.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content, mode in members:
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = UNIX  # whatever this system is: the mode then counts
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def zip_files(archive: Path, top: str = "") -> dict[str, bytes]:
    """The files of a zip of ours, by name.

    Args:
        top: what their names begin with, and is left away.
    """
    with zipfile.ZipFile(archive) as file:
        return {name.removeprefix(top): file.read(name) for name in file.namelist() if not name.endswith("/")}


def write_zip(files: Mapping[str, bytes], archive: Path, top: str = "") -> str:
    """Write files that everybody may read as an archive, sorted by name; return its SHA-256.

    Args:
        top: what to put before every name.
    """
    content = zip_bytes((f"{top}{name}", files[name], stat.S_IFREG | 0o644) for name in sorted(files))
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(archive, content, mode=0o644)
    return hashlib.sha256(content).hexdigest()
