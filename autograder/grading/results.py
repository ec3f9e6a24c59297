"""results.json as Gradescope specifies it: one row a check, written whole or not at all, and valid at every moment.

A `Results` starts with every check at no points and "grading did not finish"; each `write` replaces the file in one
step. So whenever a container is killed, what lies there is complete JSON with the points earned until then.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.tasks import Check, Points
from autograder.writing import write_atomically

UNFINISHED = "Not graded: grading did not finish."
MAX_TEXT = 2000  # characters of a row's output
MAX_OUTPUT = 8000  # characters of the text about the whole submission

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
# Control characters but newline and tab; invisible ones and those that turn the direction of the text around them.
CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def safe_text(text: str, limit: int = MAX_TEXT) -> str:
    """Text that a stranger may have written, for people to read: no control characters, valid Unicode, capped.

    It is still plain text: HTML needs escaping on top.
    """
    # Bounded before the regular expressions see it.
    text = text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL_CHARACTERS.sub("", ESCAPE_SEQUENCES.sub("", text))
    text = text.encode("utf-8", "replace").decode("utf-8").strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass
class Row:
    """The outcome of one check.

    Attributes:
        score: points earned, from 0 to check.points.
        passed: whether it passed in full.
        output: what to tell the student; any text, `safe_text` is applied on writing.
    """

    check: Check
    score: float = 0.0
    passed: bool = False
    output: str = UNFINISHED

    def document(self) -> dict[str, Any]:
        """The row as Gradescope wants it."""
        if not (math.isfinite(self.score) and 0 <= self.score <= self.check.points):
            raise ValueError(f"{self.check.id}: a score of {self.score} out of {self.check.points}")
        return {
            "score": _number(self.score),
            "max_score": _number(self.check.points),
            "status": "passed" if self.passed else "failed",
            "name": self.check.title,
            "name_format": "text",
            "number": self.check.task,
            "output": safe_text(self.output),
            "output_format": "text",
            "tags": [f"task{self.check.task.split('.')[0]}", "hidden" if self.check.hidden_inputs else "public"],
            "visibility": self.check.visibility,
            "extra_data": {"id": self.check.id},
        }


@dataclass
class Results:
    """Everything that results.json says.

    Attributes:
        rows: check id -> row, in the order of points.toml.
        notes: paragraphs about the whole submission, for the student.
        leaderboard: Gradescope's entries.
        extra: further data, for instructors.
        seconds: wall-clock time so far.
    """

    rows: dict[str, Row]
    notes: list[str] = field(default_factory=list)
    leaderboard: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, points: Points) -> Results:
        """Results of a grading that has not begun: no points, every row unfinished."""
        return cls({check.id: Row(check) for check in points.checks})

    @property
    def score(self) -> float:
        """Sum of the points earned."""
        return _number(math.fsum(row.score for row in self.rows.values()))

    def set(self, check_id: str, fraction: float, output: str = "") -> None:
        """Record the outcome of a check.

        Args:
            fraction: share of its points, from 0 to 1; 1 counts as passed.
        """
        row = self.rows[check_id]
        row.score, row.passed, row.output = fraction * row.check.points, fraction == 1, output

    def withdraw(self, reason: str) -> None:
        """Take back every point, for when nothing that was graded can be relied on; every row gives the reason."""
        for row in self.rows.values():
            row.score, row.passed, row.output = 0.0, False, reason
        self.leaderboard.clear()

    def document(self) -> dict[str, Any]:
        """The whole as a JSON object by Gradescope's specification (see results.schema.json)."""
        return {
            "score": self.score,
            "execution_time": round(self.seconds, 2),
            "output": safe_text("\n\n".join(self.notes), MAX_OUTPUT),
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "visibility": "visible",
            # What the grader itself prints is for instructors.
            "stdout_visibility": "hidden",
            "extra_data": self.extra,
            "tests": [row.document() for row in self.rows.values()],
            "leaderboard": self.leaderboard,
        }

    def write(self, path: Path, publish: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> None:
        """Replace the file at `path` by the present state, in one step.

        Args:
            publish: applied to the document before it is written.
        """
        document = self.document() if publish is None else publish(self.document())
        write_atomically(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def _number(value: float) -> float | int:
    """Points without the dust of floating-point sums: 3.0000000001 is 3."""
    rounded = round(float(value), 6)
    return int(rounded) if rounded.is_integer() else rounded
