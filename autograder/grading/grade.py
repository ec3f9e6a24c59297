"""Grades one submission. This process is trusted: it holds the hidden checks, the oracles and the secret, and imports
neither torch nor anything of the submission.

It writes results.json before it begins, after every part, and once more when no process of the submission is left.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import math
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.door import library_use
from autograder.exits import interrupted, is_lack, raise_if_interrupted
from autograder.grading import report
from autograder.grading.results import Results
from autograder.grading.session import Grading, Session
from autograder.repository import EXECUTOR, ROOT
from autograder.sandbox.text import safe_text
from autograder.scratch import temporary_folder
from autograder.stamp import Stamp
from autograder.tasks import Course
from autograder.writing import WriteError

# Modules that import NumPy are imported in the functions, after `prepare_process` has set how many threads it may use.
if TYPE_CHECKING:
    from autograder.grading.intake import Intake
    from autograder.sandbox.layers import Protection
    from autograder.sandbox.zygote import Zygote, ZygoteSettings

REQUIRED_LAYERS = ("session", "uid", "rlimits", "seccomp")
INTERRUPTED = "Grading was interrupted: below is what was graded until then."
SETUP_PROBLEM = (
    "Grader set-up problem: your submission was not graded. This is not your fault. Please tell your instructor."
)


def prepare_process() -> None:
    """Make this process independent of who starts it and where: environment, search path, bytecode, threads."""
    for name in list(os.environ):
        if name.startswith(("PYTEST_", "HYPOTHESIS_", "PYTHON")):
            del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # Sums on several threads may differ in their last digits, and more threads take more memory.
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    sys.dont_write_bytecode = True
    # `python -m` puts the folder that it was started in first.
    here = os.getcwd()
    sys.path[:] = [str(ROOT), *(entry for entry in sys.path if entry not in ("", here, str(ROOT)))]


def grade(grading: Grading, zygote: Zygote | None = None) -> Results:
    """Grade a submission. Results are written to `grading.out` whatever happens.

    Args:
        zygote: where the grading's own branches off; if None, one is started for this grading.

    Raises:
        KeyboardInterrupt: after the results so far have been written.
        WriteError: the results cannot be written.
    """
    results = Results({})
    began = time.monotonic()

    def save(so_far: bool = True) -> None:
        results.seconds = time.monotonic() - began
        results.write(grading.out, grading.publish, so_far)

    try:
        course = grading.session.load()
        results.rows.update(Results.of(course).rows)
        results.notes = ["Grading did not finish: below is what was graded until it was cut off."]
        save()
        if grading.gradescope:
            make_private(grading.private)
        with taken_in(grading.submission, course, grading.session) as submitted:
            _note(submitted, course, results)
            about_release = _of_release(grading.session.release, submitted.release, results)
            if not submitted.errors:
                _remark(course, submitted, results)
                _judge_files(course, submitted, grading.session, results)
                save()
                with _zygote_of(grading, course, zygote, began + grading.session.seconds) as forking:
                    _check_protection(forking.protection, grading, results)
                    # hypothesis watches collections by a callback, and a Ctrl-C that comes during one is lost: keep
                    # them short.
                    gc.freeze()
                    grade_in(forking, submitted, course, grading.session, results, save)
        # As students see it: what a check that is hidden from them found stays hidden.
        first = report.first_step(results.document(grading.publish), course)
        results.notes = [*submitted.errors, *([first] if first else []), *submitted.notes, *about_release]
    except KeyboardInterrupt:
        results.notes = [INTERRUPTED]
        raise
    except WriteError:  # of results.json itself
        raise
    except Exception as error:
        if interrupted():  # in the midst of something, which then could not be ended in order
            results.notes = [INTERRUPTED]
            raise KeyboardInterrupt from None
        # Something is wrong with the grader: no points that may be wrong, and no details where students see them.
        if not is_lack(error):
            traceback.print_exc()
        fail(results, error)
    finally:
        save(so_far=False)
    return results


def fail(results: Results, error: Exception) -> None:
    """Turn results into those of a grader that could not do its work."""
    results.withdraw("Not graded: grader set-up problem. Please tell your instructor.")
    results.notes = [SETUP_PROBLEM]
    results.extra["problem"] = f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def taken_in(submission: Path, course: Course, session: Session) -> Iterator[Intake]:
    """The files of a submission, a folder or a zip, copied to where workers can read them; deleted at the end."""
    from autograder.grading import intake
    from autograder.sandbox.zygote import workspace

    with workspace() as place:
        folder = place / "submission"
        folder.mkdir()
        folder.chmod(0o755)  # the graded code's user must be able to read it
        yield intake.unpack(submission, folder, course.files, session.provided)


def grade_in(
    zygote: Zygote,
    submitted: Intake,
    course: Course,
    session: Session,
    results: Results,
    save: Callable[[], None] = lambda: None,
    stop_at_first_failure: bool = False,
) -> None:
    """Run the checks on a submission, in workers that are forked from a zygote; at the end none of them is left.

    Args:
        submitted: what `taken_in` gives.
        results: filled in as the checks end; a check without a row is not run.
        save: called after every file of checks.
        stop_at_first_failure: the remaining rows stay as they are.

    Raises:
        GradingError: the grader could not do its work.
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    from autograder.grading.suites import Grader, GradingError, run_suites
    from autograder.sandbox.layers import Limits, refuses_to_create

    _find_helpers(session)
    limits = Limits(
        call_seconds=session.call_seconds,
        cpu_seconds=max(1, math.ceil(session.seconds)),  # one worker may serve many tasks
        memory_bytes=session.memory_mib * 2**20,
    )
    grader = Grader(
        course,
        session,
        submitted,
        results,
        start_worker=lambda: zygote.start_worker(submitted.folder, limits),
        makes_files=not refuses_to_create(zygote.protection.layers),
        deadline=time.monotonic() + session.seconds if zygote.deadline is None else zygote.deadline,
        save=save,
    )
    with temporary_folder("grader") as scratch:
        set_hypothesis_home_dir(scratch / "hypothesis")
        run_suites(grader, session.tests, scratch, stop_at_first_failure)
    raise_if_interrupted()
    if "torch" in sys.modules:
        raise GradingError("a check has imported torch, which only the executor may")
    if grader.problem is not None:
        raise GradingError(grader.problem)


