"""Zips for tests, of whatever names and contents."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            about = zipfile.ZipInfo(name)
            about.compress_type = method
            with archive.open(about, "w") as file:  # writestr takes no empty name before Python 3.12
                file.write(content.encode() if isinstance(content, str) else content)
    return buffer.getvalue()


def write_zip(path: Path, files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The path, where such a zip lies now."""
    path.write_bytes(zipped(files, method))
    return path
