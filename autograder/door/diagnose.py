"""What a check says when it fails: what was seen, and the mistake that explains it, in the handout's words.

What was seen is certain; a cause is named only if it explains all of that. No message contains an input of a check or
a value that it expects. What comes from the code under test is marked by `quoted`: hidden checks do not show it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

Mistakes = Mapping[str, "np.ndarray | float | Callable[[], np.ndarray | float]"]
RTOL, ATOL = 1e-4, 1e-5  # unless a check says otherwise
# Around what comes from the code under test: no characters that a text could contain.
OPEN, CLOSE = "\ufdd0", "\ufdd1"
QUOTED = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}?")


class CheckFailed(AssertionError):
    """The code under test does not do what the handout asks.

    Args:
        message: what was seen.
        cause: the usual mistake that explains all that was seen, in the words of the check; "" if none does.

    Attributes:
        message, cause: as above, `message` with the marks of `quoted`.
        label: the kind of case that was looked at, see `case`; "" if the check has not said.
        wrong: the value that is wrong and the one that was expected, if the check compared two.
    """

    def __init__(self, message: str, cause: str = "", wrong: "tuple[Any, Any] | None" = None) -> None:
        self.message, self.cause, self.wrong, self.label = message, cause, wrong, ""
        super().__init__(unmarked(self.marked))

    @property
    def marked(self) -> str:
        """The whole text, with the marks of `quoted`."""
        return f"{self.message} {sentence(self.cause)}" if self.cause else self.message


def fail(message: str, cause: str = "") -> NoReturn:
    """Fail the check; see CheckFailed."""
    raise CheckFailed(message, cause)


def check(condition: object, message: str, cause: str = "") -> None:
    """Fail the check with this message, and this cause, unless the condition holds."""
    if not condition:
        raise CheckFailed(message, cause)


@contextmanager
def case(label: str) -> Iterator[None]:
    """Say what kind of case is looked at inside, such as "float64" or "a single row": a failure shows it.

    Of cases in cases the inner one counts.
    """
    try:
        yield
    except Exception as error:  # of the check, or of the code under test
        if not getattr(error, "label", ""):
            error.label = label  # type: ignore[attr-defined]
        raise


@contextmanager
def explained(why: Callable[[], str], own_first: bool = False) -> Iterator[None]:
    """Give a failure inside the cause that `why` then finds; if that is "", it keeps its own.

    Args:
        own_first: `why` is asked only if the failure has no cause of its own.
    """
    try:
        yield
    except CheckFailed as error:
        own = error.cause if own_first else ""
        raise CheckFailed(error.message, own or why() or error.cause, error.wrong) from None


def quoted(value: object) -> str:
    """Text that comes from the code under test, marked."""
    return f"{OPEN}{str(value).replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"


def unmarked(text: str) -> str:
    """The text without the marks of `quoted`."""
    return text.replace(OPEN, "").replace(CLOSE, "")


@dataclass(frozen=True)
class Observation:
    """One value that came, beside what was right and what usual mistakes would have given.

    Attributes:
        mistakes: {message: value}; a mistake that is not named here would not have shown. A value, or the whole, may be
            a function without arguments.
    """

    actual: Any
    expected: np.ndarray
    mistakes: "Mistakes | Callable[[], Mistakes]" = field(default_factory=dict)
    rtol: float = RTOL
    atol: Any = ATOL

    def explained(self, names: Iterable[str] | None = None) -> list[str]:
        """The mistakes that give just this; of these names only, if there are any."""
        with np.errstate(all="ignore"):  # mistakes may overflow
            named = self.mistakes() if callable(self.mistakes) else self.mistakes
            values = {name: named.get(name, self.expected) for name in (named if names is None else names)}
            return [
                name
                for name, value in values.items()
                if _looks_like(self.actual, value() if callable(value) else value, self.rtol, self.atol)
            ]


def explain(observations: Iterable[Observation], names: list[str] | None = None) -> str:
    """The one mistake, of these names if there are any, that gives all that was observed; "" without just one."""
    for observation in observations:
        names = observation.explained(names)
        if not names:
            return ""
    return names[0] if names and len(names) == 1 else ""


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
        wanted = f"tensor of {np.dtype(dtype) if dtype else 'float32 or float64'}"
        kind = _kind(actual)
        fail(f"{what}: {'an ordinary' if 'tensor' in kind else 'a'} {wanted} was expected, not {kind}.")
    if actual.shape != tuple(shape):
        fail(
            f"{what}: the shape is {quoted(_shape(actual.shape))}, it should be {_shape(shape)}.",
            _shape_cause(actual.shape, shape),
        )
    if dtype is None:
        check(actual.dtype.kind == "f", f"{what}: the dtype is {quoted(actual.dtype)}, it should be a floating type.")
    elif actual.dtype != np.dtype(dtype):
        fail(f"{what}: the dtype is {quoted(actual.dtype)}, it should be {np.dtype(dtype)}.")
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
    more: Callable[[], Iterable[Observation]] = tuple,
) -> None:
    """Fail unless `actual` is a tensor of a floating type with the expected shape and values, in that order.

    Values in float32 need no more digits than float32 can hold, whatever the tolerances: another check judges dtypes.
    Infinities are right where `expected` has them.

    Args:
        what: what the value is, for the message.
        mistakes: what usual mistakes would have given, see Observation; looked at only after a failure. One is named
            if it alone gives `actual`, and what `more` observes.
        more: gives further observations of the same function, on inputs that tell mistakes apart; called only after a
            failure that some mistake explains.
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
        guess = ""
    except CheckFailed as error:
        # Right values in a wrong shape or dtype: no other mistake explains more.
        same_size = isinstance(actual, np.ndarray) and actual.size == expected.size
        if same_size and _looks_like(actual.reshape(expected.shape), expected, rtol, atol):
            raise CheckFailed(error.message, error.cause, (actual, expected)) from None
        message, guess = error.message, error.cause
    names = Observation(actual, expected, mistakes or {}, rtol, atol).explained()
    cause = explain(more(), names) if names else guess
    cause = cause or _floor(actual, expected, rtol, atol) or _precision(actual, expected, rtol, atol)
    raise CheckFailed(message, cause, (actual, expected))


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
        fail(f"no gradient of {of} reaches {by}.", DETACHED)
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
    "some value on the way is cut off from the graph: .detach(), .item(), .data, torch.no_grad(), torch.tensor(...) "
    "or a sample drawn by torch.normal or .sample()"
)


