"""Grades staged submissions (see stage.py), as the command does: `python -m ...attacks.grade_staged INSTRUCTIONS`.

It writes each submission's known_facts.py first: the attacker is to know the grader's process id, which is ours. Of
several submissions all workers are forked from one zygote, whose start and self-check take longer than a grading.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from autograder import tasks
from autograder.grading import grade, report
from autograder.sandbox import backend
from autograder.writing import write_atomically


def main(instructions: Path) -> int:
    document = json.loads(instructions.read_text())
    instructions.unlink()
    secret = Path(document["secret_file"]).read_text()
    grade.prepare_process()
    # The grader always asks for every layer; only to see what fewer would do is it made to ask for these.
    backend.Settings = partial(backend.Settings, **document["zygote"])  # type: ignore[assignment,misc]
    with _one_zygote():
        for grading in document["gradings"]:
            _grade(grading["settings"], grading["facts"], secret)
    return 0


def _grade(settings: dict[str, Any], facts: dict[str, Any], secret: str) -> None:
    _tell(Path(settings["submission"]), {**facts, "grader": os.getpid()})
    for name in ("submission", "out", "tests", "points_file", "provided"):
        settings[name] = settings[name] and Path(settings[name])
    private = tuple(map(Path, settings.pop("private")))
    results = grade.grade(grade.Settings(**settings, private=private, secret=secret, total=None))
    entries = tasks.load(settings["points_file"], None)
    report.write_terminal(results.document(), entries, sys.stdout)
    html = settings["out"].with_name("report.html")
    write_atomically(html, report.page(results.document(), entries), mode=0o644)


@contextlib.contextmanager
def _one_zygote() -> Iterator[None]:
    """The gradings within share the zygote that the first of them starts."""
    start = backend.Zygote
    with contextlib.ExitStack() as stack:
        started: list[backend.Zygote] = []

        def shared(settings: backend.Settings, deadline: float) -> contextlib.AbstractContextManager[backend.Zygote]:
            if not started:
                started.append(stack.enter_context(start(settings)))
            started[0].deadline = deadline
            return contextlib.nullcontext(started[0])

        backend.Zygote = shared  # type: ignore[assignment,misc]
        yield


def _tell(submission: Path, facts: dict[str, Any]) -> None:
    text = f"FACTS = {facts!r}\n"
    if submission.is_dir():
        (submission / "known_facts.py").write_text(text)
    else:
        with zipfile.ZipFile(submission, "a") as archive:
            archive.writestr("known_facts.py", text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
