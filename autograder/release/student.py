"""Makes what students receive: the folder student/ and the archive dist/student.zip.

Everything comes from solution/ (starter files, notebooks, handout, pictures), tests/ (the public checks and the modules
that they import), the requirements and LICENSE. The whole content is made in memory and checked before a single file is
written.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import functools
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder import tasks as points_module
from autograder.release import handout
from autograder.release import notebook as report_notebook
from autograder.release.leaks import SecretLine, find_leaks, secret_code, secret_prose
from autograder.release.starter import Problem, SourceError, make_starter
from autograder.repository import DOOR, ROOT
from autograder.tasks import PointsError

TOP_FOLDER = "vae-assignment"
# What running the assignment leaves in student/: neither compared nor deleted.
LEFTOVERS = {
    *("results", "data", ".venv", "gmvae.safetensors", "gmvae_samples.png", "ELBO_Curve.png", "submission.zip"),
    *("report.pdf", ".OTTER_LOG", ".ipynb_checkpoints"),
}
CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"}
# Folders of tests/ that students never get.
HIDDEN_TESTS = ("hidden", "kit", "assignment", "corpus")
# The oldest time that a zip archive can express: the archive must not depend on when it was made.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)

PYTEST_INI = """\
# Plain `pytest` in this folder checks the files of this folder; `pytest -m NAME` checks one task: `pytest --markers`.
[pytest]
minversion = 8.0
testpaths = tests
pythonpath = tests
addopts = --import-mode=importlib --strict-markers
"""
REQUIREMENTS_HEADER = """\
# The exact versions that this assignment is tested with. README.md, "Set-up", says how to install them.
"""
# Further locks of requirements/, with the line that heads the students' copy, requirements-NAME.txt.
FURTHER_REQUIREMENTS = {
    "explore": "# What explore.py needs on top of requirements.txt.\n",
    "report": "# What report.ipynb and export_report.py need on top of requirements.txt.\n",
}
# PyTorch asks for these by itself where it needs them; named here, they would be installed with its CPU build too.
CUDA_REQUIREMENT = re.compile(r"(nvidia-|cuda-|triton==)")


class ReleaseError(Exception):
    """The release cannot be made; the message says what to put right."""


@dataclass(frozen=True)
class Release:
    """What students receive, data apart.

    Attributes:
        files: relative path to content.
        secrets: the lines that must not be in any of it.
    """

    files: dict[str, bytes]
    secrets: list[SecretLine]


def generate(root: Path = ROOT) -> Release:
    """Make everything that belongs into student/.

    Args:
        root: the repository, or a folder that is laid out like it.

    Raises:
        SourceError: with every problem found, each with file and line.
    """
    problems: list[Problem] = []
    files: dict[str, bytes] = {}
    stubs: dict[str, int] = {}
    secrets: list[SecretLine] = []

    for source in sorted([*(root / "solution").glob("*.py"), *(root / "solution" / "lab").glob("*.py")]):
        name = source.relative_to(root / "solution").as_posix()
        path = f"solution/{name}"
        try:
            starter = make_starter(read(source), path)
        except SourceError as error:
            problems += error.problems
            continue
        files[name] = starter.text.encode()
        stubs |= starter.tasks
        secrets += secret_code(path, starter.solution_lines)
    for answers in sorted((root / "solution" / "written").glob("*.md")):
        secrets += secret_prose(f"solution/written/{answers.name}", read(answers))

    for name, source in shipped_tests(root, problems).items():
        files[f"tests/{name}"] = read(source).encode()
    for picture in sorted((root / "solution" / "figures").glob("*.png")):
        files[f"figures/{picture.name}"] = picture.read_bytes()
    files["pytest.ini"] = PYTEST_INI.encode()
    files["requirements.txt"] = student_requirements(read(root / "requirements" / "base.txt")).encode()
    base = read(root / "requirements" / "base.txt")
    for name, header in FURTHER_REQUIREMENTS.items():
        locked = read(root / "requirements" / f"{name}.txt")
        files[f"requirements-{name}.txt"] = (header + further_requirements(locked, base)).encode()
    for notebook in sorted((root / "solution").glob("*.ipynb")):
        files[notebook.name] = read(notebook).encode()
    written = None
    if (root / report_notebook.SOURCE).is_file():
        try:
            notebooks, written_points = report_notebook.make(root)
        except SourceError as error:
            problems += error.problems
        else:
            files |= notebooks.student
            written = written_points["written"]
            prose, code = report_notebook.secret_lines(read(root / report_notebook.SOURCE))
            secrets += [*secret_prose(report_notebook.SOURCE, prose), *secret_code(report_notebook.SOURCE, code)]
    files["LICENSE"] = read(root / "LICENSE").encode()
    files["README.md"] = make_handout(root, files, stubs, written, problems).encode()
    files["tasks.json"] = task_list(root, files).encode()

    problems += find_leaks(secrets, {f"student/{path}": content for path, content in files.items()})
    if problems:
        raise SourceError(problems)
    return Release(dict(sorted(files.items())), secrets)


def shipped_tests(root: Path, problems: list[Problem]) -> dict[str, Path]:
    """What lies in tests/ of a student's folder: the public checks, their helpers, the door. Name to file."""
    tests = root / "tests"
    shipped = {path.name: path for path in [tests / "conftest.py", *(tests / "public").glob("test_*.py")]}
    shipped |= {path.relative_to(tests).as_posix(): path for path in (tests / "support").rglob("*.py")}
    door = [DOOR.parent / "__init__.py", *DOOR.glob("*.py")]
    shipped |= {path.relative_to(ROOT).as_posix(): path for path in door}
    for name in ("support", "autograder", "conftest"):
        if (root / "solution" / f"{name}.py").is_file():
            problems.append(Problem(f"solution/{name}.py", 1, f"tests/ has a {name} too: one would shadow the other"))
    for source in shipped.values():
        path = source.relative_to(ROOT if source.is_relative_to(DOOR.parent) else root).as_posix()
        try:
            modules = list(imported_modules(source))
        except SyntaxError as error:
            problems.append(Problem(path, error.lineno or 1, f"this is not valid Python: {error.msg}"))
            continue
        for module, line in modules:
            ours = module.split(".")[0] in ("autograder", "solution", "tests", *HIDDEN_TESTS)
            if ours and not (module.startswith("autograder.door.") or module == "autograder.door"):
                problems.append(Problem(path, line, f"students do not get the module {module!r}"))
    return dict(sorted(shipped.items()))