def sentence(text: str) -> str:
    """With a capital, unless it begins with a formula, and a full stop or question mark."""
    first = text.split()[0]
    text = (text[:1].upper() if first.isalpha() and len(first) > 1 else text[:1]) + text[1:].rstrip(".")
    return text if text.endswith("?") else f"{text}."


def _kind(value: Any) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {quoted(len(value))}"
    if isinstance(value, (bool, int, float, str, dict)):
        name = type(value).__name__
        return f"a {name}" + (" (did .item() or float() slip in?)" if isinstance(value, float) else "")
    return f"a {quoted(getattr(value, 'type', type(value).__name__))}"


def _shape(shape: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _shape_cause(actual: Sequence[int], wanted: Sequence[int]) -> str:
    actual, wanted = tuple(actual), tuple(wanted)
    if np.prod(wanted) == 1 and np.prod(actual) == 1 and len(actual) < len(wanted):
        return "a dimension of size 1 is lost from the shape: does squeeze(), flatten() or an index remove it?"
    if np.prod(wanted) == 1 and np.prod(actual) == 1 and len(actual) > len(wanted):
        return "the shape has a dimension of size 1 too many" if wanted else ""  # or nothing was reduced
    if not actual:
        return "something sums or averages over everything; keep one value for each of them"
    if not wanted:
        return "it should be one number: reduce the remaining dimensions as the docstring says"
    if np.prod(actual) == np.prod(wanted) and len(actual) > len(wanted):
        same = [size for size in actual if size != 1] == [size for size in wanted if size != 1]
        return (
            "one dimension of size 1 is left over"
            if same
            else "there are as many values as there should be, in a shape of more dimensions"
        )
    if len(actual) == len(wanted) + 1:
        return "one dimension has not been summed away, or two shapes were broadcast that should not have been"
    return ""


def _floor(actual: Any, expected: np.ndarray, rtol: float, atol: float) -> str:
    """What to say when different values that are wrong have all become the same one, and no other is beyond it."""
    if not isinstance(actual, np.ndarray) or actual.shape != expected.shape or not np.isfinite(actual).all():
        return ""
    wrong = ~_equal(actual, expected, rtol, atol)
    if not actual[wrong].any():  # zeros may come from anything that is left out
        return ""
    if 2 <= wrong.sum() < wrong.size and np.ptp(expected[wrong]) > 0:
        value, bound = actual.astype(np.float64), actual[wrong].astype(np.float64).mean()
        near = rtol * abs(bound) + np.max(atol)
        raised, lowered = (value[wrong] > expected[wrong]).all(), (value[wrong] < expected[wrong]).all()
        ends = (raised and value.min() >= bound - near) or (lowered and value.max() <= bound + near)
        if ends and np.ptp(value[wrong]) <= near:
            return "they are all equal: is something clipped (clamp), or is a small constant added before a logarithm?"
    return ""


def _precision(actual: Any, expected: np.ndarray, rtol: float, atol: float) -> str:
    """What to say about float64 values that are right to float32's digits only."""
    single = 1e-5
    if (
        max(rtol, np.max(atol)) < 1e-6
        and getattr(actual, "dtype", None) == np.float64
        and _looks_like(actual, expected, single, single)
    ):
        return (
            "they are nearly right: is something on the way in float32 (.float(), a new tensor without dtype=), "
            "although the arguments are float64, or is a small constant added?"
        )
    return ""


def _some(count: int, size: int) -> str:
    if size == 1:
        return "the value is"
    if count == size:
        return f"all of {quoted(size)} values are"
    return f"{quoted(count)} of {quoted(size)} values {'is' if count == 1 else 'are'}"


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
