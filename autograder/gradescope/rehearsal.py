"""`python -m autograder gradescope SUBMISSION` (`make gradescope`): what Gradescope does with the zip, on this machine.

A fresh folder with Gradescope's tree (source, submission, results, submission_metadata.json), setup.sh in a clean
environment, run_autograder measured against a container's memory and time, its output kept, results.json checked
against Gradescope's specification. As root, files get the owner and the open modes that they have on Gradescope, and
student code runs as its unprivileged user. It is not a container: the machine's own Python and libraries are used, and
memory is measured, not capped.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from autograder import measuring, scratch
from autograder.exits import Exit
from autograder.gradescope import bundle
from autograder.measuring import Usage
from autograder.repository import dist
from autograder.sandbox.text import safe_text
from autograder.tasks import Course, CourseError, chosen, course_option
from autograder.writing import make_place, write_atomically

SCHEMA = Path(__file__).with_name("results.schema.json")
CLEAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Where packages come from, and how they are fetched, is the machine's business; all else of the environment stays out.
PASSED_ON = (
    "PIP_",
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "TORCH_INDEX",
    "TORCH_SPEC",
)
# What zipfile raises where a zip is damaged, or has names that no file can have.
UNPACKING = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
    OSError,
)
# What Gradescope gives by default; building an image may take longer, on a machine of its own.
MEMORY_MIB = 768
SECONDS = 600
SET_UP_SECONDS = 1800


class StandInError(Exception):
    """What Gradescope would call a failure of the autograder; the message says which."""


@dataclass(frozen=True)
class Rehearsed:
    """One run of run_autograder.

    Attributes:
        document: results.json; None if none was written, or if it is not JSON.
        problems: where it breaks Gradescope's specification.
        usage: what it took.
        stdout: what run_autograder printed.
    """

    document: dict[str, Any] | None
    problems: list[str]
    usage: Usage
    stdout: str


class StandIn:
    """A machine of Gradescope's with one assignment.

    Args:
        archive: autograder.zip.
        folder: an empty folder of ours; other users must be able to enter it.
    """

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "autograder"
        self.venv = folder / "opt" / "autograder-venv"
        self.home = folder / "root"
        self.home.mkdir(mode=0o700)
        for name in ("source", "submission", "results"):
            (self.tree / name).mkdir(parents=True)
        unpack(archive, self.tree / "source")
        for name in ("setup.sh", "run_autograder"):
            if not (self.tree / "source" / name).is_file():
                raise StandInError(f"{archive} has no {name} at its top level")
        shutil.copy(self.tree / "source" / "run_autograder", self.tree / "run_autograder")
        (self.tree / "run_autograder").chmod(0o755)

    def environment(self) -> dict[str, str]:
        """The environment of both scripts."""
        passed_on = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON)}
        own = {"PATH": CLEAN_PATH, "HOME": str(self.home), "LANG": "C.UTF-8", "AUTOGRADER_VENV": str(self.venv)}
        return {**passed_on, **own}

    def set_up(self, variables: Mapping[str, str] = {}) -> Usage:
        """Run setup.sh; its output is kept in FOLDER/setup.log.

        Args:
            variables: further environment variables, such as TORCH_SPEC.

        Raises:
            StandInError: it failed, with the end of its log.
        """
        log = self.folder / "setup.log"
        command = ["bash", str(self.tree / "source" / "setup.sh")]
        usage = self._measured(command, log, SET_UP_SECONDS, {**self.environment(), **variables})
        if usage.status != 0:
            raise StandInError(f"setup.sh ended with status {usage.status}:\n{log.read_text(errors='replace')[-4000:]}")
        return usage

    def grade(self, submission: Path, metadata: dict[str, Any] | None = None, seconds: float = SECONDS) -> Rehearsed:
        """Run run_autograder on a folder or a zip, as in a fresh container of the image."""
        for name in ("submission", "results"):
            shutil.rmtree(self.tree / name)
            (self.tree / name).mkdir()
        hand_in(submission, self.tree / "submission")
        metadata_file = self.tree / "submission_metadata.json"
        metadata_file.write_text(json.dumps(submission_metadata() if metadata is None else metadata, indent=1))
        open_modes(self.tree / "submission")
        metadata_file.chmod(0o644)
        log = self.tree / "results" / "stdout"
        usage = self._measured([str(self.tree / "run_autograder")], log, seconds, self.environment())
        stdout = log.read_text(errors="replace")
        try:
            document = json.loads((self.tree / "results" / "results.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return Rehearsed(None, [f"The autograder failed to execute correctly: {error}"], usage, stdout)
        return Rehearsed(document, validate(document), usage, stdout)

    def _measured(self, command: Sequence[str], log: Path, seconds: float, environment: dict[str, str]) -> Usage:
        with log.open("wb") as output:
            return measuring.run(
                command, seconds, env=environment, cwd=self.tree, stdout=output, stderr=subprocess.STDOUT
            )


@contextlib.contextmanager
def temporary_folder(keep: Path | None = None) -> Iterator[Path]:
    """A new folder that other users may enter: `keep`, which stays, or a temporary one."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.resolve()
        return
    with scratch.temporary_folder("gradescope", mode=0o755) as folder:
        yield folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack as Gradescope does: everything readable to everybody."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    open_modes(folder)