def _note(submitted: Intake, course: Course, results: Results) -> None:
    """Record what became of the submission's files."""
    results.extra["submission"] = {
        "files": len(submitted.files),
        "left_out": [safe_text(name) for name in submitted.left_out],
        "notes": list(submitted.notes),
        "errors": list(submitted.errors),
    }
    if submitted.errors:
        results.rows = Results.of_nothing(course, "\n".join((*submitted.errors, *submitted.notes))).rows


def _of_release(ours: Stamp | None, theirs: Stamp | None, results: Results) -> list[str]:
    """Record which release graded which; say so if the student's checks are not those of today."""
    results.extra["release"] = ours.document() if ours else {}
    if ours is None or theirs is None or ours == theirs:
        return []
    results.extra["release"]["submitted"] = theirs.document()
    return [
        f"Your checks may be older than this grader: it is for release {ours} of the assignment, your submission comes "
        f"from release {theirs}. Take the newest student.zip, or its patch.zip."
    ]


def _remark(course: Course, submitted: Intake, results: Results) -> None:
    """Let the first row of a task say where its code uses a library that the course forbids."""
    for task in course.tasks:
        path = submitted.file(task.file)
        row = next((check.id for check in course.checks if check.task == task.name), None)
        if task.forbids and path is not None and row is not None:
            text = library_use.remark(task.file, path.read_bytes(), task.number, task.functions, task.forbids)
            results.remark(row, text)


