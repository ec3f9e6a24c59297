"""What the usual mistakes would have returned, for the `mistakes` of `diagnose.check_close`: {explanation: value}.

Each module is named after the student's file that the mistakes are made in.
"""

from typing import Any

import numpy as np

Mistakes = dict[str, Any]


def of_reduction(value: np.ndarray) -> Mistakes:
    """Results that are one number where there should be one for each row."""
    return {
        "the results are summed into one number": value.sum(),
        "the results are averaged into one number": value.mean() if value.size else 0.0,
    }


def quietly(function: Any, *arguments: Any) -> Any:
    """The function's value, without NumPy's warnings: mistakes may overflow."""
    with np.errstate(all="ignore"):
        return function(*arguments)
