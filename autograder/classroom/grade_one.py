"""`python -m autograder.classroom.grade_one`: grades one submission, in a process that does nothing else.

Instructions come as a line of JSON on standard input, because they hold the assignment's secret. Standard input stays
open as long as the process that wants the results is alive; when it closes, this process ends, and all its workers with
it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path

from autograder.exits import Exit, heed_signals, leave
from autograder.grading import grade
from autograder.grading.session import Grading
from autograder.writing import write_atomically


def main() -> int:
    """Grade what standard input says. Returns 0 if results were written, 130 if it was interrupted."""
    heed_signals()
    instructions = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_our_starter, daemon=True).start()
    grade.prepare_process()
    try:
        results = grade.grade(Grading.from_json(instructions["grading"]))
        grade.log_notes(results)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    write_atomically(Path(instructions["usage"]), json.dumps(_usage()))
    return Exit.DONE


def _end_with_our_starter() -> None:
    sys.stdin.read()
    # The zygote sees its control socket close, kills every worker and goes.
    os.kill(os.getpid(), signal.SIGKILL)


def _usage() -> dict[str, float]:
    """What the grading took: processor seconds of all its processes, and the largest one's memory in MiB."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return {
        "cpu_seconds": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "peak_mib": max(own.ru_maxrss, others.ru_maxrss) * unit / 2**20,
    }


if __name__ == "__main__":
    leave(main())
