"""One submission graded in a process of its own; the same function runs in the local pool and on a cluster's workers.

Two gradings share what knows nothing of either (grade_one.py). Each has its own process, branch of the zygote, user
ids, temporary folder and results file, and all of them are gone before its outcome is returned.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from autograder.grading.intake import PROVIDED
from autograder.grading.secret import SECRET_FILE
from autograder.grading.session import Session
from autograder.repository import ROOT, TESTS, check_sources, grader_sources
from autograder.scratch import temporary_folder

START_SECONDS = 180.0  # of a lane: torch from a cold disk on half a processor
GRACE_SECONDS = 30.0  # beyond the grader's own limit: it has to take the submission in, and to end its workers
INTERRUPT_SECONDS = 10.0
KEPT_LOG = 20_000  # characters
# The grader's limits are of wall-clock time. On a busy machine right code can run into them: what ran out of time while
# the grader itself had to wait for a processor for more than this share of its time is graded once more, with limits
# of a call and of a task that are larger by this factor.
BUSY, STRETCH = 0.25, 4.0
# Problems that a second grading would meet again: of the checks, of the kernel, of the course.
LASTING = ("GradingError", "Unprotected", "CourseError")
TIME_IS_UP = -1000  # a status that no process has
# Another release of these may judge differently.
PACKAGES = ("torch", "numpy", "scipy", "hypothesis", "pytest", "matplotlib", "scikit-learn", "safetensors")


@dataclass(frozen=True)
class ParcelOutcome:
    """The outcome of a grading.

    Attributes:
        document: results.json; None where there is none that counts.
        problem: why the grader could not do its work; "" if it could.
        log: what the grader said, its end.
        seconds: wall-clock time.
        cpu_seconds: processor time of all its processes.
        peak_mib: the largest process's memory.
        host: where it ran.
        waited_share: how long the grader waited for a processor, of the time that it wanted one.
        again: whether it ran out of time at first, so that this is the second grading's.
        may_pass: whether the problem may be the machine's, and gone when it is graded again.
    """

    document: dict[str, Any] | None
    problem: str = ""
    log: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    host: str = ""
    waited_share: float = 0.0
    again: bool = False
    may_pass: bool = False


def grade_fairly(
    content: bytes, session: Session, stop: threading.Event | None = None, lane: Lane | None = None
) -> ParcelOutcome:
    """Grade a submission, and once more if the machine may have spoilt that; arguments as for `grade_parcel`.

    What ran out of time on a busy machine gets more of it for each call the second time, and that counts. Each of the
    two takes no longer than `session.seconds + GRACE_SECONDS`.
    """
    first = _tried(content, session, stop, lane)
    late = first.document is not None and out_of_time(first.document) and first.waited_share > BUSY
    if not (late or first.may_pass) or (stop is not None and stop.is_set()):
        return first
    second = _tried(content, stretched(session) if late else session, stop, lane)
    return replace(
        second,
        seconds=first.seconds + second.seconds,
        cpu_seconds=first.cpu_seconds + second.cpu_seconds,
        peak_mib=max(first.peak_mib, second.peak_mib),
        again=late,
    )


def _tried(content: bytes, session: Session, stop: threading.Event | None, lane: Lane | None) -> ParcelOutcome:
    try:
        return grade_parcel(content, session, stop, lane)
    except (OSError, ValueError) as error:  # no space left, no process to be had, half a file
        return ParcelOutcome(None, problem=f"the grading could not be done: {error}", may_pass=True)


def stretched(session: Session) -> Session:
    """The same with limits of a task and of a call that only code that is far too slow meets."""
    return replace(session, task_seconds=STRETCH * session.task_seconds, call_seconds=STRETCH * session.call_seconds)


def out_of_time(document: dict[str, Any]) -> bool:
    """Whether a limit of time has cost the submission points."""
    return any(row["extra_data"]["kind"] == "timeout" for row in document["tests"])


def grade_parcel(
    content: bytes, session: Session, stop: threading.Event | None = None, lane: Lane | None = None
) -> ParcelOutcome:
    """Grade a submission; never raises because of what is in it.

    Args:
        content: bytes of its parcel (see parcel.py).
        stop: when set, the grading is given up.
        lane: where it is graded; None for one of its own.

    Raises:
        OSError: the machine lacks what it takes to begin.
    """
    if lane is None:
        with Lane() as own:
            return grade_parcel(content, session, stop, own)
    began = time.monotonic()
    with _workplace() as folder:
        usage, out, log = (folder / "private" / name for name in ("usage.json", "results.json", "log.txt"))
        (folder / "private" / "submission.zip").write_bytes(content)
        grading = session.to_json() | {
            "submission": str(folder / "private" / "submission.zip"),
            "out": str(out),
            "private": [str(SECRET_FILE)],
            "zygote": {"among_many": True},
        }
        places = {"usage": str(usage), "log": str(log), "temporary": str(folder / "temporary")}
        status, said = lane.run({"grading": grading, **places}, session.seconds + GRACE_SECONDS, stop)
        document = json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
        used = json.loads(usage.read_text(encoding="utf-8")) if usage.exists() else {}
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    problem = document["extra_data"].get("problem", "") if document else "no results were written"
    may_pass = bool(problem) and not problem.startswith(LASTING)
    if problem:
        lane.end()  # it may have lost its zygote
    if status != 0:
        problem, may_pass = _ended(status, stop), status != TIME_IS_UP
    return ParcelOutcome(
        document=document if not problem else None,
        problem=problem,
        log=f"{text}{said}"[-KEPT_LOG:],
        seconds=time.monotonic() - began,
        host=socket.gethostname(),
        may_pass=may_pass,
        **used,
    )


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for gradings: `private` for us, `temporary` for what the graded code's user may have to enter."""
    with temporary_folder("class", mode=0o711) as folder:
        (folder / "private").mkdir(mode=0o700)
        (folder / "temporary").mkdir()
        (folder / "temporary").chmod(0o711)
        yield folder


