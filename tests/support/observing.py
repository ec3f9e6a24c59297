"""Values of a function that are compared with the right ones; what is wrong is told apart by further calls."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from autograder.door.cases import returned
from autograder.door.diagnose import CheckFailed, Observation, check_close

Law = Callable[..., Any]
SINGLE = (
    "something on the way is in float32 (.float(), a new tensor without dtype=), although the arguments are float64"
)
RANDOM = "two equal calls give different values: draw nothing at random, and keep no state"
# Of further calls in float64: what is left of digits where a constant was made in float32.
RTOL, ATOL = 1e-6, 1e-7


def observing(call: Law, inputs: Sequence[Sequence[Any]], right: Law, mistakes: Law) -> Callable[[], Iterator[Any]]:
    """Further observations for `check_close`: what a function returns for inputs that tell its mistakes apart.

    Args:
        call: calls the function with some arguments.
        inputs: the arguments of some calls.
        right, mistakes: functions of the arguments, giving the right value, and {explanation: value}.
    """

    def observe() -> Iterator[Observation]:
        for arguments in inputs:
            actual, expected = returned(call, *arguments), np.asarray(right(*arguments))
            rounded = getattr(actual, "dtype", None) == np.float32  # no more digits than these
            rtol, atol = (1e-4, 1e-5) if rounded else (RTOL, ATOL)
            yield Observation(actual, expected, partial(mistakes, *arguments), rtol, atol)

    return observe


def right_elsewhere(call: Law, inputs: Sequence[Sequence[Any]], right: Law) -> bool:
    """Whether a function that is wrong somewhere returns the right values for these arguments."""
    for arguments in inputs:
        actual, expected = returned(call, *arguments), np.asarray(right(*arguments))
        if not isinstance(actual, np.ndarray) or actual.shape != expected.shape:
            return False
        if not np.allclose(actual, expected, rtol=1e-4, atol=1e-5):
            return False
    return True


def check_value(
    call: Law,
    arguments: Sequence[Any],
    *,
    right: Law,
    mistakes: Law,
    inputs: Sequence[Sequence[Any]],
    what: str,
    expected: Any = None,
    fit: Callable[..., dict[str, float]] | None = None,
    here: Mapping[str, Any] | None = None,
    **tolerances: Any,
) -> None:
    """Fail unless a function returns the right value; the one mistake is named that explains this and further calls.

    Args:
        call, inputs, right, mistakes: as for `observing`.
        arguments: of the call that is judged.
        expected: what it should return, if not what `right` says.
        fit: gives keyword arguments of `mistakes`, such as an unknown weight, by what came and the arguments.
        here: mistakes that show in this call alone.
        tolerances: as for `check_close`.
    """
    actual = call(*arguments)

    @functools.cache
    def fitted() -> dict[str, float]:
        """Parameters of mistakes that are the same for all arguments, from these in float64: they need its digits."""
        precise = [value.astype(np.float64) if isinstance(value, np.ndarray) else value for value in arguments]
        came = returned(call, *precise)
        number = isinstance(came, np.ndarray) and came.shape == ()
        return fit(float(came), *precise) if fit is not None and number else {}

    def named(*others: Any) -> Any:
        return mistakes(*others, **fitted())

    try:
        check_close(
            actual,
            right(*arguments) if expected is None else expected,
            what=what,
            mistakes=lambda: {**named(*arguments), **(here or {})},
            more=observing(call, inputs, right, named),
            **tolerances,
        )
    except CheckFailed as error:
        if error.cause or not isinstance(actual, np.ndarray):
            raise
        if differs(actual, call, arguments):
            raise CheckFailed(error.message, RANDOM, error.wrong) from None
        raise CheckFailed(error.message, SINGLE if _is_single(actual) else "", error.wrong) from None


def differs(before: Any, call: Law, arguments: Sequence[Any]) -> bool:
    """Whether a call gives other values than an equal one before it, both of them arrays."""
    again = returned(call, *arguments)
    both = isinstance(before, np.ndarray) and isinstance(again, np.ndarray)
    return both and not np.array_equal(before, again, equal_nan=True)


def _is_single(value: np.ndarray) -> bool:
    """Whether numbers in float64 all have no more digits than float32 holds."""
    with np.errstate(all="ignore"):
        exact = value.dtype == np.float64 and (value.astype(np.float32) == value).all()
    return bool(exact and np.isfinite(value).all() and (value != np.round(value, 2)).any())


@contextmanager
def explained_by(value: Callable[[], None]) -> Iterator[None]:
    """Of gradients that fail inside, the cause is that of a wrong value, if `value`, a check, fails, too."""
    try:
        yield
    except CheckFailed as error:
        cause = error.cause
        try:
            value()
        except CheckFailed as wrong:
            cause = wrong.cause
        raise CheckFailed(error.message, cause, error.wrong) from None
