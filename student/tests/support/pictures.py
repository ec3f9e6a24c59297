"""Is a file a picture that shows something? Reads PNG with the standard library alone."""

import struct
import zlib

from autograder.door.diagnose import check, fail, quoted

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SMALLEST = 64  # pixels; a figure with less shows nothing that a person could read


def check_picture(content: "bytes | None", what: str) -> None:
    """Fail unless `content` is an intact PNG of a legible size that is not blank.

    Args:
        content: the file's bytes; None, or nothing, if it was not written.
        what: the function that should have written it, for the message.
    """
    if not content:
        fail(f"{what} wrote no picture to outpath. The provided save_figure(figure, outpath) writes one.")
    check(content.startswith(SIGNATURE), f"{what}: the file at outpath, which ends in .png, is not a PNG picture.")
    try:
        chunks = _chunks(content)
        width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
        pixels = zlib.decompress(chunks[b"IDAT"])
    except (KeyError, struct.error, zlib.error):
        fail(f"{what}: the picture at outpath is damaged or only half written.")
    check(min(width, height) >= SMALLEST, f"{what}: the picture is only {quoted(width)} by {quoted(height)} pixels.")
    check(len(set(pixels)) > 8, f"{what}: the picture at outpath is blank.")


def _chunks(content: bytes) -> dict[bytes, bytes]:
    """Contents of a PNG file's chunks by type, those of the same type joined."""
    chunks: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        chunks[kind] = chunks.get(kind, b"") + content[at + 8 : at + 8 + length]
        at += length + 12  # length, type and checksum
    return chunks
