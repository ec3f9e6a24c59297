"""`python -m autograder grade SUBMISSION`: grade a folder or a zip, write results.json, print a report.

This process is trusted: it holds the hidden checks, the oracles and the secret, and imports neither torch nor anything
of the submission. It writes results.json before it begins, after every part, and once more when no process of the
submission is left.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import tasks
from autograder.grading import report
from autograder.grading.results import Results, write_atomically
from autograder.grading.secret import SECRET_FILE, SecretError, load_secret
from autograder.repository import DATA, EXECUTOR, ROOT, STUDENT, TESTS
from autograder.tasks import Points

if TYPE_CHECKING:
    from autograder.grading.intake import Intake
    from autograder.sandbox.backend import Zygote
    from autograder.sandbox.layers import Protection

PROVIDED = STUDENT
SECONDS = 480.0  # of the 600 that Gradescope gives by default
REQUIRED_LAYERS = ("session", "uid", "rlimits", "seccomp")
# In Gradescope's container: names the student and lists earlier results.
METADATA = Path("/autograder/submission_metadata.json")
SETUP_PROBLEM = (
    "Grader set-up problem: your submission was not graded. This is not your fault. Please tell your instructor."
)


@dataclass(frozen=True)
class Settings:
    """What to grade, and how.

    Attributes:
        submission: folder or zip.
        out: where results.json goes.
        secret: seeds the inputs of all checks.
        private: files that the graded code must not be able to read, besides results.json.
        gradescope: take everybody else's rights from `private`, and refuse to grade unless REQUIRED_LAYERS are in
            force.
        seconds: wall-clock limit of the whole grading.
        task_seconds: limit for the calls of one task's checks together.
        call_seconds: limit for one call; t-SNE's, which imports scikit-learn, takes 10 s on a busy half processor.
        memory_mib: what the code of one task may use beyond PyTorch itself.
        tests: folder with conftest.py, public/ and hidden/.
        points_file: entries of its checks.
        total: what the points must add up to, None for anything.
        provided: folder with the modules that students need not hand in, None for none.
        publish: what becomes of the document before it is written (visibility, late penalty), None for nothing.
    """

    submission: Path
    out: Path
    secret: str
    private: tuple[Path, ...] = ()
    gradescope: bool = False
    seconds: float = SECONDS
    task_seconds: float = 90.0  # five tasks that use all of it still fit
    call_seconds: float = 30.0
    memory_mib: int = 384
    tests: Path = TESTS
    points_file: Path = tasks.POINTS_FILE
    total: float | None = tasks.TOTAL_POINTS
    provided: Path | None = PROVIDED
    publish: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def prepare_process() -> None:
    """Make this process independent of who starts it and from where: environment, search path, bytecode, threads."""
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


def grade(settings: Settings) -> Results:
    """Grade a submission. Results are written to `settings.out` whatever happens.

    Raises:
        KeyboardInterrupt: after the results so far have been written.
    """
    grading = _Grading(settings)
    results = grading.results
    try:
        entries = tasks.load(settings.points_file, settings.total)
        results.rows.update(Results.of(entries).rows)
        results.notes = ["Grading did not finish: below is what was graded until it was cut off."]
        grading.save()
        submitted = grading.run(entries)
        results.notes = [*submitted.errors, *submitted.notes]
    except KeyboardInterrupt:
        results.notes = ["Grading was interrupted: below is what was graded until then."]
        raise
    except Exception as error:
        # Something is wrong with the grader: no points that may be wrong, and no details where students see them.
        traceback.print_exc()
        fail(results, error)
    finally:
        grading.save()
    return results


def fail(results: Results, error: Exception) -> None:
    """Turn results into those of a grader that could not do its work."""
    results.withdraw("Not graded: grader set-up problem. Please tell your instructor.")
    results.notes = [SETUP_PROBLEM]
    results.extra["problem"] = f"{type(error).__name__}: {error}"


class _Grading:
    """One grading and its results."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.results = Results({})
        self._began = time.monotonic()
        self._deadline = self._began + settings.seconds

    def save(self) -> None:
        """Write the results as they are now."""
        self.results.seconds = time.monotonic() - self._began
        self.results.write(self.settings.out, self.settings.publish)

    def run(self, entries: Points) -> Intake:
        """Everything between the first writing of the results and the last; at its end no other process is left."""
        # Imported here, after `prepare_process`.
        from hypothesis.configuration import set_hypothesis_home_dir

        from autograder.grading import intake
        from autograder.sandbox import backend

        settings, results = self.settings, self.results
        if str(settings.tests) not in sys.path:
            sys.path.insert(0, str(settings.tests))
        if settings.gradescope:
            make_private(settings.private)
        with tempfile.TemporaryDirectory(prefix="grader-") as scratch, backend.workspace() as workspace:
            set_hypothesis_home_dir(Path(scratch) / "hypothesis")
            folder = workspace / "submission"
            folder.mkdir()
            folder.chmod(0o755)  # the graded code's user reads it
            expected = entries.files
            submitted = intake.unpack(settings.submission, folder, expected, settings.provided)
            _log(*submitted.errors, *submitted.notes)
            results.extra["submission"] = {"notes": list(submitted.notes), "errors": list(submitted.errors)}
            if submitted.errors:
                for check in entries.checks:
                    results.set(check.id, 0.0, "Not graded: " + " ".join(submitted.errors))
                return submitted
            self._grade_weights(entries, submitted)
            self.save()
            remote_settings = backend.Settings(executor=EXECUTOR, secrets=_private_files(settings))
            with backend.Zygote(remote_settings, deadline=self._deadline) as zygote:
                results.extra["sandbox"] = _summary(zygote.protection)
                _log(zygote.protection.describe())
                if settings.gradescope:
                    zygote.protection.require(REQUIRED_LAYERS)
                elif zygote.protection.missing:
                    _log("warning: not every layer of the sandbox is in force: do not grade strangers' code like this")
                self._run_checks(entries, submitted, zygote, Path(scratch))
        return submitted

    def _grade_weights(self, entries: Points, submitted: Intake) -> None:
        """The checks of trained weights. Before all others: nothing of the submission has run yet."""
        from autograder.grading.weights import grade_weights

        for check in entries.checks:
            if check.kind == "weights":
                name = entries.task(check.task).file
                path = submitted.folder / name if name in submitted.files else None
                outcome = grade_weights(path, self.settings.secret, DATA)
                self.results.set(check.id, outcome.fraction, outcome.message)
                self.results.leaderboard += outcome.leaderboard()

    def _run_checks(self, entries: Points, submitted: Intake, zygote: Zygote, scratch: Path) -> None:
        """The pytest suites."""
        from autograder.grading.intake import MODEL_SUFFIX
        from autograder.grading.suites import Grader, GradingError, run_suites
        from autograder.sandbox.layers import Limits

        settings = self.settings
        limits = Limits(
            call_seconds=settings.call_seconds,
            task_seconds=settings.task_seconds,
            memory_bytes=settings.memory_mib * 2**20,
        )
        models = (submitted.folder / name for name in submitted.files if name.endswith(MODEL_SUFFIX))
        grader = Grader(
            points=entries,
            results=self.results,
            tests=settings.tests,
            start_worker=lambda draws: zygote.start_worker(submitted.folder, limits, scratch=draws),
            files=frozenset(submitted.files),
            trained_weights=next(models, None),
            secret=settings.secret,
            deadline=self._deadline,
            task_seconds=settings.task_seconds,
            save=self.save,
        )
        # hypothesis watches collections by a callback, and a Ctrl-C that comes during one is lost: keep them short.
        gc.freeze()
        run_suites(grader, settings.tests, scratch)
        if "torch" in sys.modules:
            raise GradingError("a check has imported torch, which only the executor may")
        if grader.problem is not None:
            raise GradingError(grader.problem)