def open_modes(folder: Path) -> None:
    """Folders 0755, files 0644, ours: the least private state in which files can arrive on Gradescope."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def hand_in(submission: Path, folder: Path) -> None:
    """Put a submission where Gradescope puts it: a zip is unpacked, a folder copied with its symbolic links."""
    if submission.is_dir():
        shutil.copytree(submission, folder, symlinks=True, ignore=_pipes_and_devices, dirs_exist_ok=True)
    elif zipfile.is_zipfile(submission):
        try:
            with zipfile.ZipFile(submission) as file:
                file.extractall(folder)
        except UNPACKING as error:
            raise StandInError(f"{submission} cannot be unpacked: {safe_text(str(error))}") from None
    elif submission.is_file():
        shutil.copy(submission, folder)
    else:
        raise StandInError(f"there is no submission {submission}")


def _pipes_and_devices(folder: str, names: list[str]) -> list[str]:
    """What no upload can hold, and what would be waited for without end."""
    kinds = {name: stat.S_IFMT((Path(folder) / name).lstat().st_mode) for name in names}
    return [name for name, kind in kinds.items() if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)]


def submission_metadata(late_days: float = 0, previous: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """submission_metadata.json as Gradescope writes it.

    Args:
        late_days: days between the due date and now.
        previous: entries of "previous_submissions".
    """
    now = datetime.now(timezone.utc)
    due = now - timedelta(days=late_days) if late_days else now + timedelta(days=7)
    return {
        "id": 123456,
        "created_at": now.isoformat(),
        "assignment": {
            "due_date": due.isoformat(),
            "group_size": None,
            "group_submission": False,
            "id": 25828,
            "course_id": 1234,
            "late_due_date": None,
            "release_date": (now - timedelta(days=14)).isoformat(),
            "title": "An assignment",
            "total_points": "100.0",
        },
        "submission_method": "upload",
        "users": [{"email": "student@example.com", "id": 1234, "name": "A Student"}],
        "previous_submissions": list(previous),
    }


def validate(document: Any) -> list[str]:
    """Where a document breaks Gradescope's specification of results.json."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


def describe(usage: Usage) -> str:
    """What a run took."""
    return (
        f"{usage.seconds:.1f} s ({usage.cpu_seconds:.1f} s of processor time), "
        f"peak memory of all processes together {usage.peak_mib:.0f} MiB"
    )


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        course = chosen(options.course)
        if course.ungraded:
            print(f"{course.ungraded}: there is no autograder to try", file=sys.stderr)
            return Exit.NOTHING
        if not (options.submission.is_dir() or options.submission.is_file()):
            print(f"gradescope: there is no folder or file {options.submission} to hand in", file=sys.stderr)
            return Exit.NOTHING
        make_place(options.out)
        with temporary_folder(options.keep) as folder:
            try:
                archive = options.archive or dist(course.name) / "autograder.zip"
                if options.archive is None:
                    bundle.write(archive, course)
                print(f"{archive}, SHA-256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
                stand_in = StandIn(archive, folder)
                print(f"setup.sh in {stand_in.tree} ...", flush=True)
                set_up = stand_in.set_up()
                print(f"setup.sh: {set_up.seconds:.0f} s")
                metadata = submission_metadata(options.late, _previous(options.previous))
                graded = stand_in.grade(options.submission, metadata, options.seconds)
                return print_report(graded, course, options.memory, options.out)
            finally:
                if options.keep is None:
                    print(f"deleting {folder}, which may take a minute or two ...", flush=True)
    except (StandInError, FileExistsError, bundle.BundleError, CourseError) as error:
        print(error, file=sys.stderr)
        return Exit.NOTHING if isinstance(error, FileExistsError) else Exit.FAILED


def print_report(graded: Rehearsed, course: Course, memory_mib: float, out: Path) -> int:
    """Print the run, keep results.json; the exit status of `gradescope`."""
    from autograder.grading import report
    from autograder.grading.results import exit_status

    print(f"run_autograder: {describe(graded.usage)}, exit status {graded.usage.status}")
    problems = list(graded.problems)
    if graded.usage.status is None:
        problems.append(f"it was stopped after {graded.usage.seconds:.0f} s, as Gradescope stops what takes too long")
    if graded.usage.peak_mib > memory_mib:
        problems.append(f"{graded.usage.peak_mib:.0f} MiB are more than the {memory_mib:g} MiB of the container")
    if graded.usage.left:
        problems.append(f"{graded.usage.left} processes were left running")
    if graded.document is None:
        print(graded.stdout, file=sys.stderr)
    else:
        write_atomically(out, json.dumps(graded.document, indent=1) + "\n", mode=0o644)
        if graded.document.get("tests"):
            report.write_terminal({"leaderboard": [], **graded.document}, course, sys.stdout)
        else:
            print(graded.document.get("output", ""))
        print(f"results.json, as Gradescope would get it: {out}")
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    return Exit.FAILED if problems or graded.document is None else exit_status(graded.document)


def _previous(count: int) -> list[dict[str, Any]]:
    """This many earlier submissions, an hour apart."""
    now = datetime.now(timezone.utc)
    return [
        {"submission_time": (now - timedelta(hours=hours)).isoformat(), "score": 0.0, "results": {}}
        for hours in range(count, 0, -1)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograder gradescope", description=__doc__.split("\n\n")[0])
    parser.add_argument("submission", type=Path, help="a folder or a zip")
    parser.add_argument("--archive", type=Path, help="an autograder.zip (default: dist/COURSE's, written anew)")
    parser.add_argument("--out", type=Path, default=Path("results.json"), help="where to keep results.json")
    course_option(parser)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the tree in this new folder and leave it")
    parser.add_argument("--previous", type=int, default=0, metavar="N", help="pretend N earlier submissions, hourly")
    parser.add_argument("--late", type=float, default=0, metavar="DAYS", help="pretend that it is this late")
    parser.add_argument("--memory", type=float, default=MEMORY_MIB, metavar="MIB", help="default %(default)s")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time-out, default %(default)s")
    return parser
