"""What a student's `pytest` shows: one screen, with one thing to do next. A plugin of pytest; fixtures.py tells it what
became of each public check.

A student's folder is one where conftest.py says `config.release_line: str`; elsewhere only the table is new, at the
end. A run of all checks shows the table and the first failure; a run of some (`-m`, `-k`, names of files) and `--all`
show each failure first. `-v` and `-q` work as always.
"""

import io
import os
import sys
import textwrap
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autograder.door.time_limit import afterwards, frames_of

COLUMNS = 80
MOST_ROWS = 9  # of the table; with more tasks than that it has a row a section
SCREEN, OTHER_LINES = 24, 9  # lines; of them those around the table's rows and what is told of the first failure
BAR = 10
INTERRUPTED = pytest.ExitCode.INTERRUPTED
CHECK_SECONDS = 300.0  # for one check: the slowest takes ten on a slow machine


@dataclass(frozen=True)
class Told:
    """What became of a public check, and what its student reads.

    Attributes:
        check: its name, such as test_never_negative.
        outcome: "passed", "failed" or "skipped".
        lines: why it failed or was skipped; of a stub what is to be written, and where.
    """

    check: str
    outcome: str
    lines: tuple[str, ...] = ()


@dataclass
class Run:
    """One run of pytest.

    Attributes:
        told: task -> check -> what became of it, in the order in which they ran.
        expected: how many checks were to run.
        left_out: whether some were not to.
    """

    told: dict[str, dict[str, Told]] = field(default_factory=dict)
    expected: int = 0
    left_out: bool = False

    def add(self, task: str, told: Told) -> None:
        """Of what is said twice of a check, at its beginning and at its end, the first counts."""
        self.told.setdefault(task, {}).setdefault(told.check, told)


RUN = pytest.StashKey[Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="show every failure in full, not only the first")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUN] = Run()


@pytest.hookimpl(tryfirst=True)  # before pytest prints anything
def pytest_sessionstart(session: pytest.Session) -> None:
    options = session.config.option
    if release_line(session.config) and isinstance(sys.__stdout__, io.TextIOWrapper):
        # A file or a pipe on Windows has few letters. For one that it lacks, pytest would spell out the line ends, too.
        sys.__stdout__.reconfigure(errors="backslashreplace")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if release_line(session.config) and reporter is not None and options.verbose == 0:
        options.verbose = -1  # no header, and one line of dots
        reporter.reportchars = reporter.reportchars.replace("fE", "")
        if not in_full(session.config):
            options.tbstyle = "no"


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items[:1]:
        item.config.stash[RUN].left_out = True


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[RUN].expected = len(session.items)


def release_line(config: pytest.Config) -> str:
    """Which release of the assignment a student's folder is; "" elsewhere."""
    return getattr(config, "release_line", "")


def selected(config: pytest.Config) -> bool:
    """Whether somebody has asked for some of the checks."""
    by_name = config.args_source == pytest.Config.ArgsSource.ARGS
    return bool(by_name or config.option.markexpr or config.option.keyword)


def in_full(config: pytest.Config) -> bool:
    """Whether each failure is shown before the table."""
    return bool(config.option.all or selected(config))


# A check that hangs.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    with limited(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    with limited(item):
        return (yield)


@contextmanager
def limited(item: pytest.Item) -> Iterator[None]:
    """In a student's folder: end the run with what it has found, if a check goes on and on.

    A call that takes too long is ended by itself (see `fixtures.TimeLimited`), unless a library does not come back.
    """
    if not release_line(item.config) or item.config.option.usepdb:
        yield
        return
    with afterwards(CHECK_SECONDS, partial(end_run, item, threading.get_ident())):
        yield


def end_run(item: pytest.Item, thread: int) -> None:
    """From another thread: say where a check hangs, show the table, and end the process with status 1."""
    places = ((Path(frame.f_code.co_filename), frame.f_lineno) for frame in frames_of(thread))
    here = (f" in {file.name}, line {line}" for file, line in places if file.parent == item.config.rootpath)
    where = next(here, "")
    plugins = item.config.pluginmanager
    reporter: Any = plugins.get_plugin("terminalreporter")
    capture: Any = plugins.get_plugin("capturemanager")
    capture.suspend_global_capture(in_=True)
    reporter.write_line(f"\n{item.name}: still running after {CHECK_SECONDS:.0f} s{where}.")
    pytest_terminal_summary(reporter, 1, item.config)
    reporter.write_line("The run has ended here.")
    reporter.flush()
    os._exit(1)


# The table, and what to do next.


