"""`python -m autograder bench`: speed and memory of grading, measured here and now: a whole grading of the reference
submission, one call over the boundary. Prints a table and writes bench.json.

Never part of the tests: the numbers depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autograder import measuring
from autograder.exits import Exit
from autograder.release.archive import write_zip
from autograder.release.reference import hand_in
from autograder.repository import EXECUTOR, ROOT
from autograder.scratch import temporary_folder
from autograder.tasks import load
from autograder.writing import make_place, write_atomically

Numbers = dict[str, float]
Bench = Callable[[argparse.Namespace], Numbers]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder bench", description="Measure the grading.")
    return measure(parser, {"grading": grading, "boundary": boundary}, arguments)


def measure(parser: argparse.ArgumentParser, benches: Mapping[str, Bench], arguments: list[str]) -> int:
    """A command that measures what it is asked for, prints a table, and keeps in bench.json what others measured.

    Args:
        parser: knows the benches' own options.
        benches: name in bench.json to function of the options.
    """
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure (default: all): {', '.join(benches)}"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "bench.json", help="default: bench.json in the repository")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(benches):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(benches)}")
    make_place(options.out)
    found = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    found["machine"] = {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    for name in options.names or benches:
        print(f"measuring {name} ...", file=sys.stderr)
        found[name] = benches[name](options)
        for key, value in found[name].items():
            print(f"{name + '.' + key:<44} {value:>10.2f}")
    write_atomically(options.out, json.dumps(found, indent=1) + "\n", mode=0o644)
    return Exit.DONE


def grading(options: argparse.Namespace) -> Numbers:
    """A whole grading, public and hidden, as a process of its own.

    Returns:
        seconds: wall-clock time; cpu_seconds: processor time of all its processes; peak_mib: largest memory of all of
        them together, shared pages counted once; score: to see that it was graded properly.
    """
    with temporary_folder("bench") as folder:
        submission, out = folder / "reference.zip", folder / "results.json"
        write_zip(hand_in(load()), submission)
        command = [sys.executable, "-m", "autograder", "grade", str(submission), "--out", str(out)]
        usage = measuring.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if usage.status != 0:
            raise SystemExit(f"bench: the reference submission could not be graded (status {usage.status})")
        score = json.loads(out.read_text())["score"]
    return {
        "seconds": usage.seconds,
        "cpu_seconds": usage.cpu_seconds,
        "peak_mib": usage.peak_mib,
        "score": score,
    }


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
