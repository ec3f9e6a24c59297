"""Texts that hold for the run that they are shown with: numbers come from its metrics.json, and so do the words that
interpret them.

    {{metric:model.error:.2f}}                  0.54, by Python's format specifications; without one, as it is
    {{metric:model.error - other.error:.2f}}    two numbers with -, + or / between; one may be typed: 10 - model.used
    {{compare:model.error, other.error:.2f | better by {} | worse by {} | as good}}
                                                the first words if the first number is smaller, the second if it is
                                                larger, the third if both are shown alike; {} is the difference

A path names the keys from the outside in; entries of lists are counted from 0: "curve.estimates.16". Differences, sums
and comparisons take numbers as they are shown, rounded to the digits of the format, so that readers who subtract them
find the same. A placeholder may go over the end of a line.

"recorded.PATH.min" (max, mean, std, runs) is what several recorded runs gave there; see `recorded`.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import statistics
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.release.starter import Problem

PLACEHOLDER = re.compile(r"\{\{(metric|compare):((?:[^{}]|\{\})*)\}\}")
# What looks like one, whatever is wrong with it.
MEANT = re.compile(r"\{\{ ?(?:metric|compare)\b.*?(?:\}\}|$)", re.MULTILINE)
# Below the root: {"runs": [metrics of a run, ...]}.
RUNS = "tests/corpus/reference/seeds.json"
LITERAL = re.compile(r"\d+(?:\.\d+)?")
# A number in prose or in a formula: 1,000,000 or 1{,}000 or 0.5; not the digits of a word.
TYPED = re.compile(r"(?<![\w.])\d+(?:(?:,|\{,\})\d{3})*(?:\.\d+)?(?!\w)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NO_PROSE = re.compile(r"`[^`\n]*`|\]\([^)\n]*\)|<!--.*?-->|\{\{.*?\}\}", re.DOTALL)
FEWEST_DIGITS = 3

Metrics = Mapping[str, Any]


class UnknownNumber(ValueError):
    """A placeholder asks for something that cannot be shown; the message says what."""


class NoSuchNumber(UnknownNumber):
    """The metrics do not have it: the path is wrong, or the run was not a whole one."""


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested dictionaries and lists, with its path: ("curve.estimates.16", 3.82)."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves(value, f"{path}.{index}" if path else str(index))
    elif isinstance(tree, (int, float)) and not isinstance(tree, bool):
        yield path, tree


def recorded(runs: Collection[Metrics]) -> dict[str, Any]:
    """Of every number, in a tree like theirs: "mean", "std" (of a sample), "min" and "max" over the runs that have it,
    and how many "runs" those are."""
    paths: dict[str, list[float]] = {}
    for run in runs:
        for path, value in leaves(run):
            paths.setdefault(path, []).append(value)
    tree: dict[str, Any] = {}
    for path, values in paths.items():
        branch = tree
        for key in path.split("."):
            branch = branch.setdefault(key, {})
        branch |= {"mean": statistics.fmean(values), "std": statistics.stdev(values) if len(values) > 1 else 0.0}
        branch |= {"min": min(values), "max": max(values), "runs": len(values)}
    return tree


def read(metrics: Path, runs: Path | None = None) -> dict[str, Any]:
    """A run's metrics, and under "recorded" what the recorded runs gave.

    Args:
        metrics: a metrics.json; without it, only what was recorded is known.
        runs: the file of recorded runs, if there is one.
    """
    found: dict[str, Any] = json.loads(metrics.read_text(encoding="utf-8")) if metrics.is_file() else {}
    if runs is not None and runs.is_file():
        found["recorded"] = recorded(json.loads(runs.read_text(encoding="utf-8"))["runs"])
    return found


def look_up(metrics: Metrics, path: str) -> float:
    """The number at a path, or the one that is typed there.

    Raises:
        NoSuchNumber: there is none; the message names the nearest path.
    """
    if LITERAL.fullmatch(path):
        return float(path) if "." in path else int(path)
    value: Any = metrics
    try:
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (KeyError, IndexError, TypeError, ValueError):
        value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        near = difflib.get_close_matches(path, dict(leaves(metrics)), n=1, cutoff=0)
        raise NoSuchNumber(f"the metrics have no number {path!r}" + (f"; {near[0]!r}?" if near else ""))
    if not math.isfinite(value):
        raise UnknownNumber(f"{path!r} is {value}")
    return value


def as_shown(value: float, spec: str) -> float:
    """The number as a format shows it: 0.546 with ".2f" is 0.55, and with ".0%" too."""
    digits = re.search(r"\.(\d+)([f%])$", spec)
    return value if digits is None else round(value, int(digits[1]) + (2 if digits[2] == "%" else 0))


def shown(value: float, spec: str) -> str:
    """The number in a format; never "-0.00".

    Raises:
        UnknownNumber: Python has no such format for this number.
    """
    try:
        return format(abs(value) if as_shown(value, spec) == 0 else value, spec)
    except ValueError as error:
        raise UnknownNumber(f"{spec!r} does not format {value}: {error}") from error


def evaluate(metrics: Metrics, expression: str, spec: str) -> float:
    """The number that a placeholder asks for: a path, or two with -, + or / between.

    Raises:
        UnknownNumber: a path has no number, or it would be divided by zero.
    """
    first, *rest = re.split(r"\s([-+/])\s", expression.strip())
    value = look_up(metrics, first.strip())
    if not rest:
        return value
    if len(rest) > 2:
        raise UnknownNumber(f"{expression!r}: at most two numbers")
    operator, other = rest[0], look_up(metrics, rest[1].strip())
    if operator == "/":
        if other == 0:
            raise UnknownNumber(f"{expression!r} divides by zero")
        return value / other
    value, other = as_shown(value, spec), as_shown(other, spec)
    return value - other if operator == "-" else value + other


def compare(metrics: Metrics, content: str) -> str:
    """The words for what a comparison finds; see the head of this file.

    Raises:
        UnknownNumber: it is not "A, B:FORMAT | smaller | larger | equal", or a number is not there.
    """
    question, *words = (" ".join(part.split()) for part in content.split("|"))
    numbers, _, spec = question.partition(":")
    sides = numbers.split(",")
    if len(words) != 3 or len(sides) != 2 or not re.search(r"\.\d+[f%]$|^,?d?$", spec):
        raise UnknownNumber("a comparison is A, B:FORMAT | if A is smaller | if it is larger | if both are equal")
    first, second = (as_shown(evaluate(metrics, side, spec), spec) for side in sides)
    chosen = words[0] if first < second else words[1] if first > second else words[2]
    return chosen.replace("{}", shown(abs(first - second), spec))


def metric(metrics: Metrics, content: str) -> str:
    """The text for {{metric:CONTENT}}.

    Raises:
        UnknownNumber: the number is not there, or its format is none.
    """
    expression, _, spec = content.partition(":")
    return shown(evaluate(metrics, expression, spec.strip()), spec.strip())


def fill(text: str, metrics: Metrics, path: str, problems: list[Problem]) -> str:
    """The text with numbers and comparisons put in.

    Args:
        metrics: nested dictionaries and lists, as a metrics.json has them; see `read`.
        path: what to call the text in messages.
        problems: every placeholder that cannot be filled is added here; it stays in the text.
    """
    kinds = {"metric": metric, "compare": compare}

    def put_in(match: re.Match[str]) -> str:
        try:
            return kinds[match.group(1)](metrics, match.group(2))
        except UnknownNumber as error:
            said = f"{match.group(0)}: {error}"
            problems.append(Problem(path, line_of(text, match.start()), said, isinstance(error, NoSuchNumber)))
            return match.group(0)

    well_formed = {match.start() for match in PLACEHOLDER.finditer(text)}
    for match in MEANT.finditer(text):
        if match.start() not in well_formed:
            problems.append(Problem(path, line_of(text, match.start()), f"{match.group(0)} is no placeholder"))
    return PLACEHOLDER.sub(put_in, text)


def line_of(text: str, place: int) -> int:
    """Number of the line, from 1, in which a character stands."""
    return text.count("\n", 0, place) + 1


def typed(text: str) -> Iterator[tuple[int, str]]:
    """Numbers of at least three significant digits that are typed in a text, each with its line: (3, "1000.5").

    Zeros at the end of a whole number are not significant. Code, targets of links, comments and placeholders do not
    count.
    """
    for pattern in (FENCE, NO_PROSE):
        text = pattern.sub(lambda match: "\n" * match.group(0).count("\n"), text)
    for match in TYPED.finditer(text):
        number = re.sub(r"[{},]", "", match.group(0))
        digits = number.replace(".", "") if "." in number else number.rstrip("0")
        if len(digits.lstrip("0")) >= FEWEST_DIGITS:
            yield line_of(text, match.start()), number
