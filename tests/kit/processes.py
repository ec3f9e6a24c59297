"""What tests ask about processes that they or the grader started."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

Value = TypeVar("Value")


def usual_environment(**more: str) -> dict[str, str]:
    """The environment of a user: without what is of this run of the tests ("ARGS" is what make was told), with more."""
    ours = ("PYTHON", "PYTEST", "MAKE", "ARGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def let_others_in(folder: Path) -> None:
    """Let other users enter a test's folder, through all of pytest's: code that is graded there runs as one of them."""
    for each in (folder, *folder.parents):
        each.chmod(each.stat().st_mode | 0o011)
        if each.name.startswith("pytest-of-"):
            return


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended (a zombie has)."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[int]:
    """Pids of the children of a process, their children, and so on, those that are alive."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True) if alive(child.pid)]
    except psutil.NoSuchProcess:
        return []


def until(condition: Callable[[], Value], seconds: float) -> Value:
    """What `condition` returns, as soon as it is true.

    Raises:
        AssertionError: it was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"it did not come true within {seconds} seconds")


@contextmanager
def nothing_left_running(seconds: float) -> Iterator[None]:
    """Processes that are started inside are gone `seconds` after it.

    Those from before may stay: a pool of processes, once used, leaves Python's own resource tracker.

    Raises:
        AssertionError: some are not.
    """
    before = set(descendants(os.getpid()))
    yield
    until(lambda: before.issuperset(descendants(os.getpid())), seconds)
