"""One submission graded in a process of its own; the same function runs in the local pool and on a cluster's workers.

Nothing is shared between two gradings: each has its own process, zygote, user ids, temporary folder and results file,
and all of them are gone before its outcome is returned.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
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

# Beyond the grader's own limit: it has to start, and to end its workers.
GRACE_SECONDS = 150.0
INTERRUPT_SECONDS = 10.0
KEPT_LOG = 20_000  # characters
# The grader's limits are of wall-clock time. On a busy machine right code can run into them, and wrong points are worse
# than a minute: what ran out of time is graded once more, with limits larger by this factor, and that counts.
STRETCH = 4.0
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
        again: whether it ran out of time at first, so that this is the second grading's.
    """

    document: dict[str, Any] | None
    problem: str = ""
    log: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    host: str = ""
    again: bool = False


def grade_fairly(content: bytes, session: Session, stop: threading.Event | None = None) -> ParcelOutcome:
    """Grade a submission, once more with stretched limits if it ran out of time; arguments as for `grade_parcel`."""
    first = grade_parcel(content, session, stop)
    if first.document is None or not out_of_time(first.document):
        return first
    second = grade_parcel(content, stretched(session), stop)
    return replace(
        second,
        seconds=first.seconds + second.seconds,
        cpu_seconds=first.cpu_seconds + second.cpu_seconds,
        peak_mib=max(first.peak_mib, second.peak_mib),
        again=True,
    )


def stretched(session: Session) -> Session:
    """The same with limits of time so large that only code that is far too slow meets them."""
    return replace(
        session,
        seconds=STRETCH * session.seconds,
        task_seconds=STRETCH * session.task_seconds,
        call_seconds=STRETCH * session.call_seconds,
    )


def out_of_time(document: dict[str, Any]) -> bool:
    """Whether a limit of time has cost the submission points."""
    return any(row["extra_data"]["kind"] == "timeout" for row in document["tests"])


def grade_parcel(content: bytes, session: Session, stop: threading.Event | None = None) -> ParcelOutcome:
    """Grade a submission; never raises because of what is in it.

    Args:
        content: bytes of its parcel (see parcel.py).
        stop: when set, the grading is given up.
    """
    began = time.monotonic()
    with _workplace() as folder:
        usage = folder / "private" / "usage.json"
        out = folder / "private" / "results.json"
        (folder / "private" / "submission.zip").write_bytes(content)
        grading = session.to_json() | {
            "submission": str(folder / "private" / "submission.zip"),
            "out": str(out),
            "private": [str(SECRET_FILE)],
            "zygote": {"among_many": True},
        }
        status, log = _run({"grading": grading, "usage": str(usage)}, folder, session.seconds + GRACE_SECONDS, stop)
        document = json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
        used = json.loads(usage.read_text(encoding="utf-8")) if usage.exists() else {}
    problem = document["extra_data"].get("problem", "") if document else "no results were written"
    if status != 0:
        problem = _ended(status, stop)
    return ParcelOutcome(
        document=document if not problem else None,
        problem=problem,
        log=log,
        seconds=time.monotonic() - began,
        host=socket.gethostname(),
        **used,
    )


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for one grading: `private` for us, `temporary` for what the graded code's user may have to enter."""
    with temporary_folder("class", mode=0o711) as folder:
        (folder / "private").mkdir(mode=0o700)
        (folder / "temporary").mkdir()
        (folder / "temporary").chmod(0o711)
        yield folder


def _run(instructions: dict[str, Any], folder: Path, seconds: float, stop: threading.Event | None) -> tuple[int, str]:
    """(exit status, log) of a grading process."""
    log = folder / "private" / "log.txt"
    with log.open("w+b") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder.classroom.grade_one"],
            cwd=ROOT,
            env=_environment(folder / "temporary"),
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            # Ctrl-C goes to the process that runs the class, which then stops us.
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(instructions).encode() + b"\n")
                process.stdin.flush()
            status = _wait(process, seconds, stop)
        finally:
            process.kill()
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        file.seek(0)
        text = file.read().decode("utf-8", "replace")
    return status, text[-KEPT_LOG:]


def _environment(temporary: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DASK_", "AUTOGRADER_"))}
    # What a killed grading leaves behind goes with the folder.
    return kept | {"TMPDIR": str(temporary)}


def _wait(process: subprocess.Popen[bytes], seconds: float, stop: threading.Event | None) -> int:
    """Exit status; -SIGKILL after `seconds`. When asked to stop, the process may first end its workers in order."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0.25)
        if stop is not None and stop.is_set():
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(INTERRUPT_SECONDS)
            return -signal.SIGINT
    return -signal.SIGKILL


def _ended(status: int, stop: threading.Event | None) -> str:
    if stop is not None and stop.is_set():
        return "interrupted"
    if status == -signal.SIGKILL:
        return "the grading process was killed: out of memory, or out of time"
    return f"the grading process ended with status {status}; its log says why"


@cache
def grader_digest(tests: Path = TESTS, provided: Path | None = PROVIDED) -> str:
    """SHA-256 of what results depend on besides course, secret and submission: code, checks, Python, libraries."""
    digest = hashlib.sha256(f"{sys.version_info[:3]} {sys.platform}\n".encode())
    for library in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            digest.update(f"{library} {metadata.version(library)}\n".encode())
    for path in grader_files(tests, provided):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def grader_files(tests: Path, provided: Path | None) -> list[Path]:
    """The files that results depend on: the grader, what hands it a submission, the checks, the provided modules."""
    here = Path(__file__).parent
    files = {*grader_sources(), here / "grade_one.py", here / "parcel.py", *check_sources(tests)}
    return sorted(files | set(provided.glob("*.py") if provided else ()))


def grading_key(content: bytes, session: Session) -> str:
    """SHA-256 of everything that a result depends on: the same key, the same result."""
    files = ("course", "provided")
    values = {name: value for name, value in session.to_json().items() if name not in files}
    parts = [
        grader_digest(session.tests, session.provided),
        *(hashlib.sha256(file.read_bytes()).hexdigest() for file in (session.course, session.tests / "tasks.toml")),
        json.dumps(values, sort_keys=True),
        hashlib.sha256(content).hexdigest(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
