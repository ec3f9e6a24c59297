"""Writes files whole: a reader finds either the old file or the new one, whatever crashes."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder of ours that nobody reads yet, each with the folders that it is in.

    Args:
        files: relative path to content; text is written in UTF-8 as it is.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def write_atomically(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Write a file so that, even after a crash, there is either the old one or the new one.

    Args:
        content: bytes, or text to be written in UTF-8 as it is.
        mode: permissions; by default nobody else may read it, least of all the graded code's user.
    """
    # mkstemp makes a new file of mode 0600 and follows no link that somebody may have left there.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    if os.name != "nt":  # Windows cannot open folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
