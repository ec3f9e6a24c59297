"""`python -m autograder zip` (`make autograder`): writes dist/COURSE/autograder.zip, for Gradescope and Otter.

`otter generate` builds the archive from generated test files; then Otter's scripts, which take 10 to 30 minutes of
conda and run students' code beside the tests, are replaced by ours, and everything is written again in an order and
with times of its own, so that the same sources give the same bytes.

    setup.sh  run_autograder  requirements*.txt     ours
    otter_config.json  tests/*.py                   generated from the course and settings.toml
    files/driver.ipynb                              generated: Otter wants one notebook to execute
    files/grader/                                   the grader, the checks, their data, the secret
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from autograder import stamp, tasks
from autograder.exits import Exit
from autograder.gradescope.otter import configuration, driver_notebook, test_files
from autograder.gradescope.settings import Settings, SettingsError
from autograder.gradescope.settings import load as load_settings
from autograder.grading.secret import SecretError, load_secret
from autograder.release.archive import zip_bytes, zip_files
from autograder.release.contents import CUDA_REQUIREMENT
from autograder.repository import check_sources, dist, grader_sources, student_folder
from autograder.scratch import temporary_folder
from autograder.tasks import Course, CourseError
from autograder.writing import make_place, write_atomically, write_files

UPLOAD_LIMIT = 100 * 10**6  # bytes; Gradescope's
GRADER = "files/grader"
# Beside the grader itself (see `grader_sources`): what run_autograder and Otter start it by.
FRONT = (
    "autograder/clock.py",
    *(f"autograder/gradescope/{name}.py" for name in ("__init__", "run", "rules", "settings", "otter")),
)
SETTINGS = "autograder/gradescope/settings.toml"
TORCH = re.compile(r"torch(vision)?==")  # whose builds must fit


class BundleError(Exception):
    """The zip cannot be made; the message says what to put right."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder zip", description="Write the autograder's zip.")
    parser.add_argument("--out", type=Path, help="where to (default: dist/COURSE/autograder.zip)")
    tasks.course_option(parser)
    options = parser.parse_args(arguments)
    try:
        course = tasks.chosen(options.course)
        if course.ungraded:
            print(f"{course.ungraded}: there is no autograder", file=sys.stderr)
            return Exit.NOTHING
        out = options.out or dist(course.name) / "autograder.zip"
        make_place(out)
        digest = write(out.resolve(), course)
    except (BundleError, CourseError, SettingsError, SecretError) as error:
        print(f"no autograder.zip: {error}", file=sys.stderr)
        return Exit.FAILED
    size = out.stat().st_size
    print(f"{out}: {size:,} bytes ({size / UPLOAD_LIMIT:.1%} of what Gradescope takes)\nSHA-256 {digest}")
    print("It holds the hidden checks and the secret: keep it away from students.")
    return Exit.DONE


def write(archive: Path, course: Course | None = None) -> str:
    """Build the archive; returns its SHA-256.

    Raises:
        BundleError, CourseError, SettingsError, SecretError: something in the repository must be put right.
    """
    files = contents(course or tasks.load())
    content = zip_bytes(
        (name, files[name], 0o100700 if name in ("setup.sh", "run_autograder") else 0o100600) for name in sorted(files)
    )
    if len(content) > UPLOAD_LIMIT:
        raise BundleError(f"{len(content):,} bytes are more than Gradescope takes ({UPLOAD_LIMIT:,})")
    make_place(archive)
    write_atomically(archive, content)
    return hashlib.sha256(content).hexdigest()


