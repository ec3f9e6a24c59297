"""The floors of the kit: a room imports only rooms below it, never one beside it. `ROOMS` is the floor plan."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.repository import ROOT

# From the top; rooms of one line never import each other. The commands' table on the roof may name them all.
ROOMS = [
    {"evidence"},
    {"classroom", "gradescope"},
    {"grading", "release"},
    {"tables"},
    {"sandbox"},
    {"door", "tasks"},
    {"stamp", "toml_source"},
    {"clock", "exits", "measuring", "repository", "writing"},
    {"scratch"},
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}


def imports(source: Path) -> Iterator[str]:
    """Dotted names of the kit's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("autograder."))
        elif isinstance(node, ast.ImportFrom) and node.module == "autograder":
            yield from (f"autograder.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder."):
            yield node.module or ""


def violations(kit: Path) -> list[str]:
    """What each file imports that does not lie below it: "sandbox/worker.py imports autograder.grading.intake"."""
    found = []
    for path in sorted(kit.rglob("*.py")):
        place = path.relative_to(kit)
        room = place.parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        for name in imports(path):
            other = name.split(".")[1]
            if other != room and FLOOR[other] <= FLOOR[room]:
                found.append(f"{place.as_posix()} imports {name}")
    return found


def test_arrows_point_downward():
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "autograder").iterdir() if path.suffix in ("", ".py")}
    assert rooms - {"__init__", "__main__", "__pycache__"} == set(FLOOR), "a room without a floor, or the reverse"
    assert violations(ROOT / "autograder") == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("sandbox/worker.py", "from autograder.grading import intake"),
        ("classroom/page.py", "from autograder.gradescope.settings import load"),
        ("door/submission.py", "import autograder.tasks"),
        ("tasks.py", "def late():\n    from autograder import release"),
    ],
)
def test_a_wrong_arrow_is_seen(tmp_path, file, line):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"from autograder.repository import ROOT\n{line}\n")
    (found,) = violations(tmp_path)
    assert found.startswith(f"{file} imports autograder.")


def test_the_checks_know_the_door_only():
    """What students receive imports nothing else of the kit, and the solution nothing at all."""
    checks = [path for folder in ("public", "hidden", "support") for path in (ROOT / "tests" / folder).rglob("*.py")]
    assert {name.split(".")[1] for path in checks for name in imports(path)} == {"door"}
    assert [name for path in (ROOT / "solution").rglob("*.py") for name in imports(path)] == []
