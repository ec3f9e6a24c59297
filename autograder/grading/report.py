"""results.json for people: a report for the terminal and a page of HTML. Both are made from the finished document."""

from __future__ import annotations

import html
import os
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from autograder.tasks import Points

Document = dict[str, Any]

PASSED, PARTLY, FAILED = "passed", "partly", "failed"
MARKS = {PASSED: "✓", PARTLY: "◐", FAILED: "✗"}
PLAIN_MARKS = {PASSED: "+", PARTLY: "~", FAILED: "x"}
ANSI = {PASSED: "\x1b[32m", PARTLY: "\x1b[33m", FAILED: "\x1b[31m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
RESET = "\x1b[0m"
NARROWEST, WIDEST = 48, 110


@dataclass(frozen=True)
class TaskSummary:
    """One task with the rows of its checks."""

    number: str
    name: str
    rows: list[Document]

    @property
    def score(self) -> float:
        return sum(row["score"] for row in self.rows)

    @property
    def points(self) -> float:
        return sum(row["max_score"] for row in self.rows)

    @property
    def outcome(self) -> str:
        if all(row["status"] == "passed" for row in self.rows):
            return PASSED
        return PARTLY if self.score > 0 or any(row["status"] == "passed" for row in self.rows) else FAILED


@dataclass(frozen=True)
class GroupSummary:
    """One group of tasks."""

    number: int
    title: str
    tasks: list[TaskSummary]

    @property
    def score(self) -> float:
        return sum(task.score for task in self.tasks)

    @property
    def points(self) -> float:
        return sum(task.points for task in self.tasks)


def summarise(document: Document, points: Points) -> list[GroupSummary]:
    """The rows of results.json, by group and task."""
    rows: dict[str, list[Document]] = {task.number: [] for task in points.tasks}
    for row in document["tests"]:
        rows[row["number"]].append(row)
    return [
        GroupSummary(
            group.number,
            group.title,
            [TaskSummary(t.number, t.name, rows[t.number]) for t in points.tasks if t.group == group.number],
        )
        for group in points.groups
    ]


def number(value: float) -> str:
    """Points for people: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}"


def use_colour(stream: TextIO) -> bool:
    """Colours only for a terminal that shows them, and not against the reader's will (no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def write_terminal(document: Document, points: Points, stream: TextIO) -> None:
    """Print the report, as wide as the terminal."""
    width = shutil.get_terminal_size((100, 24)).columns if stream.isatty() else 100
    encoding = (stream.encoding or "ascii").lower()
    text = terminal(document, points, width, use_colour(stream), unicode=encoding.startswith("utf"))
    stream.write(text.encode(encoding, "replace").decode(encoding))


def terminal(document: Document, points: Points, width: int = 100, colour: bool = False, unicode: bool = True) -> str:
    """The report as lines of at most `width` characters: groups, tasks, and what failed with its hints."""
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

    lines = []
    for group in summarise(document, points):
        lines.append("")
        lines.append(line(f"Task {group.number}  {group.title}", _of(group.score, group.points), "bold"))
        for task in group.tasks:
            style = task.outcome
            title = f"{marks[style]} {task.number:<5}{task.name}"
            lines.append(line(title, _of(task.score, task.points), style, indent=2))
            said = ""
            for row in task.rows:
                if row["status"] != "passed":
                    lines.append(line(f"{marks[FAILED]} {row['name']}", _of(row["score"], row["max_score"]), indent=9))
                    # One cause, such as a file that cannot be imported, often fails many checks.
                    text = row["output"] if row["output"] != said else "(the same)"
                    lines += [paint(part, "dim") for part in _wrapped(text, width, indent=13)]
                    said = row["output"]
    lines.append("")
    total = sum(row["max_score"] for row in document["tests"])
    lines.append(line("Score", _of(document["score"], total), "bold"))
    for entry in document["leaderboard"]:
        lines.append(line(f"Leaderboard: {entry['name']}", str(entry["value"])))
    if document["output"]:
        lines += ["", *_wrapped(document["output"], width, indent=0)]
    return "\n".join(lines[1:]) + "\n"


def _of(score: float, points: float) -> str:
    """Twelve characters, the stroke always in the same column; groups without points have none."""
    return f"{number(score):>5} / {number(points):<4}" if points else "   no points"


def _wrapped(text: str, width: int, indent: int) -> Iterator[str]:
    prefix = " " * indent
    for paragraph in text.splitlines():
        yield from textwrap.wrap(paragraph, width, initial_indent=prefix, subsequent_indent=prefix) or [""]


# The page. Colours from the Okabe-Ito palette, and never alone: every mark has a shape and a word too.
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #59636e; --line: #d7dce1; --panel: #f5f7f9;
  --good: #0072b2; --part: #8a6100; --bad: #b34700; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #15181c; --soft: #a3adb8; --line: #343a41; --panel: #1e2329;
    --good: #56b4e9; --part: #e69f00; --bad: #f08a4b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 0; }
.head, .row { display: flex; gap: .75rem; align-items: baseline; justify-content: space-between; }
.row > :first-child { min-width: 0; overflow-wrap: anywhere; }
.points { white-space: nowrap; font-variant-numeric: tabular-nums; }
.total { font-size: 1.6rem; font-weight: 600; }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; margin: .4rem 0 1rem; }
.bar span { display: block; height: 100%; background: var(--good); }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
section .bar { height: .3rem; margin: .4rem 0 .6rem; }
details { border-top: 1px solid var(--line); padding: .45rem 0; }
summary { cursor: pointer; list-style-position: outside; margin-left: 1.1rem; }
.mark { font-weight: 600; white-space: nowrap; }
.passed { color: var(--good); } .partly { color: var(--part); } .failed { color: var(--bad); }
ul { list-style: none; margin: .5rem 0 .25rem; padding: 0; }
li { background: var(--panel); border-radius: .35rem; padding: .5rem .7rem; margin: .4rem 0; }
pre { margin: .35rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.45 ui-monospace, monospace; }
.note { color: var(--soft); }
"""
WORDS = {PASSED: "passed", PARTLY: "in part", FAILED: "failed"}


def page(document: Document, points: Points) -> str:
    """The report as one self-contained page of HTML: no script, nothing loaded from elsewhere."""
    total = sum(row["max_score"] for row in document["tests"])
    body = [
        f'<div class="head"><h1>Autograder report</h1>'
        f'<span class="points total">{number(document["score"])} / {number(total)}</span></div>',
        _bar(document["score"], total),
    ]
    body += [f'<p class="note">{html.escape(part)}</p>' for part in document["output"].split("\n\n") if part]
    for entry in document["leaderboard"]:
        body.append(f"<p>{html.escape(str(entry['name']))}: <b>{html.escape(str(entry['value']))}</b></p>")
    body += [_group(group) for group in summarise(document, points)]
    body.append(f'<p class="note">Graded in {document["execution_time"]:.0f} seconds.</p>')
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Whatever might slip through the escaping could still load and run nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Autograder report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _group(group: GroupSummary) -> str:
    head = (
        f'<div class="head"><h2>Task {group.number}: {html.escape(group.title)}</h2>'
        f'<span class="points">{number(group.score)} / {number(group.points)}</span></div>'
    )
    tasks = "\n".join(_task(task) for task in group.tasks)
    return f"<section>{head}{_bar(group.score, group.points)}\n{tasks}\n</section>"


def _task(task: TaskSummary) -> str:
    rows = "".join(_row(row) for row in task.rows)
    # What failed is open from the start, what passed is folded away.
    state = "" if task.outcome == PASSED else " open"
    return (
        f'<details{state}><summary><span class="row"><span>{_mark(task.outcome)} {task.number} {html.escape(task.name)}'
        f'</span><span class="points">{number(task.score)} / {number(task.points)}</span></span></summary>'
        f"<ul>{rows}</ul></details>"
    )


def _row(row: Document) -> str:
    mark = _mark(PASSED if row["status"] == "passed" else PARTLY if row["score"] else FAILED)
    output = f"<pre>{html.escape(row['output'])}</pre>" if row["output"] else ""
    return (
        f'<li><span class="row"><span>{mark} {html.escape(row["name"])}</span>'
        f'<span class="points">{number(row["score"])} / {number(row["max_score"])}</span></span>{output}</li>'
    )


def _mark(outcome: str) -> str:
    return f'<span class="mark {outcome}">{MARKS[outcome]} <span>{WORDS[outcome]}</span></span>'


def _bar(score: float, points: float) -> str:
    share = 100 * score / points if points else 0
    return (
        f'<div class="bar" role="img" aria-label="{share:.0f} percent"><span style="width:{share:.1f}%"></span></div>'
    )