def imported_modules(source: Path) -> Iterator[tuple[str, int]]:
    """Names of the modules that a file imports, anywhere in it, with their lines."""
    for node in ast.walk(ast.parse(read(source), filename=str(source))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def student_requirements(locked: str) -> str:
    """The students' requirements.txt, from the lines of the repository's."""
    lines = [line for line in locked.splitlines() if not line.startswith("#") and not CUDA_REQUIREMENT.match(line)]
    return REQUIREMENTS_HEADER + "".join(f"{line}\n" for line in lines)


def further_requirements(locked: str, base: str) -> str:
    """What a further lock holds and the base does not name.

    It leaves alone what is there already, on Colab above all, where another PyTorch would be a mistake.
    """
    present = set(base.splitlines())
    lines = [line for line in locked.splitlines() if not line.startswith("#") and line not in present]
    return "".join(f"{line}\n" for line in lines)


def make_handout(
    root: Path,
    files: Mapping[str, bytes],
    stubs: Collection[str],
    written: float | None,
    problems: list[Problem],
) -> str:
    """The students' README.md.

    Args:
        written: points of the written part, None if there is none.
        problems: what is wrong is added here.
    """
    path = "solution/README.md"
    source = read(root / "solution" / "README.md")
    try:
        # Whether the points add up to 100 is for the grader's tests to say.
        points = points_module.load(root / "courses" / "full.toml", total=None)
    except PointsError as error:
        problems.append(Problem("courses/full.toml", 1, str(error)))
        return ""
    folders = {Path(name).parent.as_posix() for name in files}
    in_the_archive = {"data", "data/README.md"}
    problems += handout.check(source, path, points, stubs, {*files, *folders, *in_the_archive}, written)
    return handout.render(source, points, written)


def task_list(root: Path, files: Collection[str]) -> str:
    """tasks.json, which tells submit.py what to hand in and what each task is worth; "" if points.toml is unfit."""
    try:
        points = points_module.load(root / "courses" / "full.toml", total=None)
    except PointsError:
        return ""  # `make_handout` has complained
    handed_in = points.files
    modules = {name for name in files if name.endswith(".py") and "/" not in name}
    document = {
        "tasks": [
            {
                "number": task.number,
                "name": task.name,
                "file": task.file,
                "function": task.function,
                "points": round(points.of_task(task.number), 6),
            }
            for task in points.tasks
        ],
        "provided": sorted(modules - handed_in),
    }
    return json.dumps(document, indent=1) + "\n"


def read(path: Path) -> str:
    """The text of a file, with \\n at the end of every line on every system."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReleaseError(f"{path} is missing") from None


def differences(files: Mapping[str, bytes], folder: Path) -> list[str]:
    """How a folder differs from what it should hold, for people; empty when it does not."""
    found = []
    present = {path.relative_to(folder).as_posix(): path for path in sorted(own_files(folder))}
    for name in sorted(set(files) | set(present)):
        if name not in present:
            found.append(f"missing: {name}")
        elif name not in files:
            found.append(f"not generated: {name}")
        elif present[name].read_bytes() != files[name]:
            found.append(f"differs: {name}" + first_difference(present[name].read_bytes(), files[name]))
    return found


def own_files(folder: Path) -> Iterator[Path]:
    """The files below a generated folder, without what running the assignment leaves there."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in LEFTOVERS and not CACHES & set(parts):
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


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Replace a generated folder: its new content is complete before the old one goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-new-", dir=folder.parent))
    old = new.with_name(new.name.replace("-new-", "-old-"))
    try:
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        new.chmod(0o755)  # mkdtemp makes private folders
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            old.rename(folder)
            raise
        for name in LEFTOVERS:
            with contextlib.suppress(FileNotFoundError):
                (old / name).rename(folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def data_files(root: Path) -> dict[str, bytes]:
    """MNIST's archives and their README, the archives checked against the MD5s that the README lists.

    Raises:
        ReleaseError: an archive is missing or damaged.
    """
    readme = read(root / "data" / "README.md")
    files = {"data/README.md": readme.encode()}
    for name, md5 in re.findall(r"^\| `([\w.-]+\.gz)` \|.*`([0-9a-f]{32})` \|$", readme, re.MULTILINE):
        archive = root / "data" / "MNIST" / "raw" / name
        content = archive.read_bytes() if archive.is_file() else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            state = "damaged" if content else "missing"
            raise ReleaseError(f"{archive} is {state}: its MD5 in data/README.md is {md5}")
        files[f"data/MNIST/raw/{name}"] = content
    if len(files) == 1:
        raise ReleaseError("data/README.md lists no archives: a table row is `| `name.gz` | bytes | `MD5` |`")
    return files


def write_zip(files: Mapping[str, bytes], archive: Path, top: str = f"{TOP_FOLDER}/") -> str:
    """Write an archive whose bytes depend on names and contents alone; return its SHA-256.

    Args:
        top: what to put before every name.

    Nothing is compressed: the data are gzip archives already, the rest is small, and different versions of zlib
    compress the same text to different bytes.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_name(f".{archive.name}.unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{top}{name}", ZIP_TIME)
            entry.create_system = 3  # Unix, whatever this system is: the mode below then counts
            entry.external_attr = (0o100644) << 16
            file.writestr(entry, files[name])
    os.replace(unfinished, archive)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def reporting(command: Callable[[list[str], Path], int]) -> Callable[..., int]:
    """The command, printing what is wrong instead of a traceback; its exit status is then 1."""

    @functools.wraps(command)
    def reported(arguments: list[str], root: Path = ROOT) -> int:
        try:
            return command(arguments, root)
        except (SourceError, ReleaseError) as error:
            print(error, file=sys.stderr)
            return 1

    return reported


@reporting
def student(arguments: list[str], root: Path) -> int:
    """Regenerate student/."""
    parse("student", "Regenerate student/ from solution/ and the public tests.", arguments)
    release = generate(root)
    changes = differences(release.files, root / "student")
    if changes:
        write_folder(release.files, root / "student")
    print(f"student/: {len(release.files)} files, {len(changes)} changed")
    return 0


@reporting
def check_sync(arguments: list[str], root: Path) -> int:
    """Say where student/ differs from what would be generated; exit status 1 if it does."""
    parse("check-sync", "Fail if student/ is not what `student` generates.", arguments)
    changes = differences(generate(root).files, root / "student")
    if not changes:
        print("student/ is up to date")
        return 0
    print("student/ is not what solution/ and tests/public generate:", *changes, sep="\n  ", file=sys.stderr)
    print("Run `make student`; edit solution/ and tests/, never student/.", file=sys.stderr)
    return 1


@reporting
def release(arguments: list[str], root: Path) -> int:
    """Write dist/student.zip."""
    parse("release", "Write dist/student.zip: student/ and the data in one folder.", arguments)
    made = generate(root)
    if differences(made.files, root / "student"):
        raise ReleaseError("student/ is out of date: run `make student` first (`make check-sync` says what differs)")
    archive = root / "dist" / "student.zip"
    digest = write_zip(made.files | data_files(root), archive)
    check_archive(archive, made.secrets)
    print(f"{archive}: {archive.stat().st_size:,} bytes\nSHA-256 {digest}")
    for line, decision in handout.decisions_left(read(root / "solution" / "README.md")):
        print(f"to decide, solution/README.md:{line}: {textwrap.shorten(decision, 80, placeholder=' ...')}")
    return 0


def check_archive(archive: Path, secrets: list[SecretLine]) -> None:
    """Read an archive back; delete it and raise SourceError if a line of the solution is in it."""
    with zipfile.ZipFile(archive) as file:
        problems = find_leaks(secrets, {f"{archive.name}/{name}": file.read(name) for name in file.namelist()})
    if problems:
        archive.unlink()
        raise SourceError(problems)


def parse(command: str, description: str, arguments: list[str]) -> None:
    """Refuse arguments, and offer --help, for a command that takes none."""
    argparse.ArgumentParser(prog=f"python -m autograder {command}", description=description).parse_args(arguments)
