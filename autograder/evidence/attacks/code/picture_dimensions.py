"""A picture that is as large as its header can say.

Goal: deny
Means: 2,147,483,647 by 2,147,483,647 pixels with four channels of 16 bits, and 1 MB that inflates to 1 GB of them.
Expected: refused by the header.
Scratch: yes
"""

import struct
from pathlib import Path

from honest_drawing import SIGNATURE, chunk, draw, zeros

SIDE = (1 << 31) - 1
largest = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 16, 6, 0, 0, 0))


def target(x, outpath, remember):
    y = draw(x, outpath, remember)
    Path(outpath).write_bytes(SIGNATURE + largest + chunk(b"IDAT", zeros(1000)))
    return y