def contents(course: Course) -> dict[str, bytes]:
    """Every file of the archive: name to content."""
    root = course.root
    settings = load_settings(root / SETTINGS)
    problems = tasks.compare(course, collected_checks(root))
    if problems:
        raise BundleError("tests/tasks.toml and the checks disagree:\n  " + "\n  ".join(problems))
    secret = load_secret()
    files = {f"{GRADER}/{name}": path.read_bytes() for name, path in grader_files(course).items()}
    here = root / "autograder" / "gradescope"
    files[f"{GRADER}/__main__.py"] = (here / "grader_main.py").read_bytes()
    files[f"{GRADER}/autograder/secret.txt"] = f"{secret}\n".encode()
    return {
        **otter_generate(course, settings, files),
        **requirements((root / "requirements" / "instructor.txt").read_text()),
        "setup.sh": (here / "setup.sh").read_bytes(),
        "run_autograder": (here / "run_autograder").read_bytes(),
    }


def otter_generate(course: Course, settings: Settings, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What `otter generate` makes of the generated test files, and of `files`, whose names begin with files/.

    Its own scripts are left out: they are for a container that installs and grades as Otter does.
    """
    from otter.generate import main as generate

    with temporary_folder("otter-generate") as staging:
        write_files(staging / "tests", test_files(course))
        write_files(staging, {"otter_config.json": configuration(settings), "driver.ipynb": driver_notebook()})
        write_files(staging, {name.removeprefix("files/"): content for name, content in files.items()})
        # It takes files from below the working directory only.
        with working_directory(staging):
            generate(
                tests_dir="tests",
                output_path="generated.zip",
                config="otter_config.json",
                lang="python",
                no_requirements=True,
                no_environment=True,
                files=["driver.ipynb", "grader"],
            )
        kept = ("otter_config.json", "files/", "tests/")
        files = zip_files(staging / "generated.zip")
        return {name: content for name, content in files.items() if name.startswith(kept)}


def grader_files(course: Course) -> dict[str, Path]:
    """Everything that grading needs: the grader, the checks, the course, data. Place in the archive to place here."""
    root, assignment = course.root, course.assignment
    modules = [*grader_sources(root), *(root / name for name in FRONT), *check_sources(course.tests)]
    data = [root / name for name in ("tests/tasks.toml", SETTINGS, *assignment.data, *assignment.examples)]
    missing = [str(path.relative_to(root)) for path in data if not path.is_file()]
    if missing:
        raise BundleError(f"missing: {', '.join(missing)}")
    files = {path.relative_to(root).as_posix(): path for path in {*modules, *data}}
    given = student_folder(course.name, root)
    listed = [*provided_modules(course), given / stamp.TASKS]
    files |= {f"student/{path.relative_to(given).as_posix()}": path for path in listed}
    files[f"courses/{course.path.name}"] = course.path
    return dict(sorted(files.items()))


def provided_modules(course: Course) -> list[Path]:
    """Modules that students are given and need not hand in, although what they hand in may import them."""
    folder = student_folder(course.name, course.root)
    modules = [path for path in sorted(folder.glob("*.py")) if path.name not in course.files]
    if not modules:
        raise BundleError(f"{folder.relative_to(course.root)}/ has no modules: run `make student` first")
    return modules


def requirements(lock: str) -> dict[str, bytes]:
    """The lock cut into what setup.sh installs from different places."""
    parts: dict[str, list[str]] = {"requirements.txt": [], "requirements.torch.txt": [], "requirements.cuda.txt": []}
    for line in lock.splitlines():
        if not line or line.startswith("#"):
            continue
        torch, cuda = TORCH.match(line), CUDA_REQUIREMENT.match(line)
        name = "requirements.torch.txt" if torch else "requirements.cuda.txt" if cuda else "requirements.txt"
        parts[name].append(line)
    return {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in parts.items()}


def collected_checks(root: Path) -> list[str]:
    """Ids of all checks that pytest finds; in a process of its own: conftest.py changes the one that loads it."""
    options = ["--collect-only", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "tests/public", "tests/hidden"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        raise BundleError(f"the checks cannot be collected:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return [
        line.removeprefix("tests/")
        for line in done.stdout.splitlines()
        if line.startswith(("tests/public/", "tests/hidden/"))
    ]


@contextlib.contextmanager
def working_directory(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
