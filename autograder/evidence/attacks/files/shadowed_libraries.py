"""Modules with the names of libraries, so that they are imported in their place.

Goal: forge
Means: torch/, numpy.py, json.py, pytest.py, hypothesis/, os.py beside the submission, each printing a mark when it is
    imported.
Expected: the grader imports none of them; the honest code keeps its points.
"""

from pathlib import Path

PRINT = "print('HOSTILE module imported:', __name__, __file__)\n"


def build(submission: Path) -> None:
    for name in ("numpy", "json", "pytest", "os", "struct", "scipy", "site", "typing"):
        (submission / f"{name}.py").write_text(PRINT)
    for name in ("torch", "hypothesis", "autograder", "matplotlib"):
        (submission / name).mkdir()
        (submission / name / "__init__.py").write_text(PRINT)
