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
import re
import shutil
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.exits import Exit
from autograder.release import handout, numbers
from autograder.release import notebook as report_notebook
from autograder.release.archive import write_zip
from autograder.release.leaks import SecretLine, find_leaks, secret_code, secret_prose
from autograder.release.starter import Problem, SourceError, make_starter
from autograder.repository import DOOR, ROOT
from autograder.tasks import COURSE_FILE, Course, CourseError, load

# What working in student/ leaves there beside the assignment's own leftovers: neither compared nor deleted.
LEFTOVERS = {"results", "data", ".venv", "submission.zip", "report.pdf", ".OTTER_LOG", ".ipynb_checkpoints"}
CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"}
# Folders of tests/ that students never get.
HIDDEN_TESTS = ("hidden", "kit", "assignment", "corpus")
# What lies in lab/ beside Python: templates, style sheets, and what pandoc reads.
OTHER_LANGUAGES = {".j2", ".css", ".lua", ".typ"}

PYTEST_INI = """\
# Plain `pytest` in this folder checks the files of this folder; `pytest -m task1_1` those of one task.
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
    """What students receive, except the data.

    Attributes:
        files: relative path to content.
        secrets: the lines that must not be in any of it.
        course: the course that is released.
    """

    files: dict[str, bytes]
    secrets: list[SecretLine]
    course: Course


def generate(root: Path = ROOT) -> Release:
    """Make everything that belongs in student/.

    Args:
        root: the repository, or a folder that is laid out like it.

    Raises:
        SourceError: with every problem found, each with file and line.
        CourseError: the course does not hold together.
    """
    course = load(root / "courses" / COURSE_FILE.name)
    problems: list[Problem] = []
    secrets: list[SecretLine] = []
    files: dict[str, bytes] = {}
    known = numbers.values(course, report_notebook.written_points(root))

    for source in sorted([*(root / "solution").glob("*.py"), *(root / "solution" / "lab").rglob("*.py")]):
        name = source.relative_to(root / "solution").as_posix()
        path = f"solution/{name}"
        try:
            starter = make_starter(read(source), path)
        except SourceError as error:
            problems += error.problems
            continue
        numbers.put_in(read(source), path, known, problems)  # complains with the lines of the source
        files[name] = numbers.put_in(starter.text, path, known, []).encode()
        secrets += secret_code(path, starter.solution_lines)
    for answers in sorted((root / "solution" / "written").glob("*.md")):
        secrets += secret_prose(f"solution/written/{answers.name}", read(answers))
    for name, source in shipped_tests(root, problems).items():
        files[f"tests/{name}"] = numbers.put_in(read(source), _shown(source, root), known, problems).encode()
    handout_text = handout.assemble(course, root / "solution" / "handout", known, problems)
    files |= other_files(root)
    if report_notebook.exists(root):
        files |= pdf_maker()
        try:
            notebooks = report_notebook.make(root, handout_text, known)
        except SourceError as error:
            problems += error.problems
        else:
            files |= notebooks.student
            prose, code = report_notebook.secret_lines(read(root / report_notebook.SOURCE))
            secrets += [*secret_prose(report_notebook.SOURCE, prose), *secret_code(report_notebook.SOURCE, code)]
    files["README.md"] = handout_text.encode()
    files["tasks.json"] = task_list(course, files).encode()

    folders = {Path(name).parent.as_posix() for name in files}
    problems += handout.check_links(handout_text, "student/README.md", {*files, *folders, "data", "data/README.md"})
    problems += find_leaks(secrets, {f"student/{path}": content for path, content in files.items()})
    if problems:
        raise SourceError(problems)
    return Release(dict(sorted(files.items())), secrets, course)


def notebooks(root: Path = ROOT) -> report_notebook.Notebooks:
    """The report's notebooks.

    Raises:
        SourceError, CourseError: the course, the handout or the report is not in order.
    """
    course = load(root / "courses" / COURSE_FILE.name)
    known = numbers.values(course, report_notebook.written_points(root))
    problems: list[Problem] = []
    text = handout.assemble(course, root / "solution" / "handout", known, problems)
    if problems:
        raise SourceError(problems)
    return report_notebook.make(root, text, known)


def other_files(root: Path) -> dict[str, bytes]:
    """What students get as it is, and their requirements."""
    files = {f"figures/{path.name}": path.read_bytes() for path in (root / "solution" / "figures").glob("*.png")}
    files |= {path.name: read(path).encode() for path in (root / "solution").glob("*.ipynb")}
    lab = (path for path in (root / "solution" / "lab").rglob("*") if path.suffix in OTHER_LANGUAGES)
    files |= {path.relative_to(root / "solution").as_posix(): read(path).encode() for path in lab}
    files |= {"pytest.ini": PYTEST_INI.encode(), "LICENSE": read(root / "LICENSE").encode()}
    base = read(root / "requirements" / "base.txt")
    files["requirements.txt"] = student_requirements(base).encode()
    for name, header in FURTHER_REQUIREMENTS.items():
        locked = root / "requirements" / f"{name}.txt"
        if locked.is_file():
            files[f"requirements-{name}.txt"] = (header + further_requirements(read(locked), base)).encode()
    return files


def pdf_maker() -> dict[str, bytes]:
    """The kit's PDF maker as students get it, for their reports."""
    names = ("typeset.py", "page.typ", "links.lua")
    return {f"lab/report/{name}": Path(__file__).with_name(name).read_bytes() for name in names}


