"""Task 1, public checks: KL divergences."""

import numpy as np
import pytest

from diagnose import check_close

pytestmark = pytest.mark.task1


def test_kl_normal_by_hand(submission):
    """KL(N(1, 4) || N(0, 1)) is (4 + 1 - 1 - log 4) / 2"""
    arguments = (np.array([x], dtype=np.float32) for x in (1.0, 4.0, 0.0, 1.0))
    value = submission.call("kl.kl_univariate_normal", *arguments)
    check_close(value, [(4 + 1 - 1 - np.log(4)) / 2], what="kl_univariate_normal")
