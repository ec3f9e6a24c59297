"""line.py, hidden checks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.line import mean_squared_error, mistakes_of_mean_squared_error, mistakes_of_predict, predict

from autograder.door.diagnose import check_close


@pytest.mark.predict
@given(n=st.integers(1, 9))
def test_predict(submission, rng, n):
    """predict is right for any slope, intercept and number of points"""
    x, (slope, intercept) = rng.standard_normal(n), rng.standard_normal(2)
    actual = submission.call("line.predict", x, np.array(slope), np.array(intercept))
    expected = predict(x, slope, intercept)
    check_close(actual, expected, what="predict", mistakes=mistakes_of_predict(x, slope, intercept))


@pytest.mark.mean_squared_error
@given(n=st.integers(2, 9))
def test_mean_squared_error(submission, rng, n):
    """mean_squared_error is right for any number of points"""
    predicted, wanted = rng.standard_normal((2, n))
    actual = submission.call("line.mean_squared_error", predicted, wanted)
    mistakes = mistakes_of_mean_squared_error(predicted, wanted)
    check_close(actual, mean_squared_error(predicted, wanted), what="mean_squared_error", mistakes=mistakes)
