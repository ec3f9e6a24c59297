"""Run parts side by side, each in a process of its own with one thread (provided).

The matrices here are so small that a second thread gains next to nothing, while a second training gains all of it.
A worker is started once and runs many parts; it talks to its parent through one pipe. Processes are spawned, not
forked: that works alike on Linux, macOS and Windows, and beside CUDA.
"""

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

# The assignment's folder, and what in it comes with the assignment and only drives the student's files: left out of a
# student's traceback.
HERE = Path(__file__).resolve().parents[1]
MACHINERY = {HERE / name for name in ("main.py", "mnist.py", "plotting.py", "run_gmvae.py")}
MACHINERY |= set(Path(__file__).resolve().parent.glob("*.py"))
# A worker reports at most this often (seconds), however short an iteration is.
REPORT_EVERY = 0.2


class Task(Protocol):
    """What a worker can run: picklable, with a name, an estimate of its seconds, and what it waits for."""

    name: str
    seconds: float
    needs: tuple[str, ...]

    def run(self, report: "Report") -> Any: ...


class Report(Protocol):
    def __call__(self, iteration: int, total: int, text: str) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        status: "done", "todo" (a student's function is still to be written), "failed" or "skipped" (a part that it
            needs did not finish).
        message: for "todo" the task that comes next, for "failed" a traceback, for "skipped" what was missing.
    """

    status: str
    message: str = ""
    seconds: float = 0.0


class Display(Protocol):
    """Where progress is shown."""

    def started(self, slot: int, name: str) -> None: ...

    def progress(self, slot: int, name: str, iteration: int, total: int, text: str) -> None: ...

    def ended(self, slot: int, name: str, outcome: Outcome) -> None: ...


def describe_error(error: BaseException) -> str:
    """The traceback of an error, trimmed to the student's own files (or else to the assignment's)."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if HERE in Path(frame.filename).resolve().parents[:2]]
    theirs = [frame for frame in ours if Path(frame.filename).resolve() not in MACHINERY]
    # A syntax error names its place by itself; the frames only lead to the import.
    shown = theirs or ([] if isinstance(error, SyntaxError) else ours)
    lines = traceback.format_list(shown) + traceback.format_exception_only(type(error), error)
    return "".join(lines).rstrip().replace(str(HERE) + os.sep, "")


def attempt(task: Task, report: Report) -> Outcome:
    """Run one task here and now, turning whatever it raises into an outcome."""
    start = time.monotonic()
    try:
        task.run(report)
    except NotImplementedError as error:
        if str(error).startswith("Task "):
            return Outcome("todo", str(error), time.monotonic() - start)
        return Outcome("failed", describe_error(error), time.monotonic() - start)
    except (Exception, SystemExit) as error:  # the student's code may raise anything; the other parts go on
        return Outcome("failed", describe_error(error), time.monotonic() - start)
    return Outcome("done", "", time.monotonic() - start)


def work(pipe: Connection) -> None:
    """Life of a worker process: take tasks from the pipe until it closes."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
    try:
        while True:
            task = pipe.recv()
            last = 0.0

            def report(iteration: int, total: int, text: str) -> None:
                nonlocal last
                now = time.monotonic()
                if now - last >= REPORT_EVERY or iteration == total:
                    last = now
                    pipe.send((iteration, total, text))

            pipe.send(attempt(task, report))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # The parent is gone: nobody waits for results any more.
        return


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Processes started in the body are born deaf to Ctrl-C, so that none prints a traceback while it starts."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Worker:
    """One process, and what it is doing."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs,), daemon=True)
        with interrupts_ignored():
            self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.since = 0.0

    def give(self, task: Task) -> None:
        self.task, self.since = task, time.monotonic()
        self.pipe.send(task)

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()


def run_side_by_side(tasks: list[Task], finished: set[str], processes: int, display: Display) -> dict[str, Outcome]:
    """Run tasks in worker processes, each as soon as what it needs is there, the longest first.

    Args:
        tasks: what to run; a need that is neither among them nor in finished makes a task be skipped.
        finished: names of tasks that were finished by an earlier run.
        processes: how many tasks to run at the same time.
        display: shows progress.

    Returns:
        The outcome of each task, by name. However this function is left, no process of its is left behind.
    """
    # Children read this when they load their numerical libraries.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    waiting = sorted(tasks, key=lambda task: -urgency(task, tasks))
    outcomes: dict[str, Outcome] = {}
    workers: list[Worker | None] = [None] * max(1, min(processes, len(tasks)))
    try:
        while True:
            for task in list(waiting):
                missing = [need for need in task.needs if need not in finished and need not in names(waiting, workers)]
                if missing:
                    waiting.remove(task)
                    outcomes[task.name] = Outcome("skipped", missing[0])
                    display.ended(-1, task.name, outcomes[task.name])
            ready = [task for task in waiting if finished.issuperset(task.needs)]
            for slot, worker in enumerate(workers):
                if ready and (worker is None or worker.task is None):
                    worker = workers[slot] = worker or Worker()
                    task = ready.pop(0)
                    waiting.remove(task)
                    worker.give(task)
                    display.started(slot, task.name)
            busy = {worker.pipe: slot for slot, worker in enumerate(workers) if worker and worker.task}
            if not busy:
                return outcomes
            for pipe in wait(list(busy), timeout=1.0):
                slot = busy[pipe]
                name = workers[slot].task.name
                outcome = receive(workers[slot], slot, display)
                if outcome is None:
                    continue
                outcomes[name] = outcome
                if outcome.status == "done":
                    finished = finished | {name}
                display.ended(slot, name, outcome)
                if workers[slot].process.exitcode is not None:
                    workers[slot].stop()
                    workers[slot] = None
    finally:
        for worker in workers:
            if worker:
                worker.stop()


def urgency(task: Task, tasks: list[Task]) -> float:
    """Seconds from the start of a task to the end of the longest chain of tasks that wait for it."""
    return task.seconds + max((urgency(other, tasks) for other in tasks if task.name in other.needs), default=0.0)


def names(waiting: list[Task], workers: list[Worker | None]) -> set[str]:
    """Names of the tasks that wait or run."""
    return {task.name for task in waiting} | {worker.task.name for worker in workers if worker and worker.task}


def receive(worker: Worker, slot: int, display: Display) -> Outcome | None:
    """Read one message of a worker; the outcome if its task has ended."""
    try:
        message = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        message = Outcome(
            "failed",
            f"the process that ran it died (exit code {worker.process.exitcode}); was the memory full?",
            time.monotonic() - worker.since,
        )
    if isinstance(message, Outcome):
        worker.task = None
        return message
    display.progress(slot, worker.task.name, *message)
    return None
