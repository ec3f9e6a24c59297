"""What a check says when it fails: the probable mistake, in the handout's words.

No message contains an input of a check or a value that it expects, so every message can be shown to students.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

Mistakes = Mapping[str, "np.ndarray | float | Callable[[], np.ndarray | float]"]
RTOL, ATOL = 1e-4, 1e-5  # unless a check says otherwise


class CheckFailed(AssertionError):
    """The code under test does not do what the handout asks; the text says what is probably wrong.

    Attributes:
        cause: the usual mistake that explains all that was seen, in the words of the check; "" if none does.
    """

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


def fail(message: str, cause: str = "") -> NoReturn:
    """Fail the check; see CheckFailed."""
    raise CheckFailed(message, cause)


def check(condition: object, message: str) -> None:
    """Fail the check with this message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def check_tensor(
    actual: Any,
    *,
    what: str,
    shape: Sequence[int],
    dtype: "np.dtype | type | str | None" = None,
    finite: bool = True,
) -> np.ndarray:
    """Fail unless `actual` is a tensor of this shape and dtype, without NaN and infinities; return it.

    Args:
        what: what the value is, for the message, e.g. "area(radius)".
        dtype: None for any floating type.
        finite: False if infinities are right; NaN never is.
    """
    if not isinstance(actual, np.ndarray):
        fail(f"{what}: a tensor was expected, not {_kind(actual)}.")
    if actual.shape != tuple(shape):
        fail(
            f"{what}: the shape is {_shape(actual.shape)}, it should be {_shape(shape)}."
            f"{_shape_hint(actual.shape, shape)}"
        )
    if dtype is None:
        check(actual.dtype.kind == "f", f"{what}: the dtype is {actual.dtype}, it should be a floating type.")
    elif actual.dtype != np.dtype(dtype):
        fail(f"{what}: the dtype is {actual.dtype}, it should be {np.dtype(dtype)}.")
    if actual.dtype.kind in "fc":
        nans = int(np.isnan(actual).sum())
        check(
            not nans,
            f"{what}: {_some(nans, actual.size)} NaN. Look for 0 * inf, inf - inf, 0 / 0 or log of a negative number.",
        )
        infinities = int(np.isinf(actual).sum())
        if finite and infinities:
            fail(
                f"{what}: {_some(infinities, actual.size)} infinite. An intermediate result overflows, "
                "or log(0) is taken."
            )
    return actual


