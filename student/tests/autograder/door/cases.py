"""Stored cases: what a function is given, what it should return and what usual mistakes return, from a data file.

With them a check knows what is right without the formula, so it can be given to students. The cases of a task lie
beside its public checks, in cases/TASK.json: by name a list of objects with

    arguments: name -> a number, or an array as {dtype: nested lists}, in the order in which the function takes them
    expected: a number or nested lists
    mistakes: explanation -> what this mistake gives, a number or nested lists
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from autograder.door.diagnose import ATOL, RTOL, Observation, check_close
from autograder.door.submission import SubmissionError


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

    def check(self, actual: Any, what: str, rtol: float = RTOL, atol: float = ATOL) -> None:
        """Fail unless `actual` is the expected result: see `diagnose.check_close`."""
        check_close(actual, self.expected, what=what, mistakes=self.mistakes, rtol=rtol, atol=atol)


def check_cases(
    cases: Sequence[Case],
    call: Callable[..., Any],
    what: str,
    others: Sequence[Case] = (),
    rtol: float = RTOL,
    atol: float = ATOL,
) -> None:
    """Fail unless a function returns what is expected in every case; a mistake is named if it alone explains them all.

    Args:
        call: calls the function.
        others: cases of the same function that are looked at only to tell mistakes apart.
    """

    def further(failed: Case) -> Iterator[Observation]:
        for other in (*cases, *others):
            if other is not failed:
                yield Observation(returned(call, *other.values), other.expected, other.mistakes, rtol, atol)

    for case in cases:
        more = partial(further, case)
        actual, mistakes = call(*case.values), case.mistakes
        check_close(actual, case.expected, what=what, mistakes=mistakes, rtol=rtol, atol=atol, more=more)


def returned(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns; None if it raises."""
    try:
        return call(*arguments)
    except SubmissionError:
        return None


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
