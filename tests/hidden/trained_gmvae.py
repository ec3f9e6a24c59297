"""The trained model, graded from its weights: the only numbers that count are computed here, in NumPy.

Nothing of the submission runs for this, and nothing that it says about itself is read. The noise and the binarisation
come from the assignment's secret, so weights cannot be tuned to them.
"""

from __future__ import annotations

import hashlib
import math
import stat
from pathlib import Path

from autograder.door.judgement import Judgement
from support.oracles import gmvae_negative_elbo
from support.trained_model import WeightsError, binary_test_images, read_gmvae

IMAGES = 2000  # evenly spaced among the 10,000 test images; takes about two seconds
FULL_MARKS_UP_TO = 99.0  # nats per image
NONE_FROM = 104.0
LARGEST = 1e5  # an image costs 543 nats without any model; far above that something has overflowed
LEADERBOARD = "Negative ELBO"


def fraction(negative_elbo: float) -> float:
    """Share of the points: 1 up to FULL_MARKS_UP_TO, 0 from NONE_FROM, linear between; 0 for NaN."""
    if math.isnan(negative_elbo):
        return 0.0
    return min(1.0, max(0.0, (NONE_FROM - negative_elbo) / (NONE_FROM - FULL_MARKS_UP_TO)))


def judge(path: Path | None, secret: str, root: Path) -> Judgement:
    """See autograder/door/judgement.py."""
    if path is None:
        message = "Missing file: hand in gmvae.safetensors, which run_gmvae.py writes when it has trained."
        return Judgement(0.0, "missing", message)
    try:
        # Neither a link nor a device, which could lead elsewhere or never end.
        if not stat.S_ISREG(path.lstat().st_mode):
            raise WeightsError(f"{path.name} is not a regular file")
        weights = read_gmvae(path)
    except WeightsError as error:
        return Judgement(0.0, "wrong", f"The weights cannot be used: {error}.")
    noise, pixels = (_seed(secret, purpose) for purpose in ("noise", "pixels"))
    nelbo, kl, rec = gmvae_negative_elbo(weights, binary_test_images(root / "data", IMAGES, pixels), noise)
    if not 0 <= nelbo < LARGEST:  # NaN included
        message = "The weights cannot be used: they give no sensible negative ELBO. The training diverged."
        return Judgement(0.0, "wrong", message)
    nelbo = round(nelbo, 2)  # no finer: weights can be made so that further digits tell of the hidden images
    share = fraction(nelbo)
    message = f"Negative ELBO on {IMAGES} test images: {nelbo:.2f} nats (KL {kl:.2f}, reconstruction {rec:.2f})."
    if share < 1:
        message += (
            f" Full points need at most {FULL_MARKS_UP_TO:g}; there are none from {NONE_FROM:g}. After all "
            "20,000 iterations, on images binarised afresh at every step, about 97 is usual."
        )
    return Judgement(share, "passed" if share == 1 else "wrong", message, {LEADERBOARD: nelbo})


def _seed(secret: str, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{secret}|trained-model|{purpose}".encode()).digest()[:8], "big")
