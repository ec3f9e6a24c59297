"""A check of the part that its file is named after: public/test_part1.py and hidden/test_part1.py are copies of it."""

import re
from pathlib import Path

import numpy as np

from autograder.door.diagnose import check, check_close, check_gradient
from autograder.door.pictures import check_picture

VALUE = 1.5  # another one in hidden copies
PART = Path(__file__).stem.removeprefix("test_")
DRAWS = PART == "part3"


def test_target(submission):
    """Twice the input, plus one"""
    for shape in ((3,), (2, 5)):
        x = np.full(shape, VALUE, dtype=np.float32)
        name = f"p{len(shape)}.png"
        remember = submission.recorder() if DRAWS else None
        more = [submission.path(name), remember] if DRAWS else []
        reply = submission.run(f"{PART}.target", [x, *more], wrt=[0], figures=DRAWS)
        check_close(reply.value, 2 * x + 1, what="target(x)", mistakes={"the one is missing": 2 * x})
        check_gradient(reply.gradients[0], np.full(shape, 2.0), of="target(x)", by="x")
        if DRAWS:
            check_remembered(remember, 2 * x + 1)
            check_drawn(reply.figures, x.size)
            check_picture(submission.file_bytes(name), "target")


def check_remembered(remember, right):
    """All that the callback was given, put together: without regard to how much that is, as a check may be written."""
    given = [np.asarray(argument, dtype=np.float64) for call in remember.records() for argument in call]
    whole = np.concatenate([np.empty(0), *(argument.ravel() for argument in given)])
    check_close(whole, right.ravel(), what="what remember was given")


def check_drawn(figures, count):
    """A title says how many values there are, found by a pattern, as a check may be written."""
    titles = [axes["title"] for figure in figures for axes in figure.axes]
    found = [re.search(r"(\d+)\s*(?:numbers|values)\s*$", title) for title in titles]
    check(any(match and int(match[1]) == count for match in found), "target: the title does not say how many.")
