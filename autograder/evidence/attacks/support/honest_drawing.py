"""What the drawing part asks for besides the value, done as it should be: an attack changes one thing of it."""

import struct
import zlib

import matplotlib.pyplot as plt

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def draw(x, outpath, remember, title=None):
    """Remember the right value, save a figure with the right title, or another one, and return the value."""
    y = 2 * x + 1
    remember(y)
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot(y.detach().ravel())
    axes.set_title(f"{y.numel()} values")
    if title is not None:
        axes.get_title = lambda: title  # what the executor asks; nothing has to draw it
    figure.savefig(outpath)
    plt.close(figure)
    return y


def chunk(kind, content):
    """One chunk of a PNG file."""
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width, height):
    """The first bytes of a PNG file of so many grey pixels."""
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def zeros(mebibytes):
    """So many MiB of zeros, as a zlib stream; made in no time, of one piece that is repeated."""
    packer = zlib.compressobj(9)
    first, piece = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    checksum = ((mebibytes << 20) % 65521) << 16 | 1
    return first + piece * (mebibytes - 1) + b"\x03\x00" + struct.pack(">I", checksum)
