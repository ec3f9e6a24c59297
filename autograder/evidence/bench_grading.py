"""Measurements of the grader for bench.py: a whole grading of the reference submission, one call over the boundary."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.release.reference import hand_in
from autograder.release.student import write_zip
from autograder.repository import EXECUTOR, ROOT
from autograder.tasks import load

if TYPE_CHECKING:
    import psutil

SAMPLE_SECONDS = 0.1

Numbers = dict[str, float]


def grading(options: argparse.Namespace) -> Numbers:
    """A whole grading, public and hidden, as a process of its own.

    Returns:
        seconds: wall-clock time; cpu_seconds: processor time of all its processes; peak_mib: largest memory of all of
        them together, shared pages counted once; score: to see that it was graded properly.
    """
    with tempfile.TemporaryDirectory() as folder:
        submission, out = Path(folder) / "reference.zip", Path(folder) / "results.json"
        write_zip(hand_in(load()), submission, top="")
        command = [sys.executable, "-m", "autograder", "grade", str(submission), "--out", str(out)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sampler = MemorySampler(process.pid)
        sampler.start()
        status = process.wait()
        seconds = time.monotonic() - start
        sampler.stop()
        # Children count with all their descendants, for each of them is waited for.
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if status != 0:
            raise SystemExit(f"bench: the reference submission could not be graded (status {status})")
        score = json.loads(out.read_text())["score"]
    return {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": sampler.peak / 2**20,
        "score": score,
    }


class MemorySampler(threading.Thread):
    """Watches the memory of a process and all its descendants.

    Attributes:
        peak: bytes; proportional set sizes, in which a page that n processes share counts 1/n in each. Where the
            system does not tell them, resident sizes, which count such pages n times.

    Args:
        seconds: between two looks; each takes milliseconds of processor time for every process.
    """

    def __init__(self, pid: int, seconds: float = SAMPLE_SECONDS) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid, self._seconds, self._ended = pid, seconds, threading.Event()

    def run(self) -> None:
        import psutil

        root = psutil.Process(self._pid)
        while not self._ended.wait(self._seconds):
            try:
                processes = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self.peak = max(self.peak, sum(map(_memory, processes)))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _memory(process: psutil.Process) -> int:
    """Bytes of one process; 0 if it has just ended."""
    import psutil

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


def boundary(options: argparse.Namespace) -> Numbers:
    """Round trips over the boundary, sandbox included: a function that returns its argument.

    Returns:
        call_us: for one 100 x 10 float32 array there and back, microseconds; large_call_us: for 100 x 500 x 10 (2 MB).
    """
    import numpy as np

    from autograder.door.submission import Submission
    from autograder.sandbox.zygote import Zygote, ZygoteSettings, workspace

    numbers = {}
    with workspace() as folder, Zygote(ZygoteSettings(executor=EXECUTOR)) as zygote:
        code = folder / "submission"
        code.mkdir()
        (code / "echo.py").write_text("def same(x):\n    return x\n")
        for path in (code, code / "echo.py"):
            path.chmod(0o755)
        with zygote.start_worker(code) as worker:
            submission = Submission(worker)
            for name, shape, calls in (("call_us", (100, 10), 2000), ("large_call_us", (100, 500, 10), 100)):
                array = np.zeros(shape, dtype=np.float32)
                times = []
                for _ in range(calls):
                    start = time.perf_counter()
                    submission.call("echo.same", array)
                    times.append(time.perf_counter() - start)
                numbers[name] = float(np.median(times)) * 1e6
    return numbers
