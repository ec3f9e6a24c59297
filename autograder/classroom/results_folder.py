"""The results' folder: what is finished stays finished, whatever happens, and is found again by the next run.

    DIR/students/NAME/results.json    as Gradescope specifies it
                      report.html     the same for people
                      grader.log      what the grader said
                      grading.json    the record: the hash that the results follow from, and what the grading took

Every file is replaced in one step, the record last: without a record that fits, the others count for nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.classroom.grading import ParcelOutcome
from autograder.clock import now
from autograder.exits import Exit
from autograder.grading import report
from autograder.grading.results import exit_status
from autograder.tasks import Course
from autograder.writing import write_atomically

# What cannot be graded is the student's to put right, and counts as done; what failed is ours, and is tried again.
GRADED, UNGRADABLE, FAILED = "graded", "not gradable", "failed"


class BusyError(Exception):
    """Another run is writing to the same folder."""


@dataclass(frozen=True)
class Record:
    """What is known about one grading.

    Attributes:
        key: see grading.grading_key.
        status: GRADED, UNGRADABLE or FAILED.
        problem: why it was not graded, in words for the student where that is the student's to put right.
        score: points; None if it was not graded.
        results_sha256: of results.json; "" where there is none, and so no report.
        left_out: whether files that were handed in were set aside.
        others: as in grading.ParcelOutcome.
    """

    key: str
    status: str
    problem: str = ""
    score: float | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    host: str = ""
    again: bool = False
    left_out: bool = False
    results_sha256: str = ""


class Store:
    """A results' folder.

    Args:
        folder: made if it is missing; only we may enter what we make in it.
        course: the checks, for the reports.
    """

    def __init__(self, folder: Path, course: Course) -> None:
        self.folder = folder
        self.points = course.graded
        self._course = course
        self._written: set[str] = set()
        self._students = folder / "students"
        self._students.mkdir(parents=True, exist_ok=True)
        # Another student's code must not read these results, whatever the machine's sandbox can do.
        self._students.chmod(0o700)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out. BusyError if there is one."""
        import fcntl

        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"another run is writing to {self.folder}: wait for it, or stop it") from None
            yield
        finally:
            os.close(descriptor)

    def path(self, slug: str, name: str = "") -> Path:
        """A student's folder, or a file in it."""
        return self._students / slug / name

    def record(self, slug: str) -> Record | None:
        """The record of a student's grading; None where there is none that can be read."""
        try:
            return Record(**json.loads(self.path(slug, "grading.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def finished(self, slug: str, key: str) -> bool:
        """Whether the results for this very key lie there, whole."""
        record = self.record(slug)
        if record is None or record.key != key or record.status == FAILED:
            return False
        try:
            return _sha256(self.path(slug, "results.json").read_bytes()) == record.results_sha256
        except OSError:
            return False

    def document(self, slug: str) -> dict[str, Any]:
        """A student's results.json."""
        return json.loads(self.path(slug, "results.json").read_text(encoding="utf-8"))

    def save(self, slug: str, key: str, outcome: ParcelOutcome, failed: str = FAILED, name: str = "") -> Record:
        """Write the outcome of a grading.

        Args:
            name: of the student, for the report.
            failed: what it is called if there are no results.

        Raises:
            ValueError: the student's results have been written already in this run.
        """
        if slug in self._written:
            raise ValueError(f"{slug} has been graded already in this run")
        self._written.add(slug)
        self.path(slug).mkdir(mode=0o700, exist_ok=True)
        # From here on the old results do not count any more, even if we are killed between two of the files.
        self.path(slug, "grading.json").unlink(missing_ok=True)
        content = ""
        if outcome.document is not None:
            content = json.dumps(outcome.document, indent=1, allow_nan=False) + "\n"
            write_atomically(self.path(slug, "results.json"), content)
            write_atomically(
                self.path(slug, "report.html"),
                report.page(outcome.document, self._course, name, now(self._course.timezone)),
            )
        else:
            for name in ("results.json", "report.html"):
                self.path(slug, name).unlink(missing_ok=True)
        write_atomically(self.path(slug, "grader.log"), outcome.log.encode("utf-8", "replace").decode())
        why = _nothing_graded(outcome.document)
        status = failed if outcome.document is None else UNGRADABLE if why else GRADED
        record = Record(
            key=key,
            status=status,
            problem=outcome.problem or why,
            score=outcome.document["score"] if outcome.document is not None and not why else None,
            seconds=round(outcome.seconds, 2),
            cpu_seconds=round(outcome.cpu_seconds, 2),
            peak_mib=round(outcome.peak_mib, 1),
            host=outcome.host,
            again=outcome.again,
            left_out=status == GRADED and exit_status(outcome.document or {}) == Exit.LEFT_OUT,
            results_sha256=_sha256(content.encode()) if content else "",
        )
        write_atomically(self.path(slug, "grading.json"), json.dumps(asdict(record), indent=1) + "\n")
        return record


def _nothing_graded(document: dict[str, Any] | None) -> str:
    """Why nothing of a submission could be taken in, as its student is told; "" if something could."""
    taken = (document or {}).get("extra_data", {}).get("submission", {})
    return " ".join([*taken["errors"], *taken["notes"]]) if taken.get("errors") else ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
