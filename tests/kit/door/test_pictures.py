"""Pictures that strangers wrote: what shows something passes, nothing costs more than its bytes allow."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

pytest.importorskip("PIL")
from PIL import Image

from autograder.door import pictures
from autograder.door.diagnose import CheckFailed
from autograder.door.pictures import SIGNATURE, check_picture


def chunk(kind, content):
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, data, depth=8, colour=0, interlaced=0, pieces=1):
    """A PNG with this compressed data in so many chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    size = -(-len(data) // pieces)
    parts = [chunk(b"IDAT", data[at : at + size]) for at in range(0, len(data), size)]
    return SIGNATURE + head + b"".join(parts) + chunk(b"IEND", b"")


def grey(width, height, seed=0):
    """The compressed rows of noise."""
    rows = np.random.default_rng(seed).integers(0, 256, (height, 1 + width), dtype=np.uint8)
    return zlib.compress(rows.tobytes())


def saved(mode, size=(90, 70), **options):
    """Noise as Pillow saves it."""
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise, "RGBA").convert(mode).save(file, "PNG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1"])
def test_a_picture_of_any_kind_passes(mode):
    check_picture(saved(mode), "draw")


def test_a_picture_in_many_chunks_passes():
    check_picture(png(100, 80, grey(100, 80), pieces=50), "draw")
    check_picture(png(2000, 2000, grey(2000, 2000), pieces=1), "draw")


def test_an_interlaced_picture_passes():
    """The sizes of its seven passes, by the specification: those of 90 by 70 pixels."""
    passes = [(12, 9), (11, 9), (23, 9), (22, 18), (45, 17), (45, 35), (90, 35)]
    rows = b"".join(np.random.default_rng(1).bytes((1 + width) * height) for width, height in passes)
    check_picture(png(90, 70, zlib.compress(rows), interlaced=1), "draw")
    with pytest.raises(CheckFailed, match="damaged"):
        check_picture(png(90, 70, zlib.compress(rows[:-1]), interlaced=1), "draw")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no picture"),
        (b"", "no picture"),
        (b"GIF89a" + bytes(100), "not a PNG"),
        (SIGNATURE, "damaged"),
        (SIGNATURE + chunk(b"IDAT", b""), "damaged"),
        (png(100, 80, grey(100, 80))[:-200], "damaged"),
        (png(100, 80, grey(100, 80)[:-9]), "damaged"),
        (png(100, 81, grey(100, 80)), "damaged"),
        (png(100, 79, grey(100, 80)), "damaged"),
        (png(100, 80, b"not zlib"), "damaged"),
        (png(100, 80, grey(100, 80), depth=3), "damaged"),
        (png(100, 80, grey(100, 80), colour=5), "damaged"),
        (png(63, 80, grey(63, 80)), "only 63 by 80"),
        (png(0, 80, b"x"), "only 0 by 80"),
        (png(100, 80, zlib.compress(bytes(101 * 80))), "blank"),
        (png(2**31 - 1, 2**31 - 1, b"x", depth=16, colour=6), "smaller dpi"),
        (SIGNATURE + chunk(b"tEXt", bytes(5 << 20)), "larger than 4 MiB"),
    ],
)
def test_what_is_wrong_is_said(content, said):
    with pytest.raises(CheckFailed, match=said):
        check_picture(content, "draw")


def _peak(content):
    """Bytes at most while a picture is looked at that does not pass."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckFailed):
            check_picture(content, "draw")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_more_is_inflated_than_the_header_says():
    packer = zlib.compressobj(9)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(300)), packer.flush()])
    assert _peak(png(64, 64, bomb)) < 2 << 20
    assert _peak(png(8000, 8000, bomb)) < 2 << 20  # just below the largest


def test_many_chunks_are_refused_early():
    assert (
        _peak(
            SIGNATURE
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 640, 480, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", b"x") * 300_000
        )
        < 1 << 20
    )


def test_a_picture_of_the_largest_size_is_looked_at_in_pieces(monkeypatch):
    largest = zlib.compress(bytes(1000 * 1001))
    monkeypatch.setattr(pictures, "LARGEST_PICTURE", 1000 * 1001)
    assert _peak(png(1000, 1000, largest)) < 1 << 20
