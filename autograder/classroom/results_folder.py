"""The results' folder: what is finished stays finished, whatever happens, and is found again by the next run.

    DIR/students/NAME/results.json    as Gradescope specifies it
                      report.html     the same for people
                      grader.log      what the grader said
                      grading.json    the record: the hashes that the results follow from, and what the grading took
    DIR/graders/HASH.json             what results follow from, part by part: see origin.py
    DIR/class.json                    who is in the class, and which score counts: see class_list.py

The files of a student are replaced together, the record last: without a record that fits, the others count for nothing.
A grading that fails by a fault of ours replaces nothing: the earlier results stay, and their record says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from autograder.classroom.grading import ParcelOutcome
from autograder.classroom.origin import Keys, Origin, digest
from autograder.clock import now
from autograder.exits import Exit
from autograder.grading import report
from autograder.grading.files import UnreadableError
from autograder.grading.results import exit_status
from autograder.scratch import temporary_file
from autograder.tasks import Course
from autograder.writing import write_atomically, write_together

# What cannot be graded is the student's to put right, and counts as done; what failed is ours, and is tried again.
GRADED, UNGRADABLE, FAILED = "graded", "not gradable", "failed"


class BusyError(Exception):
    """Another run is writing to the same folder."""


@dataclass(frozen=True)
class Record:
    """What is known about one grading.

    Attributes:
        key, judged, submission: see origin.Keys.
        origin: name of the file in graders/ that says what the results follow from.
        status: GRADED, UNGRADABLE or FAILED.
        problem: why it was not graded, in words for the student where that is the student's to put right.
        score: points; None if it was not graded.
        results_sha256: of results.json; "" where there is none, and so no report.
        left_out: whether files that were handed in were set aside.
        kept: why these are the results of an earlier grading: the last one failed. "" if they are not.
        other_submission: whether the results that are kept are also those of an earlier submission.
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
    judged: str = ""
    submission: str = ""
    origin: str = ""
    kept: str = ""
    other_submission: bool = False

    @property
    def remark(self) -> str:
        """What people must know of a result that is not of this grader; "" if it is."""
        if not self.kept:
            return ""
        of = "another submission, by an earlier grader" if self.other_submission else "an earlier grader"
        return f"result of {of}, kept because grading it again failed: {self.kept}"


