"""Progress of the main job in the terminal (provided)."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from lab.run.part import Outcome, Part

# Where a bar makes no sense (a log file, a notebook's shell), a running part says a line this often (seconds).
SAY_EVERY = 15.0
BAR = "{percentage:3.0f}% |{bar:20}| {remaining} left{postfix}"


class Terminal:
    """Shows progress: one bar for all parts on a terminal, one line now and then elsewhere.

    The bar counts the seconds that parts usually take, and learns from those that have passed how long they are here.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.usual = {part.name: part.seconds for part in parts}
        self.share: dict[str, float] = {}  # of each part that has begun, how much is done
        self.running: dict[int, str] = {}  # slot -> what its part says
        self.said: dict[str, float] = {}
        self.ended_parts = 0
        self.bar: Any = None
        if sys.stderr.isatty() and parts:
            total = sum(self.usual.values())
            self.bar = tqdm(total=total, bar_format=BAR, leave=False, dynamic_ncols=True, mininterval=0.5, smoothing=0)

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()

    def started(self, slot: int, name: str) -> None:
        self._show(slot, name, 0.0, name)

    def progress(self, slot: int, name: str, iteration: int, total: int, text: str) -> None:
        self._show(slot, name, iteration / total, f"{name} {text}")
        if self.bar is None and time.monotonic() - self.said.setdefault(name, time.monotonic()) > SAY_EVERY:
            self.said[name] = time.monotonic()
            self.say(f"{name}: {iteration:,} of {total:,}, {text}")

    def ended(self, slot: int, name: str, outcome: Outcome) -> None:
        self._show(slot, name, 1.0, "")
        self.ended_parts += 1
        below = ", see below" if outcome.status == "failed" else ""
        self.say(f"[{self.ended_parts}/{len(self.usual)}] {name}: {outcome.words}{below}")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def _show(self, slot: int, name: str, share: float, text: str) -> None:
        self.share[name] = share
        self.running[slot] = text
        if self.bar is not None:
            done = sum(self.usual[name] * share for name, share in self.share.items())
            self.bar.set_postfix_str("; ".join(filter(None, self.running.values())), refresh=False)
            if self.bar.n == 0:
                self.bar.start_t = time.time()  # the clock starts with the first iteration, not with the imports
            self.bar.update(done - self.bar.n)
