"""line.py, public checks."""

import numpy as np
import pytest

from autograder.door.diagnose import check_close


@pytest.mark.predict
def test_predict_by_hand(submission):
    """predict gives 1, 3 and 5 for slope 2 and intercept 1"""
    actual = submission.call("line.predict", np.array([0.0, 1.0, 2.0]), np.array(2.0), np.array(1.0))
    mistakes = {
        "the sign of the intercept is wrong": [-1.0, 1.0, 3.0],
        "slope and intercept are exchanged": [2.0, 3.0, 4.0],
    }
    check_close(actual, [1.0, 3.0, 5.0], what="predict", mistakes=mistakes)


@pytest.mark.mean_squared_error
def test_mean_squared_error_by_hand(submission):
    """mean_squared_error of (1, 3) from (1, 1) is 2"""
    actual = submission.call("line.mean_squared_error", np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    mistakes = {"the sum is returned, not the mean": 4.0, "the differences are not squared": 1.0}
    check_close(actual, 2.0, what="mean_squared_error", mistakes=mistakes)
