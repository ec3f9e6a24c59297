"""`python -m autograder.attacks.drive INSTRUCTIONS`: grades one staged submission (see stage.py), as the command does.

It writes the submission's known_facts.py first: the attacker is to know the grader's process id, which is ours.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from autograder import grade, points, remote, report
from autograder.results import write_atomically


def main(instructions: Path) -> int:
    document = json.loads(instructions.read_text())
    instructions.unlink()
    settings, facts = document["settings"], document["facts"]
    _tell(Path(settings["submission"]), {**facts, "grader": os.getpid()})
    grade.prepare_process()
    html, secret_file = Path(settings.pop("html")), Path(settings.pop("secret_file"))
    for name in ("submission", "out", "tests", "points_file", "provided"):
        settings[name] = settings[name] and Path(settings[name])
    # The grader always asks for every layer; only to see what fewer would do is it made to ask for these.
    remote.Settings = partial(remote.Settings, layers=tuple(settings.pop("layers")))  # type: ignore[assignment,misc]
    private = tuple(map(Path, settings.pop("private")))
    results = grade.grade(grade.Settings(**settings, private=private, secret=secret_file.read_text(), total=None))
    entries = points.load(settings["points_file"], None)
    report.write_terminal(results.document(), entries, sys.stdout)
    write_atomically(html, report.page(results.document(), entries), mode=0o644)
    return 0


def _tell(submission: Path, facts: dict[str, Any]) -> None:
    text = f"FACTS = {facts!r}\n"
    if submission.is_dir():
        (submission / "known_facts.py").write_text(text)
    else:
        with zipfile.ZipFile(submission, "a") as archive:
            archive.writestr("known_facts.py", text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
