"""Stored cases: read with their dtypes, and compared with what came."""

import json

import numpy as np
import pytest

from autograder.door.cases import read_cases
from autograder.door.diagnose import CheckFailed

STORED = {
    "by_hand": [
        {
            "arguments": {"x": {"float32": [[1.0, 2.0], [3.0, 4.0]]}, "n": 2},
            "expected": [3.0, 7.0],
            "mistakes": {"the sum runs over the rows": [4.0, 6.0], "the logarithm of zero is taken": [-np.inf, np.nan]},
        }
    ]
}


@pytest.fixture
def case(tmp_path):
    file = tmp_path / "total.json"
    file.write_text(json.dumps(STORED))
    (case,) = read_cases(file, "by_hand")
    return case


def test_arguments_come_with_their_dtype(case):
    x, n = case.values
    assert (x.dtype, x.shape, n) == (np.float32, (2, 2), 2)


def test_a_right_result(case):
    case.check(np.array([3.0, 7.0], dtype=np.float32), "total")


@pytest.mark.parametrize(
    ("returned", "cause"),
    [([4, 6], "the sum runs over the rows"), ([-np.inf, np.nan], "the logarithm of zero is taken")],
)
def test_a_wrong_result_is_shown_with_its_cause(case, returned, cause):
    with pytest.raises(CheckFailed) as caught:
        case.check(np.array(returned, dtype=float), "total")
    assert caught.value.cause == cause
    wrong, expected = caught.value.wrong
    assert np.array_equal(wrong, np.array(returned, dtype=float), equal_nan=True)
    assert np.array_equal(expected, [3, 7])