def _shown(source: Path, root: Path) -> str:
    """A source's path for messages: below the root, or below the kit for the kit's own files."""
    return source.relative_to(ROOT if source.is_relative_to(DOOR.parent) else root).as_posix()


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
        path = _shown(source, root)
        try:
            modules = list(imported_modules(source))
        except SyntaxError as error:
            problems.append(Problem(path, error.lineno or 1, f"this is not valid Python: {error.msg}"))
            continue
        # conftest.py asks the kit for the tasks where there is no tasks.json: students have one.
        known = ("autograder.door", "autograder.tasks") if source.name == "conftest.py" else ("autograder.door",)
        for module, line in modules:
            ours = module.split(".")[0] in ("autograder", "solution", "tests", *HIDDEN_TESTS)
            if ours and not module.startswith(known):
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

    So what is installed already is left alone: on Colab, another PyTorch would be a mistake.
    """
    present = set(base.splitlines())
    lines = [line for line in locked.splitlines() if not line.startswith("#") and line not in present]
    return "".join(f"{line}\n" for line in lines)


def task_list(course: Course, files: Collection[str]) -> str:
    """tasks.json: what to hand in and what each task is worth, for submit.py, and the tasks' markers, for pytest."""
    modules = {name for name in files if name.endswith(".py") and "/" not in name}
    document = {
        "tasks": [task | {"points": round(course.of_task(task["name"]), 6)} for task in course.described()],
        "provided": sorted(modules - course.files),
    }
    return json.dumps(document, indent=1) + "\n"


def read(path: Path) -> str:
    """The text of a file, with \\n at the end of every line on every system."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReleaseError(f"{path} is missing") from None


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
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-new-", dir=folder.parent))
    old = new.with_name(new.name.replace("-new-", "-old-"))
    try:
        for name, content in release.files.items():
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
        for name in leftovers(release.course):
            with contextlib.suppress(FileNotFoundError):
                (old / name).rename(folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def data_files(root: Path, archives: str) -> dict[str, bytes]:
    """The data that students get: data/README.md and the archives of its table, checked against the MD5s there.

    Args:
        archives: the folder that they are in, below the root; "" for no data.

    Raises:
        ReleaseError: an archive is missing or damaged.
    """
    if not archives:
        return {}
    readme = read(root / "data" / "README.md")
    files = {"data/README.md": readme.encode()}
    for name, md5 in re.findall(r"^\| `([\w.-]+\.gz)` \|.*`([0-9a-f]{32})` \|$", readme, re.MULTILINE):
        archive = root / archives / name
        content = archive.read_bytes() if archive.is_file() else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
            state = "damaged" if content else "missing"
            raise ReleaseError(f"{archive} is {state}: its MD5 in data/README.md is {md5}")
        files[f"{archives}/{name}"] = content
    if len(files) == 1:
        raise ReleaseError("data/README.md lists no archives: a table row is `| `name.gz` | bytes | `MD5` |`")
    return files


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
    """Regenerate student/."""
    parse("student", "Regenerate student/ from solution/ and the public tests.", arguments)
    release = generate(root)
    changes = differences(release, root / "student")
    if changes:
        write_folder(release, root / "student")
    print(f"student/: {len(release.files)} files, {len(changes)} changed")
    return Exit.DONE


@reporting
def check_sync(arguments: list[str], root: Path) -> int:
    """Say where student/ differs from what would be generated; it fails if it does."""
    parse("check-sync", "Fail if student/ is not what `student` generates.", arguments)
    changes = differences(generate(root), root / "student")
    if not changes:
        print("student/ is up to date")
        return Exit.DONE
    print("student/ is not what solution/ and tests/public generate:", *changes, sep="\n  ", file=sys.stderr)
    print("Run `make student`; edit solution/ and tests/, never student/.", file=sys.stderr)
    return Exit.FAILED


@reporting
def release(arguments: list[str], root: Path) -> int:
    """Write dist/student.zip."""
    parse("release", "Write dist/student.zip: student/ and the data in one folder.", arguments)
    made = generate(root)
    if differences(made, root / "student"):
        raise ReleaseError("student/ is out of date: run `make student` first (`make check-sync` says what differs)")
    archive = root / "dist" / "student.zip"
    assignment = made.course.assignment
    files = made.files | data_files(root, assignment.archives)
    digest = write_zip(files, archive, top=f"{assignment.folder}/")
    check_archive(archive, made.secrets)
    print(f"{archive}: {archive.stat().st_size:,} bytes\nSHA-256 {digest}")
    for path, line, decision in handout.decisions_left(made.course, root / "solution" / "handout"):
        print(f"to decide, {path}:{line}: {textwrap.shorten(decision, 80, placeholder=' ...')}")
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
