"""Stored cases: what a function is given, what it should return and what usual mistakes return, from a data file.

With them a check knows what is right without the formula, so it can be given to students. The cases of a task lie
beside its public checks, in cases/TASK.json: by name a list of objects with

    arguments: name -> a number, or an array as {dtype: nested lists}, in the order in which the function takes them
    expected: a number or nested lists
    mistakes: explanation -> what this mistake gives, a number or nested lists
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograder.door.diagnose import CheckFailed, check_close

SHOWN = 12  # numbers of an array, in a message; of a larger one only the first and the last


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        arguments: numbers and arrays.
        expected: float64, as the mistakes' values.
    """

    arguments: Mapping[str, Any]
    expected: np.ndarray
    mistakes: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def values(self) -> tuple[Any, ...]:
        """The arguments, to be passed by position."""
        return tuple(self.arguments.values())

    def check(self, actual: Any, what: str, **tolerance: float) -> None:
        """Fail unless `actual` is the expected result; the failure shows the case: see `diagnose.check_close`."""
        try:
            check_close(actual, self.expected, what=what, mistakes=self.mistakes, **tolerance)
        except CheckFailed as error:
            lines = [f"{name} = {_text(value)}" for name, value in self.arguments.items()]
            lines += [f"returned: {_text(actual)}", f"expected: {_text(self.expected)}"]
            # As add_note of Python 3.11 does; who shows a failed public check shows its notes.
            error.__notes__ = ["\n".join(lines)]  # type: ignore[attr-defined]
            raise


def read_cases(file: Path, name: str) -> list[Case]:
    """The cases of this name in a task's file."""
    return [
        Case(
            {argument: _array(value) for argument, value in case["arguments"].items()},
            np.array(case["expected"], dtype=np.float64),
            {explanation: np.array(value, dtype=np.float64) for explanation, value in case["mistakes"].items()},
        )
        for case in json.loads(file.read_text(encoding="utf-8"))[name]
    ]


def _array(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((dtype, values),) = value.items()
    return np.array(values, dtype=dtype)


def _text(value: Any) -> str:
    """A value for people, an array as the lists in which they would write it."""
    if not isinstance(value, np.ndarray):
        return repr(value)[:80]
    shown = np.array2string(value, separator=", ", precision=6, threshold=SHOWN, edgeitems=2, max_line_width=80)
    return shown.replace("\n", "\n    ")
