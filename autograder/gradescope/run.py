"""What the zip's scripts start, as `python -I .../files/grader COMMAND FOLDER`; FOLDER is /autograder on Gradescope.

run       grade FOLDER/submission into FOLDER/results/results.json, under the course's and Gradescope's rules
rehearse  grade FOLDER/submission, or else an empty file; the exit status says whether grading works here
otter     grade what `otter run` has prepared in FOLDER, for the cases of Otter's test files
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder import tasks
from autograder.exits import Exit
from autograder.gradescope import rules
from autograder.gradescope.settings import Settings, SettingsError, load
from autograder.grading import grade
from autograder.grading.secret import SECRET_FILE, SecretError, load_secret
from autograder.grading.session import Grading, Session
from autograder.repository import TESTS
from autograder.scratch import temporary_folder
from autograder.tasks import CourseError
from autograder.writing import write_atomically

METADATA = "submission_metadata.json"
# What Otter puts among the submitted files before it grades: our folder and driver, its tests, its empty module.
ADDED_BY_OTTER = {"grader", "driver.ipynb", "tests", "__init__.py"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "rehearse", "otter"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    commands = {"run": run, "rehearse": rehearse, "otter": otter}
    try:
        return commands[options.command](options.folder.resolve())
    except KeyboardInterrupt:
        print(f"{options.command}: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED


def run(folder: Path) -> int:
    """Grade for Gradescope. Returns 0 as soon as there is a results.json, which says so if the grader had a problem."""
    out = folder / "results" / "results.json"
    metadata_file = folder / METADATA
    metadata = rules.read_metadata(metadata_file)
    try:
        course, settings, secret = tasks.load(), load(), load_secret(SECRET_FILE, create=False)
    except (CourseError, SettingsError, SecretError) as error:
        traceback.print_exc()
        _write_broken(out, error)
        return Exit.DONE
    refused = rules.refusal(course, metadata)
    if refused is not None:
        write_atomically(out, json.dumps(refused, indent=1) + "\n")
        print(refused["output"])
        return Exit.DONE
    grade.prepare_process()
    results = grade.grade(
        _grading(
            settings,
            submission=folder / "submission",
            out=out,
            secret=secret,
            private=(TESTS / "hidden", SECRET_FILE, metadata_file, out.parent),
            gradescope=True,
            publish=lambda document: rules.publish(document, course, settings, metadata),
        )
    )
    grade.log_notes(results)
    grade.log_resources(results.seconds)
    return Exit.DONE


def rehearse(folder: Path) -> int:
    """Grade what is in FOLDER/submission, on a machine that may not have every layer of the sandbox.

    An empty folder gets an empty file: of nothing, nothing would be graded, and no worker would start.
    """
    try:
        course, settings, secret = tasks.load(), load(), load_secret(SECRET_FILE, create=False)
    except (CourseError, SettingsError, SecretError) as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    submission = folder / "submission"
    if not any(submission.iterdir()):
        (submission / min(name for name in course.files if name.endswith(".py"))).touch()
    grade.prepare_process()
    results = grade.grade(_grading(settings, submission=submission, out=folder / "results.json", secret=secret))
    sandbox = results.extra.get("sandbox", {})
    print(f"sandbox here: {', '.join(sandbox.get('layers', ())) or 'nothing'}")
    for layer, reason in sandbox.get("missing", {}).items():
        print(f"sandbox here: no {layer}: {reason}")
    if "problem" in results.extra:
        print(results.extra["problem"], file=sys.stderr)
        return Exit.FAILED
    return Exit.DONE


def otter(folder: Path) -> int:
    """Grade FOLDER/submission as `otter run` leaves it, without asking for root; results as `run` writes them."""
    course, settings, secret = tasks.load(), load(), load_secret(SECRET_FILE, create=False)
    grade.prepare_process()
    with temporary_folder("otter") as scratch:
        submitted = scratch / "submission"
        copy_submission(folder / "submission", submitted)
        results = grade.grade(
            _grading(
                settings,
                submission=submitted,
                out=folder / "results" / "graded.json",
                secret=secret,
                private=(SECRET_FILE,),
                publish=lambda document: rules.publish(document, course, settings, {}),
            )
        )
    return Exit.FAILED if "problem" in results.extra else Exit.DONE


def copy_submission(source: Path, target: Path) -> None:
    """Copy what a student has handed in out of a folder to which Otter has added its own files."""
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.name in ADDED_BY_OTTER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, target / entry.name, symlinks=True, copy_function=_copy)
        else:
            _copy(str(entry), str(target / entry.name))


def _copy(source: str, target: str) -> str:
    """Copy a file or a link; a pipe or device becomes a pipe, for which nobody waits, so that it is named at least."""
    if stat.S_IFMT(os.lstat(source).st_mode) in (stat.S_IFREG, stat.S_IFLNK):
        return shutil.copy2(source, target, follow_symlinks=False)
    os.mkfifo(target)
    return target


def _grading(settings: Settings, secret: str, **parts: Any) -> Grading:
    limits = settings.limits
    session = Session(secret, seconds=limits.seconds, task_seconds=limits.task_seconds, memory_mib=limits.memory_mib)
    return Grading(session, **parts)


def _write_broken(out: Path, error: Exception) -> None:
    """Results for when the zip itself is unusable; students are told whose fault it is."""
    document = {
        "score": 0,
        "output": grade.SETUP_PROBLEM,
        "output_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"problem": f"{type(error).__name__}: {error}"},
        "tests": [],
    }
    write_atomically(out, json.dumps(document, indent=1) + "\n")
