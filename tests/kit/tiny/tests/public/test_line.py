"""line.py, public checks."""

import numpy as np
import pytest
from support.line import mistakes_of_mean_squared_error, mistakes_of_predict

from autograder.door.diagnose import check_close


@pytest.mark.predict
def test_predict_by_hand(submission):
    """predict gives 1, 3 and 5 for slope 2 and intercept 1"""
    x = np.array([0.0, 1.0, 2.0])
    actual = submission.call("line.predict", x, np.array(2.0), np.array(1.0))
    check_close(actual, [1.0, 3.0, 5.0], what="predict", mistakes=mistakes_of_predict(x, 2.0, 1.0))


@pytest.mark.mean_squared_error
def test_mean_squared_error_by_hand(submission):
    """mean_squared_error of (1, 3) from (1, 1) is 2"""
    predicted, wanted = np.array([1.0, 3.0]), np.array([1.0, 1.0])
    actual = submission.call("line.mean_squared_error", predicted, wanted)
    mistakes = mistakes_of_mean_squared_error(predicted, wanted)
    check_close(actual, 2.0, what="mean_squared_error", mistakes=mistakes)
