"""A course with questions, for tests of the written part, and notebooks that answer them."""

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from autograder.tasks import Course, load
from autograder.writing import write_files

QUESTIONS = {
    "why_pi": """
+++
kind = "W"
+++

# why the area is finite

Prove that $A = \\pi r^2$ is finite.

## Rubric

- 2: a bound, such as $A < 4 r^2$
- 1: the reason

## Answer

A square.
""",
    "two": """
+++
kind = "N"
+++

# twice a number

Write a function that doubles, and half of three.

## Cells

```python
def double(x):
    return 2 * x  # SOLUTION


half = 1.5  # SOLUTION
```

## Tests

```python
def test_double(double):
    \"\"\"Of three numbers.\"\"\"
    for x in (0.0, 1.0, -2.5):
        assert double(x) == 2 * x, "that is not twice the number"
```

```python
def test_half(half):
    \"\"\"Of three.\"\"\"
    assert abs(half - 1.5) < 1e-9, "that is not half of three"
```
""",
    "run": """
+++
kind = "N"
shows = ["circles"]
+++

# what the run gave

How many circles did your run draw?

## Cells

```python
from drawn import counted

count = counted()  # SOLUTION
```

## Tests

```python
def test_count(count):
    \"\"\"As the run says.\"\"\"
    assert count == 7, "not what the run says"
```
""",
}
COURSE = """
title = "Circles & spheres"
total = 10
grading = "written"

[[section]]
name = "circles"
title = "Circles"
question = [
    { name = "why_pi", number = "W1", points = 4 },
    { name = "two", number = "N1", points = 4 },
    { name = "run", number = "N2", points = 2 },
]
"""
DRAWN = """
import json
from pathlib import Path

def counted():
    return json.loads((Path(__file__).parent / "results" / "metrics.json").read_text())["circles"]
"""
PROMPT = "_Type your answer here, replacing this text._"
DOUBLE = "def double(x):\n    return 2 * x"
TITLES = {"W1": "why the area is finite", "N1": "twice a number", "N2": "what the run gave"}


def questions() -> dict[str, str]:
    """The files of the questions."""
    return {f"solution/questions/{name}.md": text.lstrip("\n") for name, text in QUESTIONS.items()}


def write_course(root: Path) -> Course:
    """Write the course below an empty folder, with the notebook and the module that its students are given."""
    given = {"report.ipynb": notebook(W1=PROMPT, N1="double = ...\nhalf = ...", N2="count = ..."), "drawn.py": DRAWN}
    write_files(
        root,
        {
            "courses/circles.toml": COURSE,
            "tests/tasks.toml": "[assignment]\n",
            **questions(),
            **{f"dist/circles/student/{name}": content for name, content in given.items()},
        },
    )
    return load(root / "courses" / "circles.toml")


def cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    """A cell of a notebook."""
    outputs = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **outputs, **more}


def document(*cells: Mapping[str, Any]) -> bytes:
    """A notebook of these cells."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def heading(label: str) -> dict[str, Any]:
    """The cell that a question begins with."""
    end = "" if label == "W1" else "<!-- END QUESTION -->\n\n"
    return cell(f"{end}<!-- BEGIN QUESTION -->\n\n### {label}, {TITLES[label]}\n\nThe question.", "markdown")


def notebook(before: str = "import otter\n%matplotlib inline", **answers: str) -> bytes:
    """The notebook with an answer to each question that is named; W1 in words, the others in code.

    Args:
        before: a cell above all questions.
    """
    cells = [cell(before)]
    for label, answer in answers.items():
        cells += [heading(label), cell(answer, "markdown" if label == "W1" else "code")]
        cells += [] if label == "W1" else [cell(f"grader.check('{label}')")]
    return document(*cells)


def perfect() -> bytes:
    """A notebook in which everything is right."""
    right = f"{DOUBLE}\n\nhalf = 1.5"
    return notebook(W1="Inside a square: $A < 4 r^2$.", N1=right, N2="from drawn import counted\ncount = counted()")


def png(width: int = 3, height: int = 2) -> str:
    """A picture, in base64."""
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
