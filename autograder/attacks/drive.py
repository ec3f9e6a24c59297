"""`python -m autograder.attacks.drive INSTRUCTIONS`: grades one staged submission (see stage.py), as the command does.

It writes the submission's known_facts.py first: the attacker is to know the grader's process id, which is ours.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

from autograder import grade, points, report
from autograder.attacks import stage
from autograder.results import write_atomically


def main(instructions: Path) -> int:
    document = json.loads(instructions.read_text())
    instructions.unlink()
    settings, facts = document["settings"], document["facts"]
    _tell(Path(settings["submission"]), {**facts, "grader": os.getpid()})
    grade.prepare_process()
    html, secret_file = Path(settings.pop("html")), Path(settings.pop("secret_file"))
    paths = {name: Path(settings[name]) for name in ("submission", "out", "tests", "points_file")}
    results = grade.grade(
        grade.Settings(
            **paths,
            secret=secret_file.read_text(),
            private=tuple(map(Path, settings["private"])),
            gradescope=settings["gradescope"],
            total=None,
            provided=None,
            call_seconds=stage.CALL_SECONDS,
            task_seconds=stage.TASK_SECONDS,
        )
    )
    entries = points.load(paths["points_file"], None)
    report.write_terminal(results.document(), entries, sys.stdout)
    write_atomically(html, report.page(results.document(), entries), mode=0o644)
    return 0


def _tell(submission: Path, facts: dict) -> None:
    text = f"FACTS = {facts!r}\n"
    if submission.is_dir():
        (submission / "known_facts.py").write_text(text)
    else:
        with zipfile.ZipFile(submission, "a") as archive:
            archive.writestr("known_facts.py", text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
