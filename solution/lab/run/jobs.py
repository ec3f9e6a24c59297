"""Run parts side by side, each in a process of its own with few threads (provided).

The matrices here are so small that a second thread gains little, while a second training gains all of it. A worker
process is started once and runs many parts; a thread here feeds it and listens to it. Processes are spawned, not
forked: that works alike on Linux, macOS and Windows, and beside CUDA.
"""

import functools
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from graphlib import TopologicalSorter
from multiprocessing.connection import Connection
from pathlib import Path

from lab.course import course, unwritten
from lab.files import HERE, print_anything
from lab.run.part import Outcome, Part, Report
from lab.run.progress import Terminal
from lab.run.schedule import urgency

LAB = HERE / "lab"
# A worker reports at most this often (seconds), however short an iteration is.
REPORT_EVERY = 0.2


@functools.cache
def machinery() -> frozenset[Path]:
    """What only drives the student's files: left out of a student's traceback."""
    return frozenset((*(HERE / name for name in course().provided), *LAB.rglob("*.py")))


def describe_error(error: BaseException) -> str:
    """The traceback of an error, trimmed to the student's own files (or else to the assignment's)."""
    frames = [(Path(frame.filename).resolve(), frame) for frame in traceback.extract_tb(error.__traceback__)]
    # Deeper folders, lab apart, are no code of ours: a virtual environment may lie there.
    ours = [frame for path, frame in frames if HERE in path.parents[:2] or LAB in path.parents]
    theirs = [frame for path, frame in frames if HERE in path.parents[:2] and path not in machinery()]
    # A syntax error names its place by itself; the frames only lead to the import.
    shown = theirs or ([] if isinstance(error, SyntaxError) else ours)
    lines = traceback.format_list(shown) + traceback.format_exception_only(type(error), error)
    return "".join(lines).rstrip().replace(str(HERE) + os.sep, "")


def attempt(part: Part, report: Report) -> Outcome:
    """Run a part here and now, turning whatever it raises into an outcome."""
    start = time.monotonic()
    status, message = "done", ""
    try:
        part.run(report)
    except (Exception, SystemExit) as error:  # the student's code may raise anything; the other parts go on
        status, message = ("todo", str(error)) if unwritten(error) else ("failed", describe_error(error))
    return Outcome(status, message, time.monotonic() - start)


def work(pipe: Connection, threads: int) -> None:
    """Life of a worker process: run the parts that come through the pipe until it closes, with so many threads."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print_anything()
    import torch

    torch.set_num_threads(threads)
    last = 0.0

    def report(iteration: int, total: int, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_EVERY or iteration == total:
            last = time.monotonic()
            pipe.send((iteration, total, text))

    # Without a parent, nobody waits for results any more.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(attempt(pipe.recv(), report))


class Worker:
    """A process that runs one part after the other. It is started, and stopped, by the main thread."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, threads), daemon=True)
        # Born deaf to Ctrl-C, so that it prints no traceback while it starts.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()

    def run(self, part: Part, report: Report) -> Outcome:
        """Wait until the process has run a part, passing on what it reports meanwhile."""
        start = time.monotonic()
        try:
            self.pipe.send(part)
            while not isinstance(message := self.pipe.recv(), Outcome):
                report(*message)
            return message
        except (EOFError, OSError):
            self.process.join()
            died = f"the process that ran it died (exit code {self.process.exitcode}); was the memory full?"
            return Outcome("failed", died, time.monotonic() - start)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()


def run_side_by_side(
    parts: list[Part], finished: Collection[str], processes: int, threads: int, display: Terminal
) -> dict[str, Outcome]:
    """Run parts in worker processes, each as soon as what it needs is there, the most urgent first.

    Args:
        parts: what to run; a need that is neither among them nor in finished makes a part be skipped.
        finished: names of parts that were finished by an earlier run.
        processes: how many parts to run at the same time.
        threads: of each of them.
        display: shows progress.

    Returns:
        The outcome of each part, by name. However this function is left, no process of its is left behind.
    """
    # Children read this when they load their numerical libraries.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    wanted = {part.name: part for part in parts}
    done = set(finished)
    outcomes: dict[str, Outcome] = {}
    ready: list[Part] = []
    running: dict[Future[Outcome], tuple[int, str]] = {}
    free = set(range(max(1, min(processes, len(parts)))))
    workers: dict[int, Worker] = {}
    order = TopologicalSorter({part.name: part.needs for part in parts})
    order.prepare()

    def end(slot: int, name: str, outcome: Outcome) -> None:
        outcomes[name] = outcome
        if outcome.status == "done":
            done.add(name)
        order.done(name)
        display.ended(slot, name, outcome)

    with ThreadPoolExecutor(len(free)) as listeners:
        try:
            while order.is_active():
                for name in order.get_ready():
                    if name not in wanted:
                        order.done(name)
                    elif missing := [need for need in wanted[name].needs if need not in done]:
                        end(-1, name, Outcome("skipped", missing[0]))
                    else:
                        ready.append(wanted[name])
                ready.sort(key=lambda part: urgency(part, parts))
                while ready and free:
                    part, slot = ready.pop(), min(free)
                    free.remove(slot)
                    workers[slot] = workers.get(slot) or Worker(threads)
                    display.started(slot, part.name)
                    report = partial(display.progress, slot, part.name)
                    running[listeners.submit(workers[slot].run, part, report)] = slot, part.name
                # Not for ever: on Windows, Ctrl-C interrupts no endless wait.
                for future in wait(running, timeout=1.0, return_when=FIRST_COMPLETED).done:
                    slot, name = running.pop(future)
                    free.add(slot)
                    if not workers[slot].process.is_alive():
                        del workers[slot]
                    end(slot, name, future.result())
        finally:
            for worker in workers.values():
                worker.stop()
    return outcomes
