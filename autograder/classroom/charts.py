"""The pictures of class.html: SVG inside the page, so that it needs nothing else."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from autograder.classroom.analysis import Item

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart.
BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#d55e00", "#009e73", "#8a949e", "#1b1f24"
# One for each section of the course, as far as they go.
SECTIONS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTH = 7.6  # inches; the page's column


class Chart(NamedTuple):
    """A picture for the page: what it shows, in words, and the picture as a data: URL."""

    title: str
    source: str


def scores(values: Sequence[float], total: float) -> Chart:
    """Histogram of the scores, twenty bins over the whole range."""
    figure, axes = _new(2.6)
    axes.hist(values, bins=20, range=(0, total), color=BLUE, edgecolor="white", linewidth=0.8)
    if values:
        ordered = sorted(values)
        middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        axes.axvline(middle, color=ORANGE, linewidth=1.5)
        near_end = middle > 0.8 * total
        axes.annotate(
            f"median {middle:g}",
            (middle, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if near_end else 5, 3),
            textcoords="offset points",
            ha="right" if near_end else "left",
            color=ORANGE,
        )
    axes.set(xlabel="score", ylabel="submissions", xlim=(0, total))
    axes.locator_params(axis="y", integer=True)
    return _svg(figure, "Histogram of the scores")


def tasks(shares: Sequence[tuple[str, str, float]]) -> Chart:
    """Mean share of each task's points."""
    figure, axes = _new(0.6 + 0.22 * max(1, len(shares)))
    places = range(len(shares))
    colours = _colours(number for number, *_ in shares)
    axes.barh(
        places,
        [100 * share for *_, share in shares],
        color=[colours[_section(number)] for number, *_ in shares],
    )
    axes.set_yticks(places, [f"{number}  {name}" for number, name, _ in shares])
    for place, (*_, share) in zip(places, shares, strict=True):
        axes.annotate(
            f"{100 * share:.0f}", (100 * share, place), xytext=(3, 0), textcoords="offset points", va="center"
        )
    axes.set(xlim=(0, 108), ylim=(len(shares) - 0.5, -0.5), xlabel="mean share of the points, percent")
    axes.set_xticks(range(0, 101, 20))
    axes.tick_params(axis="y", length=0)
    return _svg(figure, "Mean share of the points of each task")


def checks(items: Sequence[Item]) -> Chart:
    """Each check's pass rate against how well it tells strong submissions from weak ones."""
    figure, axes = _new(2.8)
    colours = _colours(item.check.number for item in items)
    for section, colour in colours.items():
        points = [
            (100 * item.passed, item.discrimination)
            for item in items
            if _section(item.check.number) == section and item.discrimination is not None
        ]
        if points:
            x, y = zip(*points, strict=True)
            axes.scatter(x, y, s=26, color=colour, alpha=0.8, linewidths=0, label=f"section {section}")
    axes.axhline(0, color=GREY, linewidth=0.8)
    lowest = min([item.discrimination for item in items if item.discrimination is not None], default=0.0)
    limits = (min(-0.15, lowest - 0.1), 1.05)
    axes.set(xlabel="submissions that pass, percent", ylabel="discrimination", xlim=(-3, 103), ylim=limits)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(colours),
            frameon=False,
            handletextpad=0.1,
            columnspacing=1,
        )
    return _svg(figure, "Pass rate and discrimination of each check")


def seconds(values: Sequence[float]) -> Chart:
    """Histogram of how long the gradings took."""
    figure, axes = _new(2.0)
    axes.hist(values, bins=20, color=GREEN, edgecolor="white", linewidth=0.8)
    axes.set(xlabel="seconds", ylabel="gradings")
    axes.set_xlim(left=0)
    axes.locator_params(axis="y", integer=True)
    return _svg(figure, "How long the gradings took")


def _section(number: str) -> str:
    """The number of the section of a task's number: "4" of "4.1"."""
    return number.rpartition(".")[0]


def _colours(numbers: Iterable[str]) -> dict[str, str]:
    """A colour for each section, from the numbers of its tasks."""
    sections = sorted({_section(number) for number in numbers})
    return {section: SECTIONS[place % len(SECTIONS)] for place, section in enumerate(sections)}


def _new(height: float) -> tuple[Figure, Axes]:
    import matplotlib

    # Nothing here may open a window, and pyplot would keep every figure.
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=INK)
    return figure, axes


def _svg(figure: Figure, title: str) -> Chart:
    """The figure as the source of an <img> of its own: what is drawn can run nothing."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    # A fixed salt and no date: the same class gives the same page.
    with rc_context({"svg.hashsalt": "class", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    return Chart(title, f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}")
