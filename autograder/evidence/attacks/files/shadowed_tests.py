"""Files with the names of the tests and of what they import.

Goal: forge
Means: conftest.py, tests/, submission.py, executor.py, diagnose.py, oracles.py with plugins that pass everything.
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
NAMES = ("conftest", "submission", "executor", "diagnose", "oracles", "strategies", "laws", "trained_model")


def build(submission: Path) -> None:
    for folder in (submission, submission / "tests", submission / "tests" / "hidden", submission / "tests" / "public"):
        folder.mkdir(exist_ok=True)
        for name in NAMES:
            (folder / f"{name}.py").write_text(PASS_ALL)
        (folder / "test_task1_small.py").write_text("def test_public():\n    print('HOSTILE test ran')\n")