class Store:
    """A results' folder.

    Args:
        folder: made if it is missing; only we may enter what we make in it.
        course: the checks, for the reports.

    Attributes:
        about: what the results that are written now follow from; None in a folder that is only read.
        origin: its name in graders/.
    """

    def __init__(self, folder: Path, course: Course) -> None:
        self.folder = folder
        self.points = course.graded
        self.course = course
        self._written: set[str] = set()
        self._students = folder / "students"
        self.about: Origin | None = None
        self.origin = ""

    def begin(self, about: Origin) -> None:
        """Note what the results follow from that are written from now on.

        Raises:
            OSError: nothing can be written there.
        """
        for folder in (self._students, self.folder / "graders"):
            folder.mkdir(parents=True, exist_ok=True)
            # Another student's code must not read these results, whatever the machine's sandbox can do.
            folder.chmod(0o700)
            with temporary_file(folder, "write"):  # rather now than after hours of grading
                pass
        self.about, self.origin = about, digest(about)[:16]
        write_atomically(self.folder / "graders" / f"{self.origin}.json", json.dumps(about, indent=1) + "\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep other runs out. BusyError if there is one."""
        import fcntl

        self._students.mkdir(parents=True, exist_ok=True)
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

    def folders(self) -> set[str]:
        """The names of the students' folders."""
        return {path.name for path in self._students.iterdir()} if self._students.is_dir() else set()

    def record(self, slug: str) -> Record | None:
        """The record of a student's grading; None where there is none that can be read.

        Of a record by another version, what is known today is read.
        """
        try:
            found = json.loads(self.path(slug, "grading.json").read_text(encoding="utf-8"))
            return Record(**{one.name: found[one.name] for one in fields(Record) if one.name in found})
        except (OSError, ValueError, TypeError):
            return None

    def records(self) -> dict[str, Record]:
        """Every record of the folder, by slug."""
        return {slug: record for slug in sorted(self.folders()) if (record := self.record(slug)) is not None}

    def has_written(self, slug: str) -> bool:
        """Whether this run has written a student's results."""
        return slug in self._written

    def finished(self, slug: str, key: str) -> bool:
        """Whether the results for this very key lie there, whole."""
        record = self.record(slug)
        if record is None or record.key != key or record.status == FAILED or not self.whole(slug, record):
            return False
        if record.kept:  # what has failed was another grader than this one, or a second time
            self._write_record(slug, replace(record, kept="", other_submission=False))
        return True

    def whole(self, slug: str, record: Record) -> bool:
        """Whether a student's results are those that the record is of."""
        try:
            return _sha256(self.path(slug, "results.json").read_bytes()) == record.results_sha256
        except OSError:
            return False

    def document(self, slug: str) -> dict[str, Any]:
        """A student's results.json."""
        return json.loads(self.path(slug, "results.json").read_text(encoding="utf-8"))

    def outcome(self, slug: str) -> ParcelOutcome:
        """A student's grading as it was when it ended.

        Raises:
            OSError, ValueError: it is not there any more.
        """
        record = self.record(slug)
        if record is None or not self.whole(slug, record):
            raise ValueError(f"the results of {slug} are not whole any more")
        usage = {name: getattr(record, name) for name in ("seconds", "cpu_seconds", "peak_mib", "host", "again")}
        log = self.path(slug, "grader.log").read_text(encoding="utf-8", errors="replace")
        return ParcelOutcome(self.document(slug), log=log, **usage)

    def save(self, slug: str, keys: Keys, outcome: ParcelOutcome, failed: str = FAILED, name: str = "") -> Record:
        """Write the outcome of a grading; one that failed leaves the results of an earlier one as they are.

        Args:
            name: of the student, for the report.
            failed: what it is called if there are no results.

        Raises:
            ValueError: the student's results have been written already in this run.
            WriteError: they cannot be written; what was there still counts.
        """
        if slug in self._written:
            raise ValueError(f"{slug} has been graded already in this run")
        self.path(slug).mkdir(mode=0o700, exist_ok=True)
        log = outcome.log.encode("utf-8", "replace").decode()
        if outcome.document is None and failed == FAILED and (earlier := self.countable(slug)) is not None:
            self._write_record(slug, _kept(earlier, keys, outcome.problem), log)
        else:
            self._write_results(slug, keys, outcome, failed, log, name)
        self._written.add(slug)
        record = self.record(slug)
        assert record is not None
        return record

    def borrow(self, slug: str, other: Store, other_slug: str) -> None:
        """Copy a student's whole results from another folder, unless there are some here."""
        record = other.countable(other_slug)
        if record is None or self.countable(slug) is not None:
            return
        self.path(slug).mkdir(mode=0o700, exist_ok=True)
        files = {
            self.path(slug, name): other.path(other_slug, name).read_bytes()
            for name in ("results.json", "report.html", "grading.json")
        }
        origin = f"graders/{record.origin}.json"
        if record.origin and (other.folder / origin).is_file():
            files = {self.folder / origin: (other.folder / origin).read_bytes(), **files}
        write_together(files)

    def countable(self, slug: str) -> Record | None:
        """The record of whole results of an earlier grading that the class page can read, if there are any."""
        record = self.record(slug)
        if record is None or record.status == FAILED or not self.whole(slug, record):
            return None
        return record if is_results(self.document(slug)) else None

    def _write_results(self, slug: str, keys: Keys, outcome: ParcelOutcome, failed: str, log: str, name: str) -> None:
        content, page = None, None
        if outcome.document is not None:
            content = json.dumps(outcome.document, indent=1, allow_nan=False) + "\n"
            page = self._report(outcome.document, name)
        why = _nothing_graded(outcome.document)
        status = failed if outcome.document is None else UNGRADABLE if why else GRADED
        record = Record(
            key=keys.result,
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
            judged=keys.judged,
            submission=keys.submission,
            origin=self.origin,
        )
        files = {"results.json": content, "report.html": page, "grader.log": log, "grading.json": _text(record)}
        write_together({self.path(slug, name): text for name, text in files.items()})

    def _write_record(self, slug: str, record: Record, log: str | None = None) -> None:
        files = {"grader.log": log} if log is not None else {}
        files["grading.json"] = _text(record)
        write_together({self.path(slug, name): text for name, text in files.items()})

    def rename(self, slug: str, name: str) -> None:
        """Write a student's report, if there is one, with another name."""
        if self.path(slug, "report.html").exists():
            write_atomically(self.path(slug, "report.html"), self._report(self.document(slug), name))

    def _report(self, document: dict[str, Any], name: str) -> str:
        return report.page(document, self.course, name, now(self.course.timezone))


def earlier_results(folder: Path, course: Course) -> Store:
    """The results of another run, to be read.

    Raises:
        UnreadableError: they are not there.
    """
    store = Store(folder, course)
    if not folder.is_dir():
        raise UnreadableError(f"there is no folder {folder} with earlier results")
    if not store.records():
        raise UnreadableError(f"{folder} has no results of `make class`: there is no students/NAME/grading.json in it")
    return store


def known_results(stores: Iterable[Store]) -> dict[str, tuple[Store, str]]:
    """Key, of a whole result or of its verdicts alone, to where it is: (folder, slug). The first folders win."""
    found: dict[str, tuple[Store, str]] = {}
    for store in stores:
        for slug, record in store.records().items():
            if record.status != FAILED and store.whole(slug, record):
                for key in filter(None, (record.key, record.judged)):
                    found.setdefault(key, (store, slug))
    return found


def is_results(document: Any) -> bool:
    """Whether results.json has what is read today; older versions did not write it."""
    try:
        rows = [(row["score"], row["max_score"], row["extra_data"]) for row in document["tests"]]
        return (
            bool(rows) and "score" in document and all({"id", "task", "kind", "cause"} <= row[2].keys() for row in rows)
        )
    except (AttributeError, KeyError, TypeError):
        return False


def _kept(earlier: Record, keys: Keys, problem: str) -> Record:
    other = bool(earlier.submission) and earlier.submission != keys.submission
    return replace(earlier, kept=problem, other_submission=other)


def _text(record: Record) -> str:
    return json.dumps(asdict(record), indent=1) + "\n"


def _nothing_graded(document: dict[str, Any] | None) -> str:
    """Why nothing of a submission could be taken in, as its student is told; "" if something could."""
    taken = (document or {}).get("extra_data", {}).get("submission", {})
    return " ".join([*taken["errors"], *taken["notes"]]) if taken.get("errors") else ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
