"""Is a file a picture that shows something? Reads PNG, whoever has written it, in bounded memory and time.

What the header says of the picture's size is believed before anything is inflated, and held to while it is: no more
than a piece of the pixels is ever in memory.
"""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from autograder.door.diagnose import check, fail, quoted

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SMALLEST = 64  # pixels; a figure with less shows nothing that a person could read
LARGEST_FILE = 4 * 2**20  # bytes
MOST_CHUNKS = 4096  # libraries write one for every 8 to 64 KiB
LARGEST_PICTURE = 64 * 2**20  # bytes of its pixels: 4096 by 4096 in colours with transparency
PIECE = 2**16  # bytes that are inflated at once
# Numbers for each pixel, by the header's type of colour.
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = (1, 2, 4, 8, 16)  # bits for each number
# First column and row, and steps, of the seven pictures that an interlaced one is made of (PNG, 8.2).
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class _Damaged(Exception):
    """The file is not a whole PNG."""


def check_picture(content: "bytes | None", what: str) -> None:
    """Fail unless `content` is an intact PNG of a legible size that is not blank.

    Args:
        content: the file's bytes; None, or nothing, if it was not written.
        what: the function that should have written it, for the message.
    """
    if not content:
        fail(f"{what} wrote no picture to outpath. The provided save_figure(figure, outpath) writes one.")
    check(content.startswith(SIGNATURE), f"{what}: the file at outpath, which ends in .png, is not a PNG picture.")
    megabytes = LARGEST_FILE >> 20
    check(len(content) <= LARGEST_FILE, f"{what}: the picture at outpath is larger than {megabytes} MiB.")
    try:
        width, height, size = _sizes(content)
        check(
            min(width, height) >= SMALLEST, f"{what}: the picture is only {quoted(width)} by {quoted(height)} pixels."
        )
        check(
            size <= LARGEST_PICTURE,
            f"{what}: the picture has {quoted(width)} by {quoted(height)} pixels. Choose a smaller dpi.",
        )
        values = _values(content, size)
    except (_Damaged, struct.error, zlib.error):
        fail(f"{what}: the picture at outpath is damaged or only half written.")
    check(values > 8, f"{what}: the picture at outpath is blank.")


def _sizes(content: bytes) -> tuple[int, int, int]:
    """Width and height in pixels, and bytes of all rows, as the header says."""
    kind, head = next(_chunks(content), (b"", b""))
    if kind != b"IHDR":
        raise _Damaged
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    if colour not in CHANNELS or depth not in DEPTHS:
        raise _Damaged
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    size = 0
    for column, row, right, down in passes:
        across, rows = max(0, -(-(width - column) // right)), max(0, -(-(height - row) // down))
        if across:  # each row begins with a byte that says how it was filtered
            size += rows * (1 + math.ceil(across * CHANNELS[colour] * depth / 8))
    return width, height, size


def _values(content: bytes, size: int) -> int:
    """How many different bytes there are among the `size` bytes of all rows."""
    seen = np.zeros(256, dtype=bool)
    for piece in _inflated(packed for kind, packed in _chunks(content) if kind == b"IDAT"):
        size -= len(piece)
        if size < 0:
            raise _Damaged
        seen[np.frombuffer(piece, dtype=np.uint8)] = True
    if size:
        raise _Damaged
    return int(seen.sum())


def _inflated(chunks: Iterable[memoryview]) -> Iterator[bytes]:
    """What one compressed stream in chunks holds, in pieces; it must come to its end."""
    inflater = zlib.decompressobj()
    for chunk in chunks:
        for at in range(0, len(chunk), PIECE):
            packed: bytes | memoryview = chunk[at : at + PIECE]
            while True:
                piece = inflater.decompress(packed, PIECE)
                yield piece
                packed = inflater.unconsumed_tail
                if not packed and len(piece) < PIECE:
                    break
    if not inflater.eof:
        raise _Damaged


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of a PNG file's chunks, in order; nothing is copied."""
    view, at = memoryview(content), len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if at == len(view):
            return
        length, kind = struct.unpack(">I4s", view[at : at + 8])
        if at + length + 12 > len(view):
            raise _Damaged
        yield kind, view[at + 8 : at + 8 + length]
        at += length + 12  # length, type and checksum
    raise _Damaged
