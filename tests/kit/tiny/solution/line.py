"""A straight line through noisy points."""

from torch import Tensor


def predict(x: Tensor, slope: Tensor, intercept: Tensor) -> Tensor:
    """Task {{task:predict}}: the height of the line at each x, (n,) to (n,)."""
    # BEGIN SOLUTION
    return slope * x + intercept
    # END SOLUTION


def mean_squared_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Task {{task:mean_squared_error}}: the mean of the squared differences, a 0-d tensor."""
    # BEGIN SOLUTION
    difference = predicted - wanted
    return (difference * difference).mean()
    # END SOLUTION