@dataclass(frozen=True)
class TableRow:
    """A row of the table: a task, or all of a section.

    Attributes:
        points: that the public checks give which have passed; worth: that all of them give; hidden: that others give.
    """

    label: str
    told: tuple[Told, ...]
    points: float
    worth: float
    hidden: float

    @property
    def passed(self) -> int:
        return sum(told.outcome == "passed" for told in self.told)

    @property
    def count(self) -> int:
        return sum(told.outcome != "skipped" for told in self.told)


def table(tasks: Sequence[dict[str, Any]], told: dict[str, dict[str, Told]]) -> list[TableRow]:
    """The rows of the table: of tasks with checks that ran, by task if these are few, else by section."""
    ran = [task for task in tasks if told.get(task["name"])]
    rows: dict[str, list[dict[str, Any]]] = {}
    for task in ran:
        by_section = f"{task['number'].rpartition('.')[0]:<3} {task['section']}"
        rows.setdefault(by_section if len(ran) > MOST_ROWS else f"{task['number']:<4} {task['title']}", []).append(task)
    return [_row(label, members, told) for label, members in rows.items()]


def _row(label: str, tasks: Sequence[dict[str, Any]], told: dict[str, dict[str, Told]]) -> TableRow:
    public = {name: worth for task in tasks for name, worth in task["public"].items()}
    found = tuple(one for task in tasks for one in told[task["name"]].values())
    points = sum(public.get(one.check, 0) for one in found if one.outcome == "passed")
    worth = sum(public.values())
    return TableRow(label, found, points, worth, sum(task["points"] for task in tasks) - worth)


def next_step(tasks: Sequence[dict[str, Any]], told: dict[str, dict[str, Told]]) -> tuple[dict[str, Any], Told] | None:
    """The first check that fails, in the order of the tasks, and its task."""
    failed = ((task, one) for task in tasks for one in told.get(task["name"], {}).values() if one.outcome == "failed")
    return next(failed, None)


def wrapped(lines: Sequence[str], most: int = sys.maxsize, before: str = "") -> list[str]:
    """Lines of fewer than COLUMNS characters, since Windows' old console breaks one that is full, and at most so many.

    Args:
        before: stands before the first line, and indents the others.
    """
    room = COLUMNS - len(before) - 1
    folded = [part for line in lines for part in textwrap.wrap(line, room) or [""]]
    only = [textwrap.shorten(line, room, placeholder=" ...") for line in lines[:1]]
    shown = folded if len(folded) <= most else [*folded[: most - 1], "..."] if most > 1 else only
    return [f"{' ' * len(before) if i else before}{line}".rstrip() for i, line in enumerate(shown)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """The table of the tasks, what to do next, and what this run cannot tell."""
    run, tasks, write = config.stash[RUN], config.course_tasks, terminalreporter.write_line  # type: ignore[attr-defined]
    if not run.told:
        return
    write("")
    write(f"{release_line(config):<36}{'public checks':<25}{'points':<12}hidden", bold=True)
    rows = table(tasks, run.told)
    for row in rows:
        share = row.passed / row.count if row.count else 0.0
        bar = "#" * int(BAR * share) + "." * (BAR - int(BAR * share))
        points = f"{round(row.points, 2):>5g} of {round(row.worth, 2):<5g}"
        terminalreporter.write(f" {row.label[:33]:<33} ")
        terminalreporter.write(f"[{bar}]", green=share == 1, yellow=0 < share < 1, red=share == 0)
        write(f" {row.passed:>2} of {row.count:<2}  {points}{f'+{round(row.hidden, 2):g}':>7}")
    for text in config.remarks([task for task in tasks if task["name"] in run.told]):  # type: ignore[attr-defined]
        write("\n".join(wrapped([text], SCREEN)))
    write("")
    todo = next_step(tasks, run.told)
    ran = sum(len(checks) for checks in run.told.values())
    all_ran = not run.left_out and not selected(config) and ran >= run.expected and exitstatus != INTERRUPTED
    if all_ran and release_line(config) and hasattr(config, "cache"):  # for the program that packs what is handed in
        counts = {"passed": sum(row.passed for row in rows), "count": sum(row.count for row in rows)}
        config.cache.set("assignment/public_checks", counts)
    if todo:
        task, told = todo
        # What has been shown in full is not shown again; else all of it fits on a screen, with the lines around it.
        most = 1 if in_full(config) else SCREEN - OTHER_LINES - len(rows)
        write("\n".join(wrapped(told.lines, most, "Next: ")), bold=True)
        write(f"\nMore: pytest -m {task['name']:<30} this task alone, in full")
        write("      pytest --all                             every failure in full")
        return
    write("Every public check passes." if all_ran else "These checks pass. `pytest` alone runs them all.", green=True)
    for told in [told for row in rows for told in row.told if told.outcome == "skipped"][:2]:
        write("\n".join(wrapped(told.lines, 2, "Left out: ")))
    write("Hidden checks run when you hand in: they look closer than these.")
