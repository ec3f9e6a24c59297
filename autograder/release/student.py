"""Writes what students receive: the folder student/, dist/COURSE/student.zip and patch.zip; and runs it, solved."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import functools
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from autograder.exits import Exit
from autograder.release import handout, patch
from autograder.release.archive import write_zip, zip_files
from autograder.release.contents import Release, ReleaseError, data_files, generate, solved
from autograder.release.leaks import SecretLine, find_leaks
from autograder.release.starter import SourceError
from autograder.repository import DEFAULT_COURSE, ROOT, dist, solved_folder, student_folder
from autograder.scratch import temporary_folder
from autograder.stamp import TASKS
from autograder.tasks import Course, CourseError, chosen, course_option, the_course
from autograder.writing import make_place, write_atomically, write_files

# What working in student/ leaves there beside the assignment's own leftovers: neither compared nor deleted.
LEFTOVERS = {"results", "data", ".venv", "submission.zip", "report.pdf", ".OTTER_LOG", ".ipynb_checkpoints"}
CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"}
MAIN = "main.py"
SOLVED_TASKS = Path("solution", TASKS)


def differences(release: Release, folder: Path) -> list[str]:
    """How a folder differs from what it should hold, for people; empty if it does not differ."""
    files = release.files
    found = []
    present = {
        path.relative_to(folder).as_posix(): path for path in sorted(own_files(folder, leftovers(release.course)))
    }
    for name in sorted(set(files) | set(present)):
        if name not in present:
            found.append(f"missing: {name}")
        elif name not in files:
            found.append(f"not generated: {name}")
        elif present[name].read_bytes() != files[name]:
            found.append(f"differs: {name}" + first_difference(present[name].read_bytes(), files[name]))
    return found


def leftovers(course: Course) -> set[str]:
    """Names in a student's folder that are neither compared nor deleted."""
    return LEFTOVERS | set(course.assignment.leftovers)


def own_files(folder: Path, left: Collection[str]) -> Iterator[Path]:
    """The files below a generated folder, without what working on the assignment leaves there."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in left and not CACHES & set(parts):
            yield path


def first_difference(present: bytes, wanted: bytes) -> str:
    """The first few changed lines, indented, and how many more there are; "" for binary content."""
    try:
        before, after = (content.decode("utf-8").splitlines() for content in (present, wanted))
    except UnicodeDecodeError:
        return ""
    diff = difflib.unified_diff(before, after, lineterm="", n=0)
    changed = [line for line in diff if not line.startswith(("---", "+++"))]
    more = [f"... and {len(changed) - 6} more lines"] if len(changed) > 6 else []
    return "".join(f"\n    {line}" for line in [*changed[:6], *more])


def write_folder(release: Release, folder: Path) -> None:
    """Replace a generated folder: its new content is complete before the old one goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{folder.name}-old")
    if old.exists() and not folder.exists():  # the last run was killed between the two
        old.rename(folder)
    with temporary_folder("student", folder.parent) as place:
        new = place / "new"
        new.mkdir()
        new.chmod(0o755)
        write_files(new, release.files)
        if folder.exists():
            _keep(leftovers(release.course), old, folder)
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            old.rename(folder)
            raise
    _keep(leftovers(release.course), old, folder)


def _keep(names: Collection[str], old: Path, folder: Path) -> None:
    """Move what working on the assignment has left from an old folder to the one in its place; delete the old one."""
    for name in names:
        if (old / name).exists() and not (folder / name).exists():
            (old / name).rename(folder / name)
    shutil.rmtree(old, ignore_errors=True)


def reporting(command: Callable[[list[str], Path], int]) -> Callable[..., int]:
    """The command, printing what is wrong instead of a traceback."""

    @functools.wraps(command)
    def reported(arguments: list[str], root: Path = ROOT) -> int:
        try:
            return command(arguments, root)
        except (SourceError, CourseError, ReleaseError) as error:
            print(error, file=sys.stderr)
            return Exit.FAILED

    return reported


@reporting
def student(arguments: list[str], root: Path) -> int:
    """Regenerate student/, or dist/COURSE/student/ of another course; for the default one the solution's tasks.json."""
    course = the_course("student", "Regenerate what students get, as a folder.", arguments, root)
    release = generate(root, course)
    folder = student_folder(course.name, root)
    changes = differences(release, folder)
    if changes:
        write_folder(release, folder)
    if course.name == DEFAULT_COURSE:
        make_place(root / SOLVED_TASKS)
        write_atomically(root / SOLVED_TASKS, release.files[TASKS], mode=0o644)
    print(f"{folder.relative_to(root)}/: {len(release.files)} files, {len(changes)} changed")
    return Exit.DONE


