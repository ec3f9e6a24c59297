"""A header that overflows the parser's stack.

Goal: deny
Means: 30,000 nested lists, as JSON.
Expected: refused.
Row: wrong
"""

from pathlib import Path


def build(file: Path, example: Path) -> None:
    header = b"[" * 30_000 + b"]" * 30_000
    file.write_bytes(len(header).to_bytes(8, "little") + header)
