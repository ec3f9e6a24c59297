"""A header that claims to be larger than the machine.

Goal: deny
Means: a length of 2**63 in the first eight bytes.
Expected: refused before memory is taken.
Row: wrong
"""

from pathlib import Path


def build(file: Path, example: Path) -> None:
    file.write_bytes((2**63).to_bytes(8, "little") + b"{}")
