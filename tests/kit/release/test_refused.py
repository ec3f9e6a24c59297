"""What does not hold together is refused with file and line, before anything is written."""

import shutil
from pathlib import Path

import pytest

from autograder.exits import Exit
from autograder.release import student
from tests.kit.courses import write_tiny

QUESTION = """+++
kind = "W"
+++
# Why squares?

Why is the error squared?

## Rubric

- 1: signs do not cancel

## Answer

Because errors of opposite signs must not cancel each other.
"""
COURSE = """title = "Half a line"
total = 6
[[section]]
name = "lines"
title = "Lines"
task = [
    { name = "predict", points = 2 },
    { name = "trained_line", points = 3 },
]
question = [{ name = "why_squares", points = 1 }]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The tiny assignment with a question, and a course that asks for no mean squared error."""
    files = {
        "solution/questions/why_squares.md": QUESTION,
        "solution/report/report.md": "# Report\n",
        "solution/report/W.md": "## Written questions\n",
        "solution/handout/half.md": "# Half a line\n\n{{sections}}\n",
        "courses/half.toml": COURSE,
    }
    return write_tiny(tmp_path, files)


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new, 1))


def refused(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of the course, for which nothing was written."""
    before = sorted(root.rglob("*"))
    assert student.student(["--course", str(root / "courses" / "half.toml")], root) == Exit.FAILED
    assert student.release(["--course", str(root / "courses" / "half.toml")], root) == Exit.FAILED
    assert sorted(root.rglob("*")) == before
    return capsys.readouterr().err


def test_it_holds_together(tree, capsys):
    assert student.student(["--course", str(tree / "courses" / "half.toml")], tree) == Exit.DONE
    given = (tree / "dist" / "half" / "student" / "line.py").read_text()
    assert "def mean_squared_error" in given and "difference * difference" in given  # main.py needs it


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("courses/half.toml", "total = 6", "total = 7", "half.toml:2: the points add up to 6, not to 7: change them"),
        ("courses/half.toml", "predict", "predit", "half.toml:7: tests/tasks.toml has no task 'predit': did you mean"),
        (
            "solution/questions/why_squares.md",
            "## Rubric\n\n- 1: signs do not cancel\n",
            "",
            "solution/questions/why_squares.md:1: a question of kind W needs a section ## Rubric",
        ),
        (
            "solution/questions/why_squares.md",
            "- 1: signs",
            "- 0: signs",
            "solution/questions/why_squares.md:8: the rubric has no item with a share above 0",
        ),
        (
            "solution/main.py",
            "    x, y = noisy_points()\n",
            "    # FOR predct\n    x, y = noisy_points()\n    # END FOR\n",
            "solution/main.py:9: no task or question is called predct: did you mean predict?",
        ),
        (
            "tests/public/test_line.py",
            "\n\n\n",
            "\n\n\n# FOR why_square\nX = 1\n# END FOR\n\n\n",
            "no task or question is called why_square: did you mean why_squares?",
        ),
        (
            "tests/tasks.toml",
            'functions = ["mean_squared_error"]',
            'functions = ["mean_squared_error"]\nsolved = "never"',
            "half.toml:1: a program needs mean_squared_error, which is never given solved: ask for it, too",
        ),
    ],
)
def test_what_does_not_hold_together(tree, capsys, name, old, new, complaint):
    change(tree, name, old, new)
    assert complaint in refused(tree, capsys)


def test_a_solution_that_uses_what_its_task_forbids(tree, capsys):
    change(tree, "courses/half.toml", "points = 2", 'points = 2, forbids = ["torch.Tensor"]')
    assert student.student(["--course", str(tree / "courses" / "half.toml")], tree) == Exit.DONE
    shutil.rmtree(tree / "dist")
    change(tree, "solution/line.py", "return slope * x + intercept", "return Tensor.add(slope * x, intercept)")
    assert "solution/line.py:9: predict must not use torch.Tensor, says half.toml" in refused(tree, capsys)


def test_a_task_that_needs_what_is_never_given_solved(tree, capsys):
    change(tree, "tests/tasks.toml", '["mean_squared_error"]', '["mean_squared_error"]\nsolved = "never"')
    change(tree, "solution/line.py", "return slope * x + intercept", "return slope * x + 0 * mean_squared_error(x, x)")
    wanted = "half.toml:7: predict needs mean_squared_error, which is never given solved: ask for both or neither"
    assert wanted in refused(tree, capsys)
