"""Weights larger than the grader's memory.

Goal: deny
Means: a sparse file of 8 GiB.
Expected: refused by its size.
"""

from pathlib import Path


def build(submission: Path) -> None:
    with open(submission / "gmvae.safetensors", "wb") as file:
        file.truncate(8 << 30)
