"""How long a class takes: said beforehand from what was measured, and while it is graded in one line."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tqdm import tqdm

MEASURED = 3  # gradings after which the time of the others can be told
BAR = "{desc} {percentage:3.0f}% |{bar}| "
IN_A_LOG = 20  # lines that a whole run writes to what is not a terminal


def duration(seconds: float) -> str:
    """A time for people: "40 s", "12 min", "1 h 28 min", "2 days 3 h"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} day{'s' * (days > 1)}{f' {hours} h' if hours else ''}"


def end_in(seconds: float) -> str:
    """The time of day at which something ends, with the day of the week if it is not today."""
    end = datetime.now() + timedelta(seconds=seconds)
    return f"{end:%H:%M}" if end.date() == datetime.now().date() else f"{end:%a %H:%M}"


def foretold(number: int, usual: float | None, lanes: int) -> str:
    """How long gradings will take, a sentence.

    Args:
        number: of different submissions to grade.
        usual: seconds that one took before, None if that is not known.
        lanes: gradings at the same time; 0 if that is not known.
    """
    if usual is None or not lanes:
        return "how long this takes is said when the first are graded"
    seconds = number * usual / min(lanes, number)
    return f"this takes about {duration(seconds)}, until {end_in(seconds)} ({duration(usual)} each, {lanes} at a time)"


def usual_seconds(seconds: Iterable[float]) -> float | None:
    """The mean of what gradings took; None if none was measured."""
    measured = [one for one in seconds if one > 0]
    return statistics.fmean(measured) if measured else None


@dataclass
class Progress:
    """What is known of a run while it goes on.

    Attributes:
        total: submissions to grade; done, failed: those that are graded, and of them those that failed.
        different: submissions to grade that differ from each other; graded: those of them that are done.
        lanes: gradings at the same time; 0 if that is not known.
        usual: seconds of an earlier grading.
        seconds: what each grading of this run took.
    """

    total: int
    different: int
    lanes: int = 0
    usual: float | None = None
    done: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    def left(self, elapsed: float) -> float | None:
        """Seconds until all are graded; None while that cannot be told.

        Args:
            elapsed: seconds since the beginning.
        """
        number = self.different - len(self.seconds)
        each = usual_seconds(self.seconds) if self.measured else self.usual
        lanes = self.lanes or (sum(self.seconds) / elapsed if self.measured and elapsed else 0.0)
        return number * each / max(1.0, min(lanes, number)) if each is not None and lanes else None

    @property
    def measured(self) -> bool:
        """Whether enough of this run's gradings have ended."""
        return len(self.seconds) >= max(MEASURED, self.lanes)

    def line(self, elapsed: float) -> str:
        """How far it is: "12 of 300, 1 failed, 1 h 20 min left, until 14:05"."""
        left = self.left(elapsed)
        failed = f", {self.failed} failed" if self.failed else ""
        when = f", {duration(left)} left, until {end_in(left)}" if left else ""
        return f"{self.done} of {self.total}{failed}{when}"


@contextmanager
def shown(progress: Progress) -> Iterator[tqdm]:
    """A bar for `show`: one line of a terminal, a few lines of anything else."""
    live = sys.stderr.isatty()
    first = BAR + progress.line(0.0)
    with tqdm(total=progress.total, desc="grading", dynamic_ncols=True, disable=not live, bar_format=first) as bar:
        yield bar


def show(progress: Progress, bar: tqdm, elapsed: float, ended: bool) -> None:
    """Show how far it is, and once how long it will take, if that was not said before.

    Args:
        ended: whether a grading has just ended.
    """
    line = progress.line(elapsed)
    if ended and progress.usual is None and len(progress.seconds) == max(MEASURED, progress.lanes):
        left = progress.left(elapsed)
        if left:
            tqdm.write(f"what is left takes about {duration(left)}, until {end_in(left)}", file=sys.stdout)
    if bar.disable:
        step = max(1, progress.total // IN_A_LOG)
        if ended and (progress.done % step == 0 or progress.done == progress.total):
            print(f"grading: {line}", file=sys.stderr, flush=True)
        return
    bar.bar_format = BAR + line
    bar.n = progress.done
    bar.refresh()