def make_private(paths: Sequence[Path]) -> None:
    """Take all rights on these files and folders from everybody but the owner; missing ones are skipped."""
    for path in paths:
        if path.exists():
            path.chmod(0o700 if path.is_dir() else 0o600)


def _private_files(settings: Settings) -> tuple[Path, ...]:
    """The files on which the sandbox's self-check proves that the graded code cannot read them.

    On an instructor's own machine some lie open to all users; there Landlock is what hides them.
    """
    candidates = [settings.out]
    for path in settings.private:
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


def main(arguments: Sequence[str]) -> int:
    """The subcommand. Returns 0 when the submission was graded, whatever its score; 2 when it could not be."""
    options = _parser().parse_args(arguments)
    prepare_process()
    out = options.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    secret_file = options.secret_file or SECRET_FILE
    results = Results({})
    try:
        settings = Settings(
            submission=options.submission.resolve(),
            out=out,
            # A secret made up on the spot would give every container other inputs.
            secret=load_secret(options.secret_file, create=not options.gradescope),
            private=(secret_file, TESTS / "hidden", METADATA) if options.gradescope else (secret_file,),
            gradescope=options.gradescope,
            seconds=options.seconds,
        )
        results = grade(settings)
    except SecretError as error:
        fail(results, error)
        results.write(out)
    except KeyboardInterrupt:
        _log(f"interrupted; {out} has what was graded until then")
        return 130
    else:
        log_resources(results.seconds)
    problem = results.extra.get("problem")
    if problem is not None:
        _log(f"not graded: {problem}")
        return 2
    document, entries = results.document(), tasks.load()
    report.write_terminal(document, entries, sys.stdout)
    if options.html is not None:
        write_atomically(options.html.resolve(), report.page(document, entries), mode=0o644)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograder grade", description="Grade a submission.")
    parser.add_argument("submission", type=Path, help="a folder or a zip file")
    parser.add_argument("--out", type=Path, default=Path("results.json"), help="where to write results.json")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page of HTML")
    parser.add_argument("--gradescope", action="store_true", help="refuse to grade unless the sandbox is complete")
    parser.add_argument(
        "--secret-file", type=Path, metavar="FILE", help=f"the assignment's secret ({SECRET_FILE.name})"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="limit for the whole grading (%(default)g)")
    return parser
