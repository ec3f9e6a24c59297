"""What every training must do, checked on a probe model."""

from typing import Any

import numpy as np

from autograder.door.diagnose import check, fail
from autograder.door.submission import Submission


def check_values(values: Any, iterations: int, what: str) -> np.ndarray:
    """A list of one finite number per iteration; returns it as an array."""
    if not isinstance(values, list):
        fail(f"{what}: a list with one number per iteration was expected. Is a `return` missing?")
    if len(values) != iterations:
        epochs = " iterations counts minibatches (optimiser steps), not epochs." if len(values) > iterations else ""
        fail(f"{what}: {iterations} iterations gave {len(values)} values; there should be one for each.{epochs}")
    check(
        all(isinstance(value, (int, float)) for value in values),
        f"{what}: the values in the list are not plain numbers. Take loss.item(), which also lets go of the graph.",
    )
    check(np.isfinite(values).all(), f"{what}: some of the values are NaN or infinite.")
    return np.asarray(values, dtype=np.float64)


def check_improves(gains: np.ndarray, enough: float, what: str, quantity: str) -> None:
    """The values (larger is better) are better by `enough` at the end than at the start.

    Args:
        quantity: what the function returns a list of, for the message.
    """
    gain = gains[-len(gains) // 4 :].mean() - gains[:4].mean()
    if gain < -enough / 4:
        fail(f"{what}: {quantity} gets worse in training. Is its sign, or the sign of the loss, the wrong way round?")
    check(
        gain > enough,
        f"{what}: {quantity} hardly changes. Does every step call backward() and optimizer.step(), on an optimiser "
        "of the model's parameters?",
    )


def stand_in_for_the_loss(submission: Submission, whole: bool = True) -> None:
    """Put trusted versions of ELBO.py's functions in place, so that code which calls them is judged alone.

    Args:
        whole: elbo_loss too, not only its two terms.
    """
    for name in ("negative_log_likelihood", "kl_diag_normal", "elbo_loss")[: 3 if whole else 2]:
        submission.stand_in(f"ELBO.{name}")
