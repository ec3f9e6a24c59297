"""What stands between the checks and the workers: code that hung or died is not called again, and every task gets its
share of the time."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from autograder.door.calls import MADE_BY
from autograder.door.imports import Import, import_under_way
from autograder.door.submission import Lost
from autograder.grading.messages import SENTENCES, NotRun
from autograder.sandbox.backend import WorkerDied
from autograder.sandbox.text import MAX_TEXT
from autograder.tasks import Check

IMPORT = "import "  # before the name of a module that is lost

Answer = tuple[dict[str, Any], list[np.ndarray]]


class Worker(Protocol):
    """What `backend.RemoteBackend` offers."""

    @property
    def output(self) -> str: ...

    def execute(self, header: dict[str, Any], arrays: list[np.ndarray], seconds: float) -> Answer: ...

    def close(self) -> None: ...


class PutOff(NotRun):
    """A check whose task has used up its time in this turn."""

    def __init__(self) -> None:
        super().__init__("timeout", SENTENCES["put off"])


class Turn:
    """The time for the calls of each task, in one turn of the checks.

    Half of the time that there is at its beginning is shared out equally among the tasks: so much each of them gets,
    whatever those before it do. The other half goes to those that need it first, up to a limit for one task.

    Args:
        tasks: the task of every check that is to run.
        most: seconds that one task may take in all.
        time_left: seconds that all tasks together may take from now on.
    """

    def __init__(self, tasks: Iterable[str], most: float, time_left: Callable[[], float]) -> None:
        self._waiting, self._most, self._time_left = Counter(tasks), most, time_left
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._share = max(0.0, time_left()) / 2 / max(1, len(self._waiting))

    def kept(self, *but: str) -> float:
        """Seconds that nobody may take from the tasks whose checks have not all run, but these."""
        return sum(max(0.0, self._share - self._spent[task]) for task in self._waiting if task not in but)

    def left(self, task: str) -> float:
        """Seconds that the calls of a task may take from now on."""
        own, left = self._share - self._spent[task], self._time_left()
        return min(self._most - self._spent[task], left, max(own, left - self.kept(task)))

    def spend(self, task: str, seconds: float) -> None:
        """A task's call took so long."""
        self._spent[task] += seconds

    def finish(self, task: str) -> None:
        """A check of this task is over; after its last one, nothing is kept for it."""
        self._waiting[task] -= 1
        self._waiting += Counter()  # drops those without checks


class Budget:
    """The time of a grading: every check has a first turn, and those that were put off in it have a second one.

    A second turn may come before others' first one, and then leaves what is kept for that.

    Args:
        deadline: time.monotonic() at which the whole grading must be over.
        tasks: the task of every check.
        most: seconds that one task may take in its first turn; in a second one it may take twice as long.
    """

    def __init__(self, deadline: float, tasks: Iterable[str], most: float) -> None:
        self._deadline, self._most = deadline, most
        self._first = self._turn = Turn(tasks, most, self._time_left)

    def _time_left(self) -> float:
        return self._deadline - time.monotonic()

    def begin_first_turn(self) -> None:
        """Go on with checks that have not run."""
        self._turn = self._first

    def begin_second_turn(self, tasks: Iterable[str]) -> None:
        """Begin with checks that were put off, given the task of each."""
        self._turn = Turn(tasks, 2 * self._most, lambda: self._time_left() - self._first.kept())

    def left(self, task: str) -> float:
        """See Turn."""
        return self._turn.left(task)

    def spend(self, task: str, seconds: float) -> None:
        """See Turn."""
        self._turn.spend(task, seconds)

    def finish(self, task: str) -> None:
        """See Turn."""
        self._turn.finish(task)


