"""Hidden checks of learning_curve.py: the curve of a training."""

import numpy as np
import pytest

from support.checks.plotting import check_curve, check_new_figure, check_no_picture

pytestmark = pytest.mark.plot_learning_curve


def test_learning_curve(submission, rng):
    """plot_learning_curve: shows every value at its iteration, counted from 1"""
    earlier: list[np.ndarray] = []
    for count in (7, 1, 400, 3000):
        values = np.sort(rng.normal(-950, 150, count)) + rng.normal(0, 3, count)
        figure = submission.call("learning_curve.plot_learning_curve", values.tolist(), None)
        check_curve(figure, values)
        check_new_figure(figure, earlier)
        earlier.append(values)
    check_no_picture(submission, "plot_learning_curve")
