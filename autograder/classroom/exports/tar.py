"""Archives of Unix, .tar and .tar.gz, as zips: what reads submissions then needs to know only one kind of archive."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import zlib
from dataclasses import replace
from pathlib import PurePosixPath

from autograder.grading.files import MIB, SUBMISSION, Entry, UnreadableError, shown
from autograder.release.archive import zip_bytes

SUFFIX = re.compile(r"\.(tar|tar\.gz|tgz)$", re.IGNORECASE)
LARGEST = SUBMISSION.nested_bytes  # inflated
LARGEST_HEADER = 32 << 10
GZIP = zlib.MAX_WBITS | 16


class _Content(io.BytesIO):
    """The content of a tar. tarfile reads headers as long as they say they are; none is longer than this."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError("a header is too long")
        return super().read(size)


def as_zip(entry: Entry) -> Entry:
    """A .tar or .tar.gz as a zip of the same files, made when it is read; anything else as it is."""
    if not entry.regular or not SUFFIX.search(entry.path.name):
        return entry
    path = entry.path.with_name(SUFFIX.sub(".zip", entry.path.name))
    # How large the zip is shows when it is made: as large as it may be counts.
    return replace(entry, path=path, size=LARGEST, pieces=lambda size: [_zipped(entry, size)], place=None)


def _zipped(entry: Entry, size: int) -> bytes:
    """At most `size` bytes of the zip.

    Raises:
        UnreadableError: the archive is damaged or too large.
    """
    name = shown(entry.path.name)
    content = entry.read(LARGEST + 1)
    try:
        if content.startswith(b"\x1f\x8b"):
            inflate = zlib.decompressobj(GZIP)
            content = inflate.decompress(content, LARGEST + 1)
            if not inflate.eof and len(content) <= LARGEST:
                raise tarfile.ReadError("it is not complete")
        files = _files(content)
    except (tarfile.TarError, zlib.error, ValueError, OverflowError, RecursionError, OSError) as error:
        raise UnreadableError(f"{name} cannot be unpacked ({error}). Please hand in a zip.") from None
    if files is None:
        raise UnreadableError(f"{name} is larger than {LARGEST // MIB} MiB unpacked. Hand in no data.")
    return zip_bytes((name, *file) for name, file in files.items())[:size]


def _files(content: bytes) -> dict[str, tuple[bytes, int]] | None:
    """Name -> content and mode of what is in a tar; None if it is too large. What is no file has no content."""
    files: dict[str, tuple[bytes, int]] = {}
    size = 0
    if len(content) > LARGEST:
        return None
    # A name may occur twice: the last one counts, as for every program that unpacks it.
    with tarfile.open(fileobj=_Content(content), mode="r:", errors="replace") as archive:
        for number, member in enumerate(archive):
            if number == SUBMISSION.entries:
                raise tarfile.ReadError(f"it holds more than {number} files")
            name = str(PurePosixPath(member.name.replace("\0", "")))
            if member.isdir() or not name.strip("/."):
                continue
            plain = member.isreg() and not member.issparse()
            inside = content[member.offset_data : member.offset_data + member.size] if plain else b""
            size += len(inside)  # a broken header can make the same bytes the content of many
            if size > LARGEST:
                return None
            files[name] = inside, (stat.S_IFREG if plain else stat.S_IFLNK) | 0o644
    return files