@dataclass
class Watch:
    """What the workers of one grading share.

    Attributes:
        budget: of time.
        call_seconds: the most for one call.
        folder: where the submission's modules lie.
        lost: names of functions and methods that are not called any more, and, after IMPORT, of modules that are not
            imported any more, each with the reason.
        check: that which runs.
    """

    budget: Budget
    call_seconds: float
    folder: Path
    lost: dict[str, Lost] = field(default_factory=dict)
    check: Check | None = None

    def refuse(self, *names: str) -> None:
        """Raise what was lost under one of these names, the first that is."""
        for name in names:
            if name in self.lost:
                raise self.lost[name].again()

    def died(self, name: str, error: WorkerDied) -> Lost:
        """What to raise when a worker died in a call of this name; it is remembered."""
        assert self.check is not None
        kind = "grader" if error.kind == "closed" else error.kind
        module = name.removeprefix(IMPORT) if name.startswith(IMPORT) else ""
        under_way = import_under_way(error.calls, self.folder)
        names = {name, f"{IMPORT}{under_way.module}" if under_way else ""} - {""}
        # What has seen hidden inputs could choose which file that is, and the line.
        imported = None if self.check.hidden_inputs else under_way
        imported = imported or (Import(f"{module}.py") if module else None)
        target = imported.module if imported else MADE_BY.sub("", name)
        lost = Lost(kind, target, error.reason, not self.check.hidden_inputs, imported)
        if kind != "grader":  # never raised: it would keep the check's frames, and all in them
            self.lost |= {each: lost.again() for each in names}
        return lost


class Guarded:
    """A worker as a Submission's backend. When it dies, the next message goes to a new one.

    Args:
        start: makes a worker.
        watch: see there.
    """

    def __init__(self, start: Callable[[], Worker], watch: Watch) -> None:
        self._start, self._watch = start, watch
        self._worker: Worker | None = None
        self._imported: set[str] = set()  # modules, there
        self._last = ""  # what was called there last

    def execute(self, header: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        """See `submission.Backend`.

        Raises:
            Lost: the code hung or died, now or before. Neither a test nor hypothesis catches it.
            PutOff: the time of the task is used up.
        """
        called = header.get("called", "")
        module = str(header.get("function") or header.get("target") or "").partition(".")[0]
        self._watch.refuse(called, MADE_BY.sub("", called), IMPORT + module)
        if module and module not in self._imported:
            # A message of its own: what dies now is the module, not the function.
            lost = [name.removeprefix(IMPORT) for name in self._watch.lost if name.startswith(IMPORT)]
            reply, _ = self._send({"op": "import", "module": module, "without": lost}, [], IMPORT + module)
            if not reply["ok"]:
                return reply, []
            self._imported.add(module)
        answer = self._send(header, arrays, called or self._last)
        if header.get("op") == "stand_in" or header.get("modules"):  # they will be imported anew
            self._imported.clear()
        return answer

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _send(self, header: dict[str, Any], arrays: list[np.ndarray], name: str) -> Answer:
        """Have a message executed; `name` is what is to blame if it has no answer."""
        watch, nothing_kept = self._watch, header.get("op") == "forget"
        assert watch.check is not None
        if self._worker is None:
            if nothing_kept:
                return {"ok": True}, []
            self._worker = self._start()
        seconds = min(watch.call_seconds, watch.budget.left(watch.check.task))
        if seconds <= 0:
            raise PutOff
        self._last = name
        began = time.monotonic()
        try:
            reply, returned = self._worker.execute(header, arrays, seconds)
        except WorkerDied as error:
            self._worker, self._last = None, ""
            self._imported.clear()
            if error.kind == "timeout" and time.monotonic() - began < watch.call_seconds:
                raise PutOff from None
            lost = watch.died(name, error)
            if nothing_kept:  # it died after the check before, and does not harm this one
                return {"ok": True}, []
            try:
                raise lost from None
            finally:
                del lost  # a circle with this frame would keep those of the check until garbage is collected
        finally:
            watch.budget.spend(watch.check.task, time.monotonic() - began)
        if reply.get("ok") is True:
            return reply, returned
        failure = _failure(reply.get("error"))
        if failure["error"]["type"] == "LostModule":
            watch.refuse(IMPORT + failure["error"]["message"])
        return failure, returned


def _failure(error: Any) -> dict[str, Any]:
    """A reply that reports an exception, every part of it text, whatever the other side has put there."""
    parts = error if isinstance(error, dict) else {}
    texts = {name: str(parts.get(name, ""))[:MAX_TEXT] for name in ("type", "message", "where", "stage")}
    return {"ok": False, "error": texts}
