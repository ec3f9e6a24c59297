"""Runs a command and measures what it and all its descendants take: time, memory, processes left behind."""

from __future__ import annotations

import contextlib
import math
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MIB = 1 << 20
SAMPLE_SECONDS = 0.1  # between two samples; each takes milliseconds of processor time for every process


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes:
        status: exit status; None if it was killed because its time was up.
        seconds: wall-clock time.
        cpu_seconds: processor time of all processes that were waited for.
        peak_mib: highest memory of all processes together, sampled. A page that n processes share counts 1/n in each;
            where the system does not say how many, it counts in full in each.
        left: processes that were seen and that it left behind; they have been killed.
    """

    status: int | None
    seconds: float
    cpu_seconds: float
    peak_mib: float
    left: int


def run(command: Sequence[str], seconds: float = math.inf, **options: Any) -> Usage:
    """Run a command, and kill it with all its descendants when `seconds` are over.

    Args:
        options: for subprocess.Popen.
    """
    import resource  # not on Windows

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    root = psutil.Process(process.pid)
    seen, peak, status = {root}, 0, None
    try:
        while status is None and time.monotonic() - began < seconds:
            tree = _tree(root)
            seen.update(tree)
            peak = max(peak, sum(map(_memory, tree)))
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(SAMPLE_SECONDS)
        took = time.monotonic() - began
        left = sum(_alive(other) for other in seen - {root})
    finally:
        seen.update(_tree(root))
        for _ in range(100):  # until they are gone
            alive = [other for other in seen if _alive(other)]
            for other in alive:
                with contextlib.suppress(psutil.Error):
                    other.kill()
            if not alive:
                break
            time.sleep(0.02)
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(status, took, cpu_seconds, peak / MIB, left)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants; nothing once it has ended."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def _memory(process: psutil.Process) -> int:
    """Bytes of one process; 0 if it has just ended."""
    try:
        # The sum of its mappings; reading each of them, as psutil does, takes ten times as long.
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # ended, not Linux, or not ours to look into
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
