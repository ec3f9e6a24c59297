"""What log_normal_mixture does on inputs that tell usual mistakes apart, looked at after a failure."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import scipy  # scipy.stats is loaded where a cause is looked for
from scipy.special import logsumexp

from autograder.door.cases import returned
from autograder.door.diagnose import Mistakes, Observation
from autograder.door.submission import Submission

MIXTURE = "utils.log_normal_mixture"
CHANGED = "has been changed: restore it from the original file"


def observed(
    submission: Submission, cases: Iterable[tuple[tuple[Any, ...], np.ndarray, Mistakes]]
) -> Iterator[Observation]:
    """What comes of (arguments, right value, what mistakes give); no mistake explains an exception."""
    for arguments, expected, mistakes in cases:
        yield Observation(returned(submission.call, MIXTURE, *arguments), expected, mistakes)


def changed_part(submission: Submission) -> str:
    """Which provided function that log_normal_mixture is made of no longer does what it did; "" if none."""
    rng = np.random.default_rng(0)
    x, m = rng.normal(size=(2, 3, 4, 5))
    v = rng.uniform(0.01, 2, (3, 4, 5))
    far = 100 * np.array([1, -30, 5])[:, np.newaxis, np.newaxis] + x
    for dim in (0, 1, 2):
        parts = {
            "log_normal": ((x, m, v), scipy.stats.norm.logpdf(x, m, np.sqrt(v)).sum(axis=dim)),
            # Before log_mean_exp, which calls it.
            "log_sum_exp": ((far,), logsumexp(far, axis=dim)),
            "log_mean_exp": ((far,), logsumexp(far, axis=dim) - np.log(far.shape[dim])),
        }
        for name, (arguments, right) in parts.items():
            with submission.aside():
                value = returned(submission.call, f"utils.{name}", *arguments, dim)
            if np.shape(value) != right.shape or not np.allclose(value, right, rtol=1e-6, atol=1e-6):
                return f"the provided {name} in utils.py {CHANGED}"
    with submission.aside():
        reply = submission.run("utils.log_normal", (x, m, v), wrt=(0, 1, 2))
    arrive = all(gradient is not None and gradient.any() for gradient in reply.gradients.values())
    return "" if arrive else f"the provided log_normal in utils.py {CHANGED}"
