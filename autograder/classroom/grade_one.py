"""`python -m autograder.classroom.grade_one`: grades submissions one after the other, each in a process of its own.

What they share is what knows of none of them: the grader's modules, imported once, and a zygote that is never told of a
submission. Each grading is forked from that, and forks a branch of the zygote. So no state of one reaches the next.

Instructions come as a line of JSON for each on standard input, because they hold the assignment's secret. The answers
are two lines on standard output: "begun", and the exit status of the grading. Standard input stays open as long as the
process that wants the results is alive; when it closes, all of ours end.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.exits import Exit, heed_signals, leave
from autograder.grading import grade
from autograder.grading.session import Grading
from autograder.scratch import temporary_file
from autograder.writing import write_atomically

if TYPE_CHECKING:
    from autograder.sandbox.zygote import Zygote

# What most checks import, and we only once.
IMPORTS = ("autograder.grading.intake", "autograder.grading.suites", "hypothesis", "numpy", "scipy.stats")
IDLE_SECONDS = 120.0  # without instructions, after which memory is given back


def main() -> int:
    """Grade what standard input says until it closes."""
    # Whatever else is printed here must not be taken for an answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    # A Ctrl-C is for the grading. Not ignored: the zygote and all its workers would inherit that.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    grade.prepare_process()
    for name in IMPORTS:
        importlib.import_module(name)
    with contextlib.ExitStack() as stack:
        trunk: Zygote | None = None
        while select.select([0], [], [], IDLE_SECONDS)[0] and (line := _line()):
            instructions = json.loads(line)
            if trunk is None:
                trunk = _trunk(Grading.from_json(instructions["grading"]), stack)
            _answer(answers, "begun")
            _answer(answers, str(_forked(instructions, trunk)))
    return Exit.DONE


def _line() -> bytes:
    """The next line of standard input, and not a byte more: what is left in a buffer, `select` would not see."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)  # one line at a time is sent
        if not piece:
            return b""
        line += piece
    return line


def _answer(answers: int, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(answers, f"{text}\n".encode())


def _trunk(grading: Grading, stack: contextlib.ExitStack) -> Zygote | None:
    """The zygote of all gradings; None if it cannot be started: then each tries by itself, and says why."""
    from autograder.sandbox.zygote import Zygote, ZygoteDied

    try:
        # In place of the results, which workers must not read: its self-check tries that.
        out = stack.enter_context(temporary_file(Path(tempfile.gettempdir()), "results"))
        settings = grade.zygote_settings(replace(grading, out=out), grading.session.load())
        return stack.enter_context(Zygote(settings))
    except (ZygoteDied, OSError):
        traceback.print_exc()
        return None


def _forked(instructions: Mapping[str, Any], trunk: Zygote | None) -> int:
    """Exit status of a grading in a process that is forked for it."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = int(Exit.FAILED)
    try:
        status = _grade(instructions, trunk)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _grade(instructions: Mapping[str, Any], trunk: Zygote | None) -> int:
    """Grade one submission. Returns 0 if results were written, 130 if it was interrupted."""
    log = os.open(instructions["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    heed_signals()
    threading.Thread(target=_end_with_our_starter, daemon=True).start()
    random.seed()  # not as for the one before
    # What a killed grading leaves behind goes with its folder.
    tempfile.tempdir = os.environ["TMPDIR"] = instructions["temporary"]
    try:
        results = grade.grade(Grading.from_json(instructions["grading"]), trunk)
        grade.log_notes(results)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    write_atomically(Path(instructions["usage"]), json.dumps(_usage(trunk.spent if trunk else {})))
    return Exit.DONE


def _end_with_our_starter() -> None:
    os.read(0, 1)  # nothing comes before we have answered
    # The zygote's branch sees its control socket close, kills every worker and goes.
    os.kill(os.getpid(), signal.SIGKILL)


def _usage(spent: Mapping[str, float]) -> dict[str, float]:
    """What the grading took, with its branch of the zygote: as the fields of grading.ParcelOutcome say."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    waited = 0.0
    with contextlib.suppress(OSError):  # only Linux says how long a process was ready and had no processor
        waited = int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    return {
        "cpu_seconds": cpu + spent.get("cpu_seconds", 0.0),
        "peak_mib": max(own.ru_maxrss, others.ru_maxrss, spent.get("peak", 0)) * unit / 2**20,
        "waited_share": waited / (waited + own.ru_utime + own.ru_stime),
    }


if __name__ == "__main__":
    leave(main())
