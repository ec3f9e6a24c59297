"""results.json for people: a report for the terminal and a page of HTML. Both are made from the finished document."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from autograder.sandbox.text import safe_text
from autograder.stamp import Stamp
from autograder.tasks import Course, Task

Document = dict[str, Any]

PASSED, PARTLY, FAILED, UNTOUCHED = "passed", "partly", "failed", "untouched"
MARKS = {PASSED: "✓", PARTLY: "◐", FAILED: "✗", UNTOUCHED: "○"}
PLAIN_MARKS = {PASSED: "+", PARTLY: "~", FAILED: "x", UNTOUCHED: "o"}
ANSI = {PASSED: "\x1b[32m", PARTLY: "\x1b[33m", FAILED: "\x1b[31m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
ANSI[UNTOUCHED] = ANSI["dim"]
RESET = "\x1b[0m"
NARROWEST, WIDEST = 48, 110
WORDS = {PASSED: "passed", PARTLY: "in part", FAILED: "failed", UNTOUCHED: "not started"}
NOT_BEGUN = ("not_implemented", "missing")  # kinds of rows that say only that something is not there
LONGEST_STEP = 400  # characters
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class TaskSummary:
    """One task with the rows of its checks.

    Attributes:
        file: that it is in; "" for a task that is judged over all files.
        functions: to be written there.
        waits_for: numbers of the other tasks without which its checks cannot be run.
    """

    number: str
    title: str
    rows: list[Document]
    file: str = ""
    functions: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()

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
    def not_begun(self) -> list[Document]:
        """The rows that say only that something is not there yet."""
        return [
            row for row in self.rows if row["extra_data"]["kind"] in NOT_BEGUN and "remark" not in row["extra_data"]
        ]

    @property
    def told(self) -> list[Document]:
        """The rows that have something to say of code that is there."""
        return [row for row in self.rows if row not in self.not_begun]

    @property
    def outcome(self) -> str:
        failed = [row for row in self.rows if row["status"] != "passed"]
        if not failed:
            return PASSED
        if all(row in self.not_begun for row in failed) and not self.score and not self.remarked:
            return UNTOUCHED
        return PARTLY if self.score > 0 or len(failed) < len(self.rows) else FAILED

    @property
    def open(self) -> bool:
        """Whether there is more to read than its points."""
        return self.remarked or self.outcome in (PARTLY, FAILED)

    @property
    def lacks(self) -> str:
        """What is not there yet, in a few words."""
        if self.waits_for:
            return f"waits for {', '.join(self.waits_for)}"
        missing = all(row["extra_data"]["kind"] == "missing" for row in self.not_begun)
        return f"{self.file} is missing" if missing else self.file


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

    @property
    def open(self) -> bool:
        """Whether there is more to read of a task than its points."""
        return any(task.open for task in self.tasks)


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
            [_task(task, rows[task.name], course) for task in tasks],
        )
        for section, tasks in asked
        if any(rows[task.name] for task in tasks)
    ]


def _task(task: Task, rows: list[Document], course: Course) -> TaskSummary:
    numbers = {each.name: each.number for each in course.tasks}
    stubs = {row["extra_data"].get("stub", "") for row in rows} - {""}
    others = () if task.name in stubs else tuple(sorted(numbers[stub] for stub in stubs if stub in numbers))
    return TaskSummary(task.number, task.title, rows, task.file, task.functions, others)


def first_step(document: Document, course: Course) -> str:
    """What to do first, in a sentence: put the first task right that fails, else begin the first that is not begun.

    Only rows that the student may see now are looked at.
    """
    seen = [row for row in document["tests"] if row.get("visibility", "visible") == "visible"]
    tasks = [task for section in summarise({**document, "tests": seen}, course) for task in section.tasks]
    steps = [*_corrections(task for task in tasks if task.file), *_beginnings(tasks), *_corrections(tasks)]
    if not steps:
        return "All checks pass." if tasks and len(seen) == len(document["tests"]) else ""
    return safe_text(f"First thing to do: {steps[0]}", LONGEST_STEP)


def _corrections(tasks: Iterable[TaskSummary]) -> Iterator[str]:
    """What is wrong in code that is there."""
    for task in tasks:
        for row in task.told:
            if row["status"] != "passed":
                yield f"Task {task.number} ({task.title}). {row['extra_data'].get('diagnosis', row['output'])}"


def _beginnings(tasks: Iterable[TaskSummary]) -> Iterator[str]:
    """What can be begun."""
    for task in tasks:
        if task.file and task.not_begun and not task.waits_for:
            missing = any(row["extra_data"]["kind"] == "missing" for row in task.not_begun)
            names = f"{', '.join(task.functions)} in {task.file}" if task.functions else task.file
            what = f"hand in {task.file}" if missing else f"write {names}"
            yield f"{what} (Task {task.number}, {task.title})."


def number(value: float) -> str:
    """Points for people: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"


