"""What the code under test was called with, for people who read about a failed check.

A public check shows its case: what was called and where that is defined, with what, what came and what was expected. A
hidden one shows the kind of case, in words of ours. Nothing here runs the code under test.
"""

import re
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.door.diagnose import CheckFailed
from autograder.door.library_use import syntax_tree

KEPT = 16  # calls of a check: what is wrong came from one of the last
SMALL = 64  # numbers of an array that is kept to be shown; of a larger one only its dtype and shape
SHOWN = 12  # numbers of an array, in a message; of a larger one only the first and the last
LONGEST = 300  # characters of one value
MADE_BY = re.compile(r"\(.*?\)")  # the words in the name of an object


@dataclass
class Call:
    """One call.

    Attributes:
        name: "module.function" or "module.Class.method".
        arguments, keywords: what it was given; of large arrays only what they are.
        kind: what kind of call it was, in words of ours.
        returned: the arrays that came back, or an object on the other side; they are not kept alive.
        plain: the number, text or nothing that came back in their place.
    """

    name: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    kind: str
    returned: tuple["weakref.ref[Any]", ...] = ()
    plain: tuple[Any, ...] = ()

    def remember(self, value: Any, gradients: Any) -> None:
        """The call has come back with this value, and these gradients."""
        objects = [value] if hasattr(value, "type") else []  # such as a model
        self.returned = tuple(map(weakref.ref, (*arrays_in([value, *gradients]), *objects)))
        self.plain = (value,) if isinstance(value, (bool, int, float, str, type(None))) else ()

    def gave(self, value: Any) -> bool:
        """Whether an array, or the one that it is a part of, came from this call; or an object, a number, a text."""
        arrays = [array for array in (value, getattr(value, "base", None)) if array is not None]
        known = any(reference() is array for reference in self.returned for array in arrays)
        return known or any(value is plain for plain in self.plain)


Calls = deque[Call]


def no_calls() -> Calls:
    return deque(maxlen=KEPT)


def noted(called: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, gradients: bool, grad: bool) -> Call:
    """A call that is about to be made.

    Args:
        called: its name, with what the object was made by.
        gradients: whether the result will be differentiated.
        grad: whether it runs with gradients, as opposed to under torch.no_grad().
    """
    kind = kind_of((*args, *kwargs.values()), gradients=gradients, grad=grad)
    keywords = {key: _kept(value) for key, value in kwargs.items()}
    return Call(MADE_BY.sub("", called), tuple(map(_kept, args)), keywords, kind)


def _kept(value: Any) -> Any:
    """A small array as it is now; of a large one what it is."""
    if not isinstance(value, np.ndarray):
        return value
    return value.copy() if value.size <= SMALL else f"{value.dtype} of shape {value.shape}"