def _judge_files(course: Course, submitted: Intake, session: Session, results: Results) -> None:
    """Have the files that are not code judged. This comes first, when nothing of the submission has run yet."""
    from autograder.grading.messages import SENTENCES

    _find_helpers(session)
    for task in course.tasks:
        if task.judge and task.file in submitted.unusable:
            results.set(task.name, 0.0, SENTENCES["unusable file"].format(file=task.file), kind="missing")
        elif task.judge:
            module, _, function = task.judge.partition(":")
            judge = getattr(importlib.import_module(module), function)
            found = judge(submitted.file(task.file), session.secret, session.course.parents[1])
            results.set(task.name, found.fraction, found.message, kind=found.kind)
            results.leaderboard += [
                {"name": name, "value": round(value, 2), "order": "asc"} for name, value in found.leaderboard.items()
            ]


def _find_helpers(session: Session) -> None:
    """Let the checks import their helpers."""
    if str(session.tests) not in sys.path:
        sys.path.insert(0, str(session.tests))


@contextlib.contextmanager
def _zygote_of(grading: Grading, course: Course, given: Zygote | None, deadline: float) -> Iterator[Zygote]:
    """The zygote that forks a grading's workers."""
    from autograder.sandbox.zygote import Branch, Zygote

    if given is not None:
        with Branch(given, deadline) as branch:
            yield branch
        return
    with Zygote(zygote_settings(grading, course), deadline) as started:
        yield started


def zygote_settings(grading: Grading, course: Course) -> ZygoteSettings:
    """How the zygote of a grading is started."""
    from autograder.sandbox.zygote import ZygoteSettings

    preload = {"preload": (*ZygoteSettings.preload, *course.imports)}
    return ZygoteSettings(executor=EXECUTOR, secrets=_private_files(grading), **preload | dict(grading.zygote))


def _check_protection(protection: Protection, grading: Grading, results: Results) -> None:
    """Log what is in force, and refuse to grade for Gradescope without REQUIRED_LAYERS.

    Raises:
        Unprotected: a layer is missing.
    """
    results.extra["sandbox"] = _summary(protection)
    _log(protection.describe())
    if grading.gradescope:
        protection.require(REQUIRED_LAYERS)
    elif set(protection.missing) - {"mounts"}:  # without it there is traces.py
        _log("warning: not every layer of the sandbox is in force: do not grade strangers' code like this")


def make_private(paths: Sequence[Path]) -> None:
    """Take all rights on these files and folders from everybody but the owner; missing ones are skipped."""
    for path in paths:
        if path.exists():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _private_files(grading: Grading) -> tuple[Path, ...]:
    """The files on which the sandbox's self-check proves that the graded code cannot read them.

    On an instructor's own machine some lie open to all users; there Landlock is what hides them.
    """
    candidates = [grading.out]
    for path in grading.private:
        candidates += [path] if path.is_file() else sorted(path.glob("*.py"))
    return tuple(path for path in candidates if path.is_file() and _closed_to_others(path))


def _closed_to_others(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0


def _summary(protection: Protection) -> dict[str, Any]:
    """The sandbox for results.json: what is in force, what is missing and why, and how much was tried to prove it."""
    return {
        "layers": list(protection.layers),
        "missing": protection.missing,
        "landlock_abi": protection.landlock_abi,
        "kernel": protection.kernel,
        "refused_probes": {layer: len(protection.proofs[layer]) for layer in protection.layers},
    }


def log_notes(results: Results) -> None:
    """Log what there is to say about the submission, where no report is printed."""
    _log(*results.notes)


def _log(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def log_resources(seconds: float) -> None:
    """Log what the grading took; the peak is that of the largest single process."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    peak = max(own.ru_maxrss, others.ru_maxrss) * unit / 2**20
    _log(f"graded in {seconds:.1f} s, {cpu:.1f} s of processor time; the largest process took {peak:.0f} MiB")