def check_close(
    actual: Any,
    expected: Any,
    *,
    what: str,
    mistakes: Mistakes | Callable[[], Mistakes] | None = None,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> None:
    """Fail unless `actual` is a tensor of a floating type with the expected shape and values, in that order.

    Values in float32 need no more digits than float32 can hold, whatever the tolerances: another check judges dtypes.
    Infinities are right where `expected` has them.

    Args:
        what: what the value is, for the message.
        mistakes: what a usual mistake would have given: {message: value}. The first that `actual` equals gives the
            message. A value, or the whole, may be a function without arguments, called only after a failure.
    """
    expected = np.asarray(expected, dtype=np.float64)
    if getattr(actual, "dtype", None) == np.float32 and rtol < np.finfo(np.float32).eps:
        rtol, atol = RTOL, max(atol, ATOL)
    try:
        value = check_tensor(actual, what=what, shape=expected.shape, finite=bool(np.isfinite(expected).all()))
        wrong = ~_equal(value, expected, rtol, atol)
        if not wrong.any():
            return
        message = f"{what}: {_some(int(wrong.sum()), wrong.size)} wrong{_direction(value, expected, wrong)}."
    except CheckFailed as error:
        message = str(error)
        # Right values in a wrong shape or dtype: no other mistake explains more.
        same_size = isinstance(actual, np.ndarray) and actual.size == expected.size
        if same_size and _looks_like(actual.reshape(expected.shape), expected, rtol, atol):
            raise
    with np.errstate(all="ignore"):  # mistakes may overflow
        named = mistakes() if callable(mistakes) else mistakes
        for explanation, candidate in (named or {}).items():
            if _looks_like(actual, candidate() if callable(candidate) else candidate, rtol, atol):
                fail(f"{message} {sentence(explanation)}", explanation)
    fail(f"{message}{_floor_hint(actual, expected, rtol, atol)}{_precision_hint(actual, expected, rtol, atol)}")


def check_gradient(
    gradient: Any,
    expected: Any,
    *,
    of: str,
    by: str,
    mistakes: Mistakes | None = None,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> None:
    """Fail unless a gradient arrived and is right.

    Args:
        gradient: as in `Reply.gradients`: None if no gradient arrived.
        of, by: what was differentiated, and by what, for the message.
    """
    if gradient is None:
        fail(f"no gradient of {of} reaches {by}. {DETACHED}", DETACHED)
    expected = np.asarray(expected, dtype=np.float64)
    named = {f"the gradient is zero everywhere: {DETACHED}": np.zeros(expected.shape), **(mistakes or {})}
    check_close(gradient, expected, what=f"gradient of {of} by {by}", mistakes=named, rtol=rtol, atol=atol)


def check_gradients(
    run: Callable[..., Any],
    arguments: Sequence[np.ndarray],
    names: Sequence[str],
    value: Any,
    gradients: Sequence[Any],
    *,
    what: str,
    cotangent: "np.ndarray | None" = None,
    rtol: float = RTOL,
    atol: float = ATOL,
) -> None:
    """Fail unless a function of arrays has the right value and the right gradient by each of its arguments.

    Args:
        run: as `Submission.run` without its target: takes arguments, wrt and cotangent, gives a Reply.
        names: of the arguments.
        value: the right value; gradients: the right gradients of sum(value * cotangent).
    """
    # The value first: with another shape there is nothing to differentiate.
    check_close(run(arguments).value, value, what=what, rtol=rtol, atol=atol)
    reply = run(arguments, wrt=range(len(arguments)), cotangent=cotangent)
    for place, (name, gradient) in enumerate(zip(names, gradients, strict=True)):
        check_gradient(reply.gradients[place], gradient, of=what, by=name, rtol=rtol, atol=atol)


DETACHED = (
    "A value on the way is cut off from the graph: .detach(), .item(), .data, torch.no_grad(), torch.tensor(...) "
    "or a sample drawn by torch.normal or .sample()"
)


def sentence(text: str) -> str:
    """With a capital, unless it begins with a formula, and a full stop."""
    first = text.split()[0]
    return (text[:1].upper() if first.isalpha() and len(first) > 1 else text[:1]) + text[1:].rstrip(".") + "."


def _kind(value: Any) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    name = getattr(value, "type", type(value).__name__)
    return f"a {name}" + (" (did .item() or float() slip in?)" if isinstance(value, float) else "")


def _shape(shape: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _shape_hint(actual: Sequence[int], wanted: Sequence[int]) -> str:
    actual, wanted = tuple(actual), tuple(wanted)
    if not actual:
        return " Something sums or averages over everything; keep one value for each of them."
    if not wanted:
        return " It should be one number: reduce the remaining dimensions as the docstring says."
    if np.prod(actual) == np.prod(wanted) and len(actual) > len(wanted):
        return " A dimension of size 1 is left over."
    if len(actual) == len(wanted) + 1:
        return " A dimension has not been summed away, or two shapes were broadcast that should not have been."
    return ""


def _floor_hint(actual: Any, expected: np.ndarray, rtol: float, atol: float) -> str:
    """What to say when different values that are wrong have all become the same one, and others are right."""
    if not isinstance(actual, np.ndarray) or actual.shape != expected.shape or not np.isfinite(actual).all():
        return ""
    wrong = ~_equal(actual, expected, rtol, atol)
    if 2 <= wrong.sum() < wrong.size and np.ptp(expected[wrong]) > 0:
        spread = np.ptp(actual[wrong].astype(np.float64))
        if spread <= rtol * np.abs(actual[wrong]).max() + np.max(atol):
            return " They are all equal: is something clipped (clamp), or is a small constant added before a logarithm?"
    return ""


def _precision_hint(actual: Any, expected: np.ndarray, rtol: float, atol: float) -> str:
    """What to say about float64 values that are right to float32's digits only."""
    single = 1e-5
    if (
        max(rtol, np.max(atol)) < 1e-6
        and getattr(actual, "dtype", None) == np.float64
        and _looks_like(actual, expected, single, single)
    ):
        return (
            " They are nearly right: is something on the way in float32 (.float(), a new tensor without dtype=), "
            "although the arguments are float64, or is a small constant added?"
        )
    return ""


def _some(count: int, size: int) -> str:
    if size == 1:
        return "the value is"
    return f"{'all' if count == size else count} of {size} values {'is' if count == 1 else 'are'}"


def _direction(actual: np.ndarray, expected: np.ndarray, wrong: np.ndarray) -> str:
    """ ", too large" or ", too small" where all the wrong values err to the same side."""
    with np.errstate(invalid="ignore"):
        if (actual[wrong] > expected[wrong]).all():
            return " (too large)" if wrong.sum() == 1 else " (each too large)"
        if (actual[wrong] < expected[wrong]).all():
            return " (too small)" if wrong.sum() == 1 else " (each too small)"
    return ""


def _equal(actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    return np.isclose(actual.astype(np.float64), expected, rtol=rtol, atol=atol)


def _looks_like(actual: Any, candidate: Any, rtol: float, atol: float) -> bool:
    candidate = np.asarray(candidate, dtype=np.float64)
    if not isinstance(actual, np.ndarray) or actual.dtype.kind not in "fiu" or actual.shape != candidate.shape:
        return False
    return bool(np.isclose(actual.astype(np.float64), candidate, rtol=rtol, atol=atol, equal_nan=True).all())
