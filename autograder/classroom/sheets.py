"""The pages to grade the written part by: one for each student, and one that leads to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tqdm import tqdm

from autograder.classroom import markup
from autograder.classroom.answers import Answers, Part
from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.rechecks import Rechecked
from autograder.grading import report
from autograder.release import questions
from autograder.release.numbers import values
from autograder.writing import write_atomically

if TYPE_CHECKING:
    from markupsafe import Markup

    from autograder.classroom.marks import Mark
    from autograder.classroom.written import Written

SHEET, INDEX = Path(__file__).with_name("sheet.html.j2"), Path(__file__).with_name("sheets.html.j2")
MARKS = {"passed": "✓", "not_run": "?", "grader": "?", "missing": "?"}  # of verdicts; all others are "✗"


@dataclass(frozen=True)
class Asked:
    """A question as the sheets show it.

    Attributes:
        text: the question.
        rubric: points and what is judged; empty for a numeric check.
    """

    label: str
    title: str
    points: float
    text: Markup
    rubric: Sequence[tuple[float, Markup]]


@dataclass(frozen=True)
class Shown:
    """An answer as its sheet shows it.

    Attributes:
        parts: kind and content of each piece; texts are HTML.
        page: of the PDF; None if it is not known.
    """

    asked: Asked
    parts: Sequence[tuple[str, str | Markup]]
    page: int | None
    verdict: Rechecked | None
    mark: Mark | None


def write(folder: Path, written: Written, known: dict[str, str]) -> None:
    """Write all sheets, the PDFs, and index.html.

    Args:
        known: slug to a hash of what its sheet was made of; a sheet of the same is left as it is.
    """
    everybody, asked = written.export.submissions, asked_in(written)
    looks = _hash([path.read_text(encoding="utf-8") for path in (SHEET, *sorted(report.TEMPLATE.parent.glob("*.j2")))])
    bar = tqdm(everybody, "sheets", unit=" students", dynamic_ncols=True, leave=False)
    for place, one in enumerate(bar):
        found, marks = written.answers[one.slug], written.marks.get(one.slug, {})
        verdicts = written.verdicts.get(one.slug, {})
        before, after = (_neighbour(everybody, place, step, written) for step in (-1, 1))
        people = [(other.slug, other.shown, other.time, other.late, other.notes) for other in (before, one, after)]
        bare = replace(found, pdf_content=b"", content=b"", cells=(), results={})
        key = _hash([looks, asked, bare, hashlib.sha256(found.pdf_content).digest(), verdicts, marks, people])
        sheet = folder / f"{one.slug}.html"
        if known.get(one.slug) != key or not sheet.is_file():
            shown = _shown(asked, found, verdicts, marks)
            about = {"course": written.course, "one": one, "found": found, "questions": shown}
            about |= {"before": before, "after": after, "total": written.total(one.slug)}
            about["time"] = _clock(one.time, written.course.timezone)
            if found.pdf_content:
                write_atomically(folder / f"{one.slug}.pdf", found.pdf_content)
            write_atomically(sheet, report.render(SHEET, marks=MARKS, **about))
            known[one.slug] = key
    rows = [_row(one, written) for one in everybody]
    first = _neighbour(everybody, -1, 1, written) if everybody else None
    page = report.render(INDEX, course=written.course, written=written, asked=asked, rows=rows, first=first)
    write_atomically(folder / "index.html", page)


def _clock(time: str, zone: str) -> str:
    """A time of an export by the course's clock; as it is if it names no zone of its own."""
    if not time:
        return ""
    read = datetime.fromisoformat(time)
    return f"{read.astimezone(ZoneInfo(zone)) if read.tzinfo else read:%Y-%m-%d %H:%M %Z}".strip()


def _neighbour(everybody: Sequence[HandedIn], place: int, step: int, written: Written) -> HandedIn:
    """The next student, round the class, who has handed in a report; the one at this place if there is no other."""
    others = [everybody[(place + step * distance) % len(everybody)] for distance in range(1, len(everybody) + 1)]
    return next((one for one in others if not written.answers[one.slug].nothing), others[-1])


def _hash(things: Sequence[Any]) -> str:
    return hashlib.sha256(repr(things).encode("utf-8", "replace")).hexdigest()


def asked_in(written: Written) -> list[Asked]:
    """The course's questions with their rubrics, as HTML."""
    course = written.course
    files, known = questions.read(course.root / questions.FOLDER), values(course)
    by_label = {question.label: questions.filled(files[question.name], known, []) for question in course.questions}
    rubrics = [
        by_label[item.label].scaled(item.points) if by_label[item.label].manual else [] for item in written.asked
    ]
    texts = [by_label[item.label].text for item in written.asked]
    # The course's own text, which has no bound.
    pages = iter(markup.rendered([*texts, *(text for rubric in rubrics for _, text in rubric)], longest=None))
    shown = [next(pages) for _ in texts]
    return [
        Asked(item.label, item.title, item.points, text, [(points, next(pages)) for points, _ in rubric])
        for item, text, rubric in zip(written.asked, shown, rubrics, strict=True)
    ]


def _shown(
    asked: Sequence[Asked], found: Answers, verdicts: Mapping[str, Rechecked], marks: Mapping[str, Mark]
) -> list[Shown]:
    parts = {item.label: found.parts.get(item.label, ()) for item in asked}
    texts = [part.content for pieces in parts.values() for part in pieces if part.kind == "text"]
    rendered = iter(markup.rendered(texts))

    def content(part: Part) -> str | Markup:
        return next(rendered) if part.kind == "text" else part.content

    return [
        Shown(
            item,
            [(part.kind, content(part)) for part in parts[item.label] if part.content],
            found.pages.get(item.label),
            verdicts.get(item.label),
            marks.get(item.label),
        )
        for item in asked
    ]


def _row(one: HandedIn, written: Written) -> dict[str, Any]:
    """A student's line of the index."""
    found, verdicts = written.answers[one.slug], written.verdicts.get(one.slug, {})
    answered = sum(bool(found.parts.get(item.label)) for item in written.asked)
    return {
        "one": one,
        "found": found,
        "answered": answered,
        "passed": sum(verdict.kind == "passed" for verdict in verdicts.values()),
        "checks": len(verdicts),
        "open": len(written.open(one.slug)),
        "total": written.total(one.slug),
    }