@reporting
def check_sync(arguments: list[str], root: Path) -> int:
    """Say where student/ differs from what would be generated; it fails if it does."""
    description = "Fail if student/ and solution/lab/tasks.json are not what `student` generates."
    argparse.ArgumentParser(prog="python -m autograder check-sync", description=description).parse_args(arguments)
    release = generate(root)
    changes = differences(release, root / "student")
    if not (root / SOLVED_TASKS).is_file() or (root / SOLVED_TASKS).read_bytes() != release.files[TASKS]:
        changes.append(f"differs: {SOLVED_TASKS}")
    if not changes:
        print("student/ is up to date")
        return Exit.DONE
    print("student/ is not what solution/ and tests/public generate:", *changes, sep="\n  ", file=sys.stderr)
    print("Run `make student`; edit solution/ and tests/, never student/.", file=sys.stderr)
    return Exit.FAILED


@reporting
def release(arguments: list[str], root: Path) -> int:
    """Write dist/COURSE/student.zip and, if there was one before, patch.zip with what has changed since."""
    course = the_course("release", "Write student.zip: what students get and the data, in one folder.", arguments, root)
    made = generate(root, course)
    if course.name == DEFAULT_COURSE and differences(made, root / "student"):
        raise ReleaseError("student/ is out of date: run `make student` first (`make check-sync` says what differs)")
    archive = dist(course.name, root) / "student.zip"
    files = made.files | (data_files(course) if course.tasks else {})
    top = f"{course.assignment.folder}/"
    before = patch.files_of(archive, top)
    digest = write_zip(files, archive, top)
    check_archive(archive, made.secrets)
    print(f"{archive}: {archive.stat().st_size:,} bytes, release {made.stamp}\nSHA-256 {digest}")
    changes = patch.difference(course, before, files)
    if before and changes:
        write_patch(changes, archive.with_name("patch.zip"), top)
    for path, line, decision in handout.decisions_left(course, root / "solution" / "handout"):
        print(f"to decide, {path}:{line}: {textwrap.shorten(decision, 80, placeholder=' ...')}")
    return Exit.DONE


def write_patch(changes: patch.Patch, archive: Path, top: str) -> None:
    """Write the zip of what has changed, and print what students must know about it."""
    write_zip(changes.files, archive, top)
    print(f"{archive}: {len(changes.files)} files have changed since the last student.zip: to be unpacked over it")
    if changes.theirs:
        print(f"  students write into these, so they are not in it: {', '.join(changes.theirs)}")
    if changes.gone:
        print(f"  students may delete these: {', '.join(changes.gone)}")


@reporting
def run(arguments: list[str], root: Path) -> int:
    """Run a course's main program with every answer in it: in dist/COURSE/solution/, or in solution/ itself."""
    parser = argparse.ArgumentParser(
        prog="python -m autograder run",
        description="Run the main program of a course, solved.",
        epilog="Further arguments go to the program.",
    )
    course_option(parser)
    options, further = parser.parse_known_args(arguments)
    course = chosen(options.course, root)
    if MAIN not in course.programs:
        print(f"{course.path.name} asks for no code: there is nothing to run", file=sys.stderr)
        return Exit.NOTHING
    folder = solved_folder(course.name, root)
    if course.name != DEFAULT_COURSE:
        write_solved(course, folder)
    with contextlib.suppress(KeyboardInterrupt):  # the program says what it keeps
        return subprocess.run([sys.executable, str(folder / MAIN), *further], check=False).returncode
    return Exit.INTERRUPTED


def write_solved(course: Course, folder: Path) -> None:
    """Write the files of a course with every answer in them, and link the data; what is the same stays untouched."""
    files = solved(course)
    present = {path.relative_to(folder).as_posix() for path in own_files(folder, leftovers(course))}
    for name in present - files.keys():
        (folder / name).unlink()
    same = {name for name in present & files.keys() if (folder / name).read_bytes() == files[name]}
    write_files(folder, {name: content for name, content in files.items() if name not in same})
    data = folder / "data"
    if course.dataset and not data.exists():
        data.symlink_to(course.root / "data", target_is_directory=True)


def check_archive(archive: Path, secrets: list[SecretLine]) -> None:
    """Read an archive back; delete it and raise SourceError if a line of the solution is in it."""
    files = zip_files(archive)
    problems = find_leaks(secrets, {f"{archive.name}/{name}": content for name, content in files.items()})
    if problems:
        archive.unlink()
        raise SourceError(problems)
