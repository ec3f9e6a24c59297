"""Progress of the main job in the terminal (provided)."""

import sys
import time
from typing import Any

from tqdm import tqdm

from lab.run.part import Outcome

# Where bars make no sense (a log file, a notebook's shell), a running part says a line this often (seconds).
SAY_EVERY = 15.0


class Terminal:
    """Shows progress: one bar per running part on a terminal, one line now and then elsewhere."""

    def __init__(self, total: int) -> None:
        self.bars: dict[int, Any] = {}
        self.live = sys.stderr.isatty()
        self.said: dict[str, float] = {}
        self.total, self.ended_parts = total, 0

    def say(self, text: str) -> None:
        """Write a line above the bars."""
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()

    def started(self, slot: int, name: str) -> None:
        if self.live:
            self.bars[slot] = tqdm(total=1, desc=f"{name:<20}", position=slot, leave=False, dynamic_ncols=True)

    def progress(self, slot: int, name: str, iteration: int, total: int, text: str) -> None:
        if self.live:
            bar = self.bars[slot]
            if bar.total != total:
                bar.reset(total)  # the clock starts with the first iteration, not with the imports
            bar.set_postfix_str(text, refresh=False)
            bar.update(iteration - bar.n)
        elif time.monotonic() - self.said.setdefault(name, time.monotonic()) > SAY_EVERY:
            self.said[name] = time.monotonic()
            self.say(f"{name}: {iteration:,} of {total:,}, {text}")

    def ended(self, slot: int, name: str, outcome: Outcome) -> None:
        if slot in self.bars:
            self.bars.pop(slot).close()
        self.ended_parts += 1
        below = ", see below" if outcome.status == "failed" else ""
        self.say(f"[{self.ended_parts}/{self.total}] {name}: {outcome.words}{below}")

    def close(self) -> None:
        for bar in self.bars.values():
            bar.close()