class Lane:
    """A process that grades one submission after the other (grade_one.py); a context manager.

    It is started for the first grading, and anew after one that did not end in order: nobody knows then what state the
    zygote is in.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # asks it to end
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(INTERRUPT_SECONDS)
        self.end()

    def run(self, instructions: Mapping[str, Any], seconds: float, stop: threading.Event | None) -> tuple[int, str]:
        """(exit status, what the lane said if that is not 0) of a grading: TIME_IS_UP after `seconds`."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process is not None and self._process.stdin is not None
        status: int | None = None
        try:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(instructions).encode() + b"\n")
            if self._answer(START_SECONDS, stop) == "begun" and (answer := self._answer(seconds, stop)):
                status = int(answer)
            else:  # it has died
                status = self._process.wait(INTERRUPT_SECONDS) or -signal.SIGKILL
        except (TimeoutError, subprocess.TimeoutExpired):
            status = TIME_IS_UP
        finally:
            said = "" if status == 0 else self.end()
        return status, said

    def _start(self) -> None:
        self.end()
        folder = self._stack.enter_context(_workplace())
        self._log = self._stack.enter_context((folder / "private" / "log.txt").open("w+b"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "autograder.classroom.grade_one"],
            cwd=ROOT,
            env=_environment(folder / "temporary"),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            # Ctrl-C goes to the process that runs the class, which then stops us.
            start_new_session=True,
        )

    def _answer(self, seconds: float, stop: threading.Event | None) -> str:
        """The next line that it says; "" if it has ended. When asked to stop, it may first end its workers in order.

        Raises:
            TimeoutError: nothing came.
        """
        assert self._process is not None and self._process.stdout is not None
        deadline = time.monotonic() + seconds
        stopped = False
        while time.monotonic() < deadline:
            if select.select([self._process.stdout], [], [], 0.25)[0]:
                return self._process.stdout.readline().decode().strip()
            if stop is not None and stop.is_set() and not stopped:
                stopped, deadline = True, time.monotonic() + INTERRUPT_SECONDS
                os.killpg(self._process.pid, signal.SIGINT)
        raise TimeoutError

    def end(self) -> str:
        """Kill it with the grading that is running, after which the zygote ends; the end of what it said."""
        said = ""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
            self._log.seek(0)
            said = self._log.read().decode("utf-8", "replace")[-KEPT_LOG:]
        self._stack.close()
        return said


def _environment(temporary: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DASK_", "AUTOGRADER_"))}
    # What a killed lane leaves behind goes with the folder.
    return kept | {"TMPDIR": str(temporary)}


def _ended(status: int, stop: threading.Event | None) -> str:
    if stop is not None and stop.is_set():
        return "interrupted"
    if status == TIME_IS_UP:
        return "the grading process was killed, because it took too long"
    if status == -signal.SIGKILL:
        return "the grading process was killed, perhaps because memory ran out"
    return f"the grading process ended with status {status}; its log says why"


@cache
def grader_digest(tests: Path = TESTS, provided: Path | None = PROVIDED) -> str:
    """SHA-256 of what results depend on besides course, secret and submission: code, checks, Python, libraries."""
    return hashlib.sha256(json.dumps(grader_parts(tests, provided), sort_keys=True).encode()).hexdigest()


def grader_parts(tests: Path, provided: Path | None) -> dict[str, dict[str, str]]:
    """ "files" (name below the root to SHA-256) and "versions" (of Python and libraries) that results depend on."""
    versions = {"python": f"{'.'.join(map(str, sys.version_info[:3]))} {sys.platform}"}
    for library in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[library] = metadata.version(library)
    names = {path: _name(path, tests, provided) for path in grader_files(tests, provided)}
    return {
        "files": {name: hashlib.sha256(path.read_bytes()).hexdigest() for path, name in names.items()},
        "versions": versions,
    }


def _name(path: Path, tests: Path, provided: Path | None) -> str:
    """What a file is called on every machine."""
    if provided and path.is_relative_to(provided):
        return f"provided/{path.relative_to(provided).as_posix()}"
    return path.relative_to(tests.parent if path.is_relative_to(tests) else ROOT).as_posix()


def grader_files(tests: Path, provided: Path | None) -> list[Path]:
    """The files that results depend on: the grader, what hands it a submission, the checks, the provided modules."""
    here = Path(__file__).parent
    files = {*grader_sources(), here / "grade_one.py", here / "parcel.py", *check_sources(tests)}
    return sorted(files | set(provided.glob("*.py") if provided else ()))
