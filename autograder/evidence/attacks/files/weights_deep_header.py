"""A header that overflows the parser's stack.

Goal: deny
Means: 30,000 nested lists, as JSON.
Expected: refused.
Row: The weights cannot be used
"""

from pathlib import Path


def build(submission: Path) -> None:
    header = b"[" * 30_000 + b"]" * 30_000
    (submission / "gmvae.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