def kind_of(given: Iterable[Any], *, gradients: bool, grad: bool) -> str:
    """In words what is special about the arguments of a call; "" if nothing is."""
    arrays = [array for value in given for array in arrays_in(value)]
    kinds = {
        "float64": any(array.dtype == np.float64 for array in arrays),
        "a dimension of size 1": any(1 in array.shape for array in arrays),
        "its gradients": gradients,
        "without gradients, as under torch.no_grad()": not grad,
    }
    return ", ".join(kind for kind, holds in kinds.items() if holds)


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """The arrays of a value that may be a list or tuple of them."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays_in(part)


def text(value: Any) -> str:
    """A value for people, a small array as the lists in which they would write it."""
    if isinstance(value, np.ndarray):
        shown = np.array2string(value, separator=", ", precision=6, threshold=SHOWN, edgeitems=2, max_line_width=80)
    elif isinstance(value, (list, tuple)):
        shown = f"({', '.join(map(text, value[:SHOWN]))})"
    else:
        shown = value if isinstance(value, str) else repr(value)
        if " object at 0x" in shown:  # else of ours, such as a model that the check put in
            shown = f"a {value.type}" if getattr(value, "name", "") else "given by the check"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def case_of(error: BaseException, calls: Sequence[Call], source: Callable[[str], bytes | None]) -> dict[str, str]:
    """The case that a public check failed on: {what: text}.

    Args:
        calls: those of the check, the last one last.
        source: gives the text of a file by its name, None if there is none.
    """
    if _nothing_ran(error):
        return {}
    wrong = getattr(error, "wrong", None)
    case = {"kind": label} if (label := getattr(error, "label", "")) else {}
    call = _blamed(error, calls)
    if call is not None:
        module, *path = call.name.split(".")
        line, names = definition(source(f"{module}.py") or b"", path)
        where = f"{module}.py, line {line}" if line else f"{module}.py"
        case["function"] = f"{'.'.join(path) or module} in {where}"
        if wrong is None or call.gave(wrong[0]):
            names = [*names, *(f"argument {n}" for n in range(len(names) + 1, len(call.arguments) + 1))]
            given = dict(zip(names, call.arguments, strict=False)) | {**call.keywords}
            case |= {name: text(value) for name, value in given.items()}
    if wrong is not None:
        case |= _difference(*wrong)
    notes = [note for note in getattr(error, "__notes__", []) if "reproduce_failure" not in note]
    example = [line for note in notes for line in note.splitlines() if " object at 0x" not in line]
    return case | ({"example": "\n".join(example)} if example else {})


def kind_of_case(error: BaseException, calls: Sequence[Call]) -> dict[str, str]:
    """What a hidden check may say of its case, all in words of ours: the function, and the label or the call's kind."""
    if _nothing_ran(error):
        return {}
    call = _blamed(error, calls)
    kind = getattr(error, "label", "") or (call.kind if call is not None else "")
    return ({"function": call.name} if call is not None else {}) | ({"kind": kind} if kind else {})


def _nothing_ran(error: BaseException) -> bool:
    """Whether the code under test could not even be imported: what it would have been called with does not matter."""
    return getattr(error, "stage", "") == "import" or getattr(error, "imported", None) is not None


def _blamed(error: BaseException, calls: Sequence[Call]) -> Call | None:
    """The call that a failure is about: that which returned what is wrong, else the last one."""
    wrong = error.wrong if isinstance(error, CheckFailed) else None
    gave = [call for call in calls if wrong is not None and call.gave(wrong[0])]
    return gave[-1] if gave else calls[-1] if calls else None


def _difference(actual: Any, expected: np.ndarray) -> dict[str, str]:
    """What came and what was expected; of large arrays the number that is furthest off."""
    if isinstance(actual, np.ndarray) and actual.shape == expected.shape and expected.size > SHOWN:
        with np.errstate(invalid="ignore"):
            off = np.nan_to_num(np.abs(actual.astype(np.float64) - expected), nan=np.inf)
        place = np.unravel_index(int(off.argmax()), expected.shape)
        at = "[" + ", ".join(map(str, place)) + "]"
        return {"returned": f"{actual[place]:.6g} at {at}", "expected": f"{expected[place]:.6g} there"}
    return {"returned": text(actual), "expected": text(expected)}


def definition(source: bytes, path: Sequence[str]) -> tuple[int, list[str]]:
    """The line of a function, or of a method of a class, and the names of its arguments; (0, []) if it is not found.

    Args:
        path: its names from the file's top: ["Disc", "area"].
    """
    tree = syntax_tree(source)
    body = [] if tree is None else tree.body
    found: Any = None
    for name in path:
        named = [node for node in body if getattr(node, "name", None) == name]
        # A class without this method has inherited it.
        found, body = (named[-1], getattr(named[-1], "body", [])) if named else (found, [])
    if found is None:
        return 0, []
    arguments = getattr(found, "args", None)
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)] if arguments else []
    return found.lineno, names[1:] if len(path) > 1 and names[:1] == ["self"] else names
