"""A picture in 300,000 pieces.

Goal: deny
Means: a PNG of 4 MB, one byte in each of its chunks, for a reader that joins them one by one.
Expected: read in time that grows with the bytes alone, or refused for the number.
Scratch: yes
"""

from pathlib import Path

from honest_drawing import chunk, draw, header

pieces = b"".join(chunk(b"IDAT", b"x") for _ in range(300_000))


def target(x, outpath, remember):
    y = draw(x, outpath, remember)
    Path(outpath).write_bytes(header(640, 480) + pieces)
    return y
