"""A link to the reference's weights, in place of one's own.

Goal: forge
Means: a symbolic link to the file in the autograder, absolute.
Expected: links are not followed.
"""

from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[4] / "tests" / "corpus" / "reference" / "gmvae.safetensors"


def build(submission: Path) -> None:
    (submission / "gmvae.safetensors").symlink_to(REFERENCE)
