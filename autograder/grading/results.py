"""results.json as Gradescope specifies it: one row a check, written whole or not at all, and valid at every moment.

A `Results` starts with every check at no points and "grading did not finish"; each `write` replaces the file in one
step. So whenever a container is killed, what lies there is complete JSON with the points earned until then.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autograder.door.shown import lines
from autograder.exits import Exit
from autograder.sandbox.text import safe_text
from autograder.tasks import Check, Course
from autograder.writing import write_atomically

UNFINISHED = "Not graded: grading did not finish."
NOTHING = "submission"  # id of the only row where nothing could be graded
MAX_OUTPUT = 8000  # characters of the text about the whole submission

# What became of a check. The first reason counts: code that raises MemoryError, for example, is out of memory.
Kind = Literal[
    "passed",
    "wrong",  # the check has found a mistake, or cannot use what was returned
    "raised",
    "not_implemented",
    "missing",  # the file
    "timeout",  # a call, the task or the whole grading
    "memory",
    "crash",
    "protocol",  # the connection was tampered with
    "flood",  # of printed text
    "not_run",  # for a reason that has nothing to do with this check: grading did not get there
    "grader",  # could not do its work
]


@dataclass
class Row:
    """The outcome of one check.

    Attributes:
        score: points earned, from 0 to check.points.
        kind: what became of it.
        cause: the mistake that the check has named, "" if none.
        stub: of a check that is "not_implemented", the task that has to be written first; maybe not its own.
        output: what to tell the student; any text; `safe_text` is applied when it is written.
        case: what it failed on, {what: text}: see `calls.case_of`; of a hidden check no more than its kind.
        printed: what the code printed meanwhile; "" for hidden checks.
        remark: what to say of the code whatever became of the check; no points depend on it.
    """

    check: Check
    score: float = 0.0
    kind: Kind = "not_run"
    cause: str = ""
    stub: str = ""
    output: str = UNFINISHED
    case: Mapping[str, str] = field(default_factory=dict)
    printed: str = ""
    remark: str = ""

    def document(self) -> dict[str, Any]:
        """The row as Gradescope wants it; `extra_data` has the other parts of the output separately."""
        if not (math.isfinite(self.score) and 0 <= self.score <= self.check.points):
            raise ValueError(f"{self.check.id}: a score of {self.score} out of {self.check.points}")
        parts = {"printed": self.printed, "remark": self.remark}
        more: dict[str, Any] = {name: safe_text(text) for name, text in parts.items() if text}
        if (more or self.case) and self.output:
            more = {"diagnosis": safe_text(self.output), **more}
        if self.case:
            more["case"] = {safe_text(name): safe_text(text) for name, text in self.case.items()}
        output = "\n".join(filter(None, (self.output, lines(self.case))))
        printed = f"Your code printed:\n{self.printed}" if self.printed else ""
        return {
            "score": rounded(self.score),
            "max_score": rounded(self.check.points),
            "status": "passed" if self.kind == "passed" else "failed",
            "name": self.check.title,
            "name_format": "text",
            "number": self.check.number,
            "output": safe_text("\n\n".join(filter(None, (output, printed, self.remark)))),
            "output_format": "text",
            "tags": [self.check.task, "hidden" if self.check.hidden_inputs else "public"] if self.check.task else [],
            "visibility": self.check.visibility,
            "extra_data": {
                "id": self.check.id,
                "task": self.check.task,
                "kind": self.kind,
                "cause": safe_text(self.cause),
                **({"stub": self.stub} if self.stub else {}),
                **more,
            },
        }


@dataclass
class Results:
    """Everything that results.json says.

    Attributes:
        rows: check id -> row, in the order of the course.
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
    def of(cls, course: Course) -> Results:
        """Results of a grading that has not begun: no points, every row unfinished."""
        return cls({check.id: Row(check) for check in course.checks})

    @classmethod
    def of_nothing(cls, course: Course, reason: str) -> Results:
        """Results of a submission of which nothing can be graded: one row, worth all points, that says why."""
        check = Check(NOTHING, "", "", course.graded, "Nothing of this submission could be graded")
        return cls({check.id: Row(check, output=reason)})

    @property
    def score(self) -> float:
        """Sum of the points earned."""
        return rounded(math.fsum(row.score for row in self.rows.values()))

    def set(
        self,
        check_id: str,
        fraction: float,
        output: str = "",
        *,
        kind: Kind = "wrong",
        cause: str = "",
        stub: str = "",
        case: Mapping[str, str] | None = None,
        printed: str = "",
    ) -> None:
        """Record the outcome of a check.

        Args:
            fraction: share of its points, from 0 to 1; with 1 its kind is "passed".
            others: see Row.
        """
        check = self.rows[check_id].check
        kind = "passed" if fraction == 1 else kind
        remark = self.rows[check_id].remark
        points = fraction * check.points
        self.rows[check_id] = Row(check, points, kind, cause, stub, output, case or {}, printed, remark)

    def remark(self, check_id: str, text: str) -> None:
        """Have a row say something of the code, whatever becomes of its check."""
        self.rows[check_id].remark = text

    def withdraw(self, reason: str) -> None:
        """Take back every point, for when nothing that was graded can be relied on; every row gives the reason."""
        self.rows = {id: Row(row.check, kind="grader", output=reason) for id, row in self.rows.items()}
        self.leaderboard.clear()

    def document(self, publish: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> dict[str, Any]:
        """The whole as a JSON object by Gradescope's specification (see results.schema.json).

        Args:
            publish: applied to it.
        """
        document = {
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
        return document if publish is None else publish(document)

    def write(
        self, path: Path, publish: Callable[[dict[str, Any]], dict[str, Any]] | None = None, so_far: bool = False
    ) -> None:
        """Replace the file at `path` by the present state, in one step.

        Args:
            publish: as for `document`.
            so_far: there is more to come; then it is one long line, which takes a tenth of the time.
        """
        text = json.dumps(self.document(publish), indent=None if so_far else 1, allow_nan=False)
        write_atomically(path, text + "\n")


def exit_status(document: dict[str, Any]) -> Exit:
    """The exit status of a command that has graded one submission, from its results.json."""
    extra = document.get("extra_data", {})
    if "problem" in extra:
        return Exit.FAILED
    taken = extra.get("submission")
    if taken is None:  # refused, by Gradescope's rules
        return Exit.DONE
    if taken["errors"] or not taken["files"]:
        return Exit.NOTHING
    return Exit.LEFT_OUT if taken["left_out"] else Exit.DONE


def rounded(value: float) -> float | int:
    """Points without the dust of floating-point sums: 3.0000000001 is 3."""
    short = round(float(value), 6)
    return int(short) if short.is_integer() else short
