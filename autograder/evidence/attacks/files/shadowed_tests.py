"""Files with the names of the tests and of what they import.

Goal: forge
Means: conftest.py, tests/, support/, autograder/door/ and executor.py with plugins that pass everything.
Expected: the grader imports none of them; the honest code keeps its points.
"""

from pathlib import Path

PASS_ALL = """
print("HOSTILE module imported:", __name__)
def pytest_runtest_makereport(item, call):
    call.excinfo = None
def pytest_collection_modifyitems(items):
    items.clear()
def check_close(*a, **k): pass
check = fail = check_close
"""
NAMES = (
    *("conftest", "executor", "support/__init__", "support/oracles", "support/trained_model"),
    *(f"autograder/door/{name}" for name in ("__init__", "fixtures", "submission", "diagnose")),
)


def build(submission: Path) -> None:
    for folder in (submission, submission / "tests", submission / "tests" / "hidden", submission / "tests" / "public"):
        for name in NAMES:
            path = folder / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(PASS_ALL)
        (folder / "test_part1.py").write_text("def test_public():\n    print('HOSTILE test ran')\n")
