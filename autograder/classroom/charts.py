"""What the pictures of class.html show, in percent of their width; charts.html.j2 draws them as SVG inside the page.

They carry no sizes in pixels across, so one picture fits a projector, paper and a telephone, and take their colours
from the page, light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.grading.report import number

BINS = 20
STEPS = (1, 2, 2.5, 5, 10)  # of an axis, times a power of ten


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: left edge, width and height in percent of the picture, how many, and of what."""

    x: float
    width: float
    height: float
    count: int
    label: str


@dataclass(frozen=True)
class Histogram:
    """A histogram.

    Attributes:
        title: what it shows, for those who do not see it.
        bars: those that are not empty.
        ticks: places in percent with what stands below them.
        most: the largest count.
        median: its place in percent, and its value.
    """

    title: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    most: int
    median: tuple[float, str]


def histogram(values: Sequence[float], top: float, title: str, bins: int = BINS) -> Histogram:
    """A histogram of values from 0 to `top`, both included; there must be one at least."""
    top = top if top > 0 else 1.0
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int(bins * value / top)))] += 1
    most, width = max(counts), 100 / bins
    edges = [number(top * place / bins) for place in range(bins + 1)]
    bars = tuple(
        Bar(width * place, width, 100 * count / most, count, f"{edges[place]} to {edges[place + 1]}")
        for place, count in enumerate(counts)
        if count
    )
    middle = median(values)
    return Histogram(title, bars, ticks(top), most, (100 * min(1.0, middle / top), number(middle)))


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of the two in the middle where they are even in number."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def ticks(top: float, most: int = 5) -> tuple[tuple[float, str], ...]:
    """Round numbers from 0 to `top`, at most so many steps: places in percent, and the numbers."""
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(power * step for step in STEPS if top / (power * step) <= most)
    return tuple((100 * place * step / top, number(place * step)) for place in range(int(top / step + 1e-9) + 1))
