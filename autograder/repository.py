"""Where things lie: the folders of the assignment that this kit stands beside, and how its TOML files are read."""

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_COURSE = "full"
ROOT = Path(__file__).resolve().parents[1]
SOLUTION = ROOT / "solution"
DOOR = ROOT / "autograder" / "door"
EXECUTOR = DOOR / "executor.py"  # what a worker runs
STUDENT = ROOT / "student"  # generated
TESTS = ROOT / "tests"
CORPUS = TESTS / "corpus"  # wrong and right code, for the audit
COURSES = ROOT / "courses"
DATA = ROOT / "data"


def dist(course: str, root: Path = ROOT) -> Path:
    """Where everything goes that is made for a course."""
    return root / "dist" / course


def solved_folder(course: str, root: Path = ROOT) -> Path:
    """Where a course's solved files lie and its main program runs; the default course's are hand-written."""
    return root / "solution" if course == DEFAULT_COURSE else dist(course, root) / "solution"


def student_folder(course: str, root: Path = ROOT) -> Path:
    """What students of a course get, as a folder; it is generated, for the default course into the repository."""
    return root / "student" if course == DEFAULT_COURSE else dist(course, root) / "student"


def grader_sources(root: Path = ROOT) -> list[Path]:
    """The trusted grader's own modules, sorted by path: what the zip holds, and what a class's results depend on."""
    kit = root / "autograder"
    rooms = (path for room in ("door", "sandbox", "grading") for path in (kit / room).rglob("*.py"))
    bottom = ("__init__", "exits", "repository", "scratch", "stamp", "tasks", "toml_source", "writing")
    return sorted([*rooms, *(kit / f"{name}.py" for name in bottom)])


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ValueError: it cannot be read or is not TOML; the message names the file, and the line where there is one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return parse_toml(text, str(path))


def parse_toml(text: str, place: str) -> dict[str, Any]:
    """The content of a TOML text.

    Args:
        place: what to call the text in messages.

    Raises:
        ValueError: it is not TOML; the message names the place, and the line where there is one.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{place}: {error}") from None


def check_sources(tests: Path) -> list[Path]:
    """The files that the checks are made of: conftest.py, public and hidden checks, helpers, stored cases; by path.

    Not the tests of the kit itself, nor the audit's corpus, which may lie in other folders below `tests`.
    """
    own = [path for folder in (".", "public", "hidden") for path in (tests / folder).glob("*.py")]
    return sorted([*own, *(tests / "support").rglob("*.py"), *(tests / "public").glob("cases/*.json")])
