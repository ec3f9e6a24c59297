"""Grades staged submissions (see stage.py), as the command does: `python -m ...attacks.grade_staged INSTRUCTIONS`.

It writes each submission's known_facts.py first: the attacker must know the grader's process id, which is ours. The
workers of all submissions are forked from one zygote, whose start and self-check take longer than a grading.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.grading import grade, report
from autograder.grading.session import Grading
from autograder.repository import EXECUTOR
from autograder.writing import write_atomically

if TYPE_CHECKING:
    from autograder.sandbox.zygote import Zygote


def main(instructions: Path) -> int:
    document = json.loads(instructions.read_text())
    instructions.unlink()
    common = {"secret": Path(document["secret_file"]).read_text(), "zygote": document["zygote"]}
    grade.prepare_process()
    from autograder.sandbox.zygote import Zygote, ZygoteSettings

    gradings = document["gradings"]
    with contextlib.ExitStack() as stack:
        shared = None
        if len(gradings) > 1:
            shared = stack.enter_context(Zygote(ZygoteSettings(executor=EXECUTOR, **document["zygote"])))
        for grading in gradings:
            _grade(Grading.from_json(grading["settings"] | common), grading["facts"], shared)
    write_atomically(Path(document["usage"]), json.dumps(own_usage()))
    return 0


def own_usage() -> dict[str, float]:
    """What this process alone has taken so far: `peak_mib` of memory at most, `cpu_seconds`."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss, which begins with what the process had that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return {"peak_mib": peak_kib / 1024, "cpu_seconds": used.ru_utime + used.ru_stime}


def _grade(grading: Grading, facts: dict[str, Any], zygote: Zygote | None) -> None:
    _tell(grading.submission, {**facts, "grader": os.getpid()})
    results = grade.grade(grading, zygote)
    course = grading.session.load()
    report.write_terminal(results.document(), course, sys.stdout)
    html = grading.out.with_name("report.html")
    write_atomically(html, report.page(results.document(), course), mode=0o644)


def _tell(submission: Path, facts: dict[str, Any]) -> None:
    text = f"FACTS = {facts!r}\n"
    if submission.is_dir():
        (submission / "known_facts.py").write_text(text)
    else:
        # In a child: what it takes to read a hostile archive whole is not the grader's.
        if os.fork() == 0:
            with zipfile.ZipFile(submission, "a") as archive:
                archive.writestr("known_facts.py", text)
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
