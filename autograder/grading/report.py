"""results.json for people: a report for the terminal and a page of HTML. Both are made from the finished document."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from autograder.sandbox.text import safe_text
from autograder.stamp import Stamp
from autograder.tasks import Course

Document = dict[str, Any]

PASSED, PARTLY, FAILED = "passed", "partly", "failed"
MARKS = {PASSED: "✓", PARTLY: "◐", FAILED: "✗"}
PLAIN_MARKS = {PASSED: "+", PARTLY: "~", FAILED: "x"}
ANSI = {PASSED: "\x1b[32m", PARTLY: "\x1b[33m", FAILED: "\x1b[31m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
RESET = "\x1b[0m"
NARROWEST, WIDEST = 48, 110
WORDS = {PASSED: "passed", PARTLY: "in part", FAILED: "failed"}
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class TaskSummary:
    """One task with the rows of its checks."""

    number: str
    title: str
    rows: list[Document]

    @property
    def score(self) -> float:
        return sum(row["score"] for row in self.rows)

    @property
    def points(self) -> float:
        return sum(row["max_score"] for row in self.rows)

    @property
    def remarked(self) -> bool:
        """Whether something is said of the code that no points depend on."""
        return any("remark" in row["extra_data"] for row in self.rows)

    @property
    def outcome(self) -> str:
        if all(row["status"] == "passed" for row in self.rows):
            return PASSED
        return PARTLY if self.score > 0 or any(row["status"] == "passed" for row in self.rows) else FAILED


@dataclass(frozen=True)
class SectionSummary:
    """One section of tasks."""

    number: str
    title: str
    tasks: list[TaskSummary]

    @property
    def score(self) -> float:
        return sum(task.score for task in self.tasks)

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)


def summarise(document: Document, course: Course) -> list[SectionSummary]:
    """The rows of results.json, by section and task."""
    rows: dict[str, list[Document]] = {task.name: [] for task in course.tasks}
    for row in document["tests"]:
        if row["extra_data"]["task"] in rows:  # the row of a submission in which nothing could be graded is of no task
            rows[row["extra_data"]["task"]].append(row)
    asked = [(section, course.asked_in(section)[0]) for section in course.sections]
    return [
        SectionSummary(
            section.number,
            section.title,
            [TaskSummary(task.number, task.title, rows[task.name]) for task in tasks],
        )
        for section, tasks in asked
        if any(rows[task.name] for task in tasks)
    ]


def number(value: float) -> str:
    """Points for people: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"


def use_colour(stream: TextIO) -> bool:
    """Whether to print colours: only on a terminal that shows them, and if the reader allows it (no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def write_terminal(document: Document, course: Course, stream: TextIO) -> None:
    """Print the report, as wide as the terminal."""
    width = shutil.get_terminal_size((100, 24)).columns if stream.isatty() else 100
    encoding = (stream.encoding or "ascii").lower()
    text = terminal(document, course, width, use_colour(stream), unicode=encoding.startswith("utf"))
    stream.write(text.encode(encoding, "replace").decode(encoding))


def terminal(document: Document, course: Course, width: int = 100, colour: bool = False, unicode: bool = True) -> str:
    """The report as lines of at most `width` characters: what there is to say about the submission's files, then
    sections, tasks, what failed with its hints, and remarks; the score at the end."""
    width = max(NARROWEST, min(width, WIDEST))
    marks = MARKS if unicode else PLAIN_MARKS

    def paint(text: str, style: str) -> str:
        return f"{ANSI[style]}{text}{RESET}" if colour else text

    def line(left: str, right: str, style: str = "", indent: int = 0) -> str:
        """Text on the left, points on the right; text that is too long goes on below, past its mark."""
        room = width - indent - len(right) - 1
        first, *others = textwrap.wrap(left, room, subsequent_indent="  ")
        texts = [(" " * indent + first.ljust(room) + " " + right).rstrip(), *(" " * indent + text for text in others)]
        return "\n".join(paint(text, style) if style else text for text in texts)

    lines = ["", *_wrapped(document["output"], width, indent=0)] if document["output"] else []
    sections = summarise(document, course)
    for section in sections:
        lines.append("")
        lines.append(line(f"Task {section.number}  {section.title}", _of(section.score, section.points), "bold"))
        for task in section.tasks:
            style = task.outcome
            title = f"{marks[style]} {task.number:<5}{task.title}"
            lines.append(line(title, _of(task.score, task.points), style, indent=2))
            said = ""
            for row in task.rows:
                if row["status"] != "passed" or "remark" in row["extra_data"]:
                    mark = marks[PASSED if row["status"] == "passed" else FAILED]
                    lines.append(line(f"{mark} {row['name']}", _of(row["score"], row["max_score"]), indent=9))
                    # One cause, such as a file that cannot be imported, often fails many checks.
                    text = row["output"] if row["output"] != said else "(the same)"
                    lines += [paint(part, "dim") for part in _wrapped(text, width, indent=13)]
                    said = row["output"]
    lines.append("")
    total = sum(row["max_score"] for row in document["tests"])
    lines.append(line("Score", _of(document["score"], total), "bold"))
    for entry in document["leaderboard"]:
        lines.append(line(f"Leaderboard: {entry['name']}", str(entry["value"])))
    if document["output"] and sections:
        lines += ["", *_wrapped("What there is to say about the files stands at the top.", width, indent=0)]
    if release := released(document):
        lines += ["", paint(release, "dim")]
    return "\n".join(lines[1:]) + "\n"


def released(document: Document) -> str:
    """For which release of the assignment the grader was made; "" if it does not know."""
    release = document.get("extra_data", {}).get("release")
    return f"Graded for release {Stamp(release['version'], release['hash'])}." if release else ""


def _of(score: float, points: float) -> str:
    """Twelve characters, the slash always in the same column; "no points" for what is worth none."""
    return f"{number(score):>5} / {number(points):<4}" if points else "   no points"


def _wrapped(text: str, width: int, indent: int) -> Iterator[str]:
    prefix = " " * indent
    for paragraph in text.splitlines():
        yield from textwrap.wrap(paragraph, width, initial_indent=prefix, subsequent_indent=prefix) or [""]


def page(document: Document, course: Course) -> str:
    """The report as one self-contained page of HTML: no script, nothing loaded from elsewhere."""
    total = sum(row["max_score"] for row in document["tests"])
    sections = summarise(document, course)
    return render(
        TEMPLATE,
        document=document,
        total=total,
        sections=sections,
        marks=MARKS,
        words=WORDS,
        released=released(document),
    )


def render(template: Path, **values: Any) -> str:
    """A page of HTML, every value escaped; the template may extend page.html.j2, which brings the style sheet."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def visible(value: Any) -> Any:
        """What goes into a page; what is markup already consists of such values."""
        return safe_text(value, len(value), strip=False) if type(value) is str else value

    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATE.parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    environment.filters["number"] = number
    return environment.get_template(template.name).render(values)
