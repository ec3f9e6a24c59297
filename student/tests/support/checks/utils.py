"""What log_normal_mixture does on inputs that tell usual mistakes apart, looked at after a failure."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from autograder.door.cases import returned
from autograder.door.diagnose import Mistakes, Observation
from autograder.door.submission import Submission

MIXTURE = "utils.log_normal_mixture"


def observed(
    submission: Submission, cases: Iterable[tuple[tuple[Any, ...], np.ndarray, Mistakes]]
) -> Iterator[Observation]:
    """What comes of (arguments, right value, what mistakes give); no mistake explains an exception."""
    for arguments, expected, mistakes in cases:
        yield Observation(returned(submission.call, MIXTURE, *arguments), expected, mistakes)