def count(number: int, what: str) -> str:
    """A number of things: "1 file", "2 files"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def use_colour(stream: TextIO) -> bool:
    """Whether to print colours: only on a terminal that shows them, and if the reader allows it (no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def write_terminal(document: Document, course: Course, stream: TextIO, name: str = "", when: str = "") -> None:
    """Print the report, as wide as the terminal."""
    width = shutil.get_terminal_size((100, 24)).columns if stream.isatty() else 100
    encoding = (stream.encoding or "ascii").lower()
    text = terminal(document, course, width, use_colour(stream), encoding.startswith("utf"), name, when)
    stream.write(text.encode(encoding, "replace").decode(encoding))


def terminal(
    document: Document,
    course: Course,
    width: int = 100,
    colour: bool = False,
    unicode: bool = True,
    name: str = "",
    when: str = "",
) -> str:
    """The report as lines of at most `width` characters: whose it is, what there is to say about the submission's
    files, then sections, tasks, what failed with its hints, and remarks; the score and what to do first at the end.

    Args:
        name: of whom or what was graded.
        when: it was graded.
    """
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

    def of_task(task: TaskSummary) -> Iterator[str]:
        style = task.outcome
        lacks = f" ({task.lacks})" if style == UNTOUCHED and task.lacks else ""
        yield line(f"{marks[style]} {task.number:<5}{task.title}{lacks}", _of(task.score, task.points), style, indent=2)
        if style == UNTOUCHED:
            return
        said = ""
        for row in task.told:
            if row["status"] != "passed" or "remark" in row["extra_data"]:
                mark = marks[PASSED if row["status"] == "passed" else FAILED]
                yield line(f"{mark} {row['name']}", _of(row["score"], row["max_score"]), indent=9)
                # One cause, such as a file that cannot be imported, often fails many checks.
                text = row["output"] if row["output"] != said else "(the same)"
                yield from (paint(part, "dim") for part in _wrapped(text, width, indent=13))
                said = row["output"]
        if left := task.not_begun:
            text = f"{marks[UNTOUCHED]} {checks(len(left))} not started: {left[0]['output']}"
            yield line(text, _of(0, sum(row["max_score"] for row in left)), UNTOUCHED, indent=9)

    first = first_step(document, course)
    heading = [course.title, ", ".join(filter(None, (name, when)))] if name or when else []
    lines = [paint(part, "bold") for text in heading for part in _wrapped(text, width, indent=0)]
    notes = [note for note in document["output"].split("\n\n") if note and note != first]
    for note in notes:
        lines += ["", *_wrapped(note, width, indent=0)]
    sections = summarise(document, course)
    apart = True  # sections in which every task is one line stand close together
    for section in sections:
        lines += [""] if apart or section.open else []
        lines.append(line(f"Task {section.number}  {section.title}", _of(section.score, section.points), "bold"))
        lines += [part for task in section.tasks for part in of_task(task)]
        apart = section.open
    lines.append("")
    total = sum(row["max_score"] for row in document["tests"])
    lines.append(line("Score", _of(document["score"], total), "bold"))
    for entry in document["leaderboard"]:
        lines.append(line(f"Leaderboard: {entry['name']}", str(entry["value"])))
    if first:
        lines += ["", *(paint(part, "bold") for part in _wrapped(first, width, indent=0))]
    if notes and sections:
        lines += ["", *_wrapped("What there is to say about the files stands at the top.", width, indent=0)]
    if release := released(document):
        lines += ["", paint(release, "dim")]
    return "\n".join(lines).lstrip("\n") + "\n"


def checks(number: int) -> str:
    """ "1 check", "2 checks"."""
    return count(number, "check")


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


def page(document: Document, course: Course, name: str = "", when: str = "") -> str:
    """The report as one self-contained page of HTML: no script, nothing loaded from elsewhere; see `terminal`."""
    first = first_step(document, course)
    notes = [note for note in document["output"].split("\n\n") if note and note != first]
    taken = document["extra_data"].get("submission", {"notes": (), "left_out": (), "errors": ()})
    usual = [note for note in notes if note in taken["notes"]] if not (taken["left_out"] or taken["errors"]) else []
    return render(
        TEMPLATE,
        document=document,
        course=course,
        name=name,
        when=when,
        first=first,
        notes=[note for note in notes if note not in usual],
        usual=usual,
        total=sum(row["max_score"] for row in document["tests"]),
        gradable=not taken["errors"],
        sections=summarise(document, course),
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
    environment.filters |= {"number": number, "checks": checks}
    return environment.get_template(template.name).render(values)
