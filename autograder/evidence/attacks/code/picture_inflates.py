"""A small picture that inflates to more memory than there is.

Goal: deny
Means: a PNG of 0.6 MB whose pixels are 600 MiB of zeros; its header speaks of 64 by 64 pixels.
Expected: what the header promises is inflated and no more; the picture is damaged.
Scratch: yes
"""

from pathlib import Path

from honest_drawing import chunk, draw, header, zeros


def target(x, outpath, remember):
    y = draw(x, outpath, remember)
    Path(outpath).write_bytes(header(64, 64) + chunk(b"IDAT", zeros(600)) + chunk(b"IEND", b""))
    return y
