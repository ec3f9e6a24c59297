"""A check of the part that its file is named after: public/test_part1.py and hidden/test_part1.py are copies of it."""

from pathlib import Path

import numpy as np
import pytest

from autograder.door.diagnose import check_close, check_gradient

VALUE = 1.5  # another one in hidden copies
PART = Path(__file__).stem.removeprefix("test_")
DRAWS = PART == "part3"
pytestmark = [pytest.mark.draws] if DRAWS else []


def test_target(submission):
    """Twice the input, plus one"""
    for shape in ((3,), (2, 5)):
        x = np.full(shape, VALUE, dtype=np.float32)
        outpath = [submission.path(f"p{len(shape)}.png")] if DRAWS else []
        reply = submission.run(f"{PART}.target", [x, *outpath], wrt=[0])
        check_close(reply.value, 2 * x + 1, what="target(x)", mistakes={"the one is missing": 2 * x})
        check_gradient(reply.gradients[0], np.full(shape, 2.0), of="target(x)", by="x")
