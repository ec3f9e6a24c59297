"""Reads the tables in which people have graded the written part, whichever spreadsheet saved them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.classroom.exports.submission import HandedIn
from autograder.classroom.spreadsheets import (
    TableError,
    decoded,
    encoding,
    meant,
    points_in,
    quoted,
    table,
    table_rows,
)
from autograder.grading.files import MIB, UnreadableError
from autograder.grading.report import number
from autograder.release.selfgrade import Asked
from autograder.tables import safe_cell

TABLE, QUOTE = "written.csv", '"'
NUMBER_LIKE = re.compile(r"[\d.,e+ ]*")  # what spreadsheets make of numbers, in small letters; also nothing
NEEDED = ("submission", "question", "points")
LARGEST, MOST_ROWS = 64 * MIB, 1_000_000  # bytes and lines of a table of a class


@dataclass(frozen=True)
class Mark:
    """What a person has written for one answer.

    Attributes:
        points: None while nothing is there, or nothing that can be used.
        report: of which report; "" if the table does not say.
    """

    points: float | None = None
    remark: str = ""
    report: str = ""


@dataclass(frozen=True)
class FilledRow:
    """A line of a filled-in table, with the name of its file."""

    file: str
    cells: Mapping[str, str]


def read_tables(paths: Sequence[Path]) -> list[FilledRow]:
    """The lines of filled-in tables.

    Args:
        paths: files, or folders with such files in them.

    Raises:
        UnreadableError: one is no such table.
    """
    rows = []
    for path in paths:
        files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        if not files:
            raise UnreadableError(f"--written: there is no table (.csv) in {path}")
        for file in files:
            try:
                rows += rows_of(file)
            except (TableError, OSError) as error:
                said = error.strerror if isinstance(error, OSError) else str(error)
                raise UnreadableError(f"--written: {file} {said}") from None
    return rows


def rows_of(file: Path) -> list[FilledRow]:
    """The lines of one table; TableError if it is none, OSError if it cannot be read."""
    rows = table_rows(decoded(_content(file)), NEEDED, TABLE, MOST_ROWS)
    return [FilledRow(file.name, cells) for cells in rows if any(cells.values())]


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TableError("is too large for such a table")
    return content


def named_anew(file: Path, names: Callable[[Mapping[str, str]], Mapping[str, str] | None]) -> bytes:
    """A table without the lines of some students, and with other names in those of others: all else is as it was.

    Args:
        names: what else is to stand in which columns of a line; None where the line goes.

    Raises:
        TableError, OSError: as for `rows_of`.
    """
    content = _content(file)
    kind = encoding(content)
    found = table(content.decode(kind), NEEDED, TABLE, MOST_ROWS)
    lines = [found.above]
    for cells, own in found.rows:
        new = names(cells)
        if new:
            texts = [safe_cell(new[name]) if name in new else cells[name] for name in found.columns]
            lines.append(found.delimiter.join(f'"{text.replace(QUOTE, 2 * QUOTE)}"' for text in texts) + "\r\n")
        elif new is not None:
            lines.append(own)
    return "".join(lines).encode(kind)


class Names:
    """Finds the submission that a line is about."""

    def __init__(self, submissions: Sequence[HandedIn]) -> None:
        self._slugs = {one.slug: one.slug for one in submissions}
        # A spreadsheet takes 0012 for a number, and writes 12, or 1.23E+15 for a longer one.
        self._short = _unique((one.slug.lstrip("0"), one.slug) for one in submissions)
        self._names = _unique((one.shown.casefold(), one.slug) for one in submissions)

    def written(self, cells: Mapping[str, str]) -> str:
        """Its slug; what stands in its place if there is none."""
        return self.slug(cells) or cells["submission"].removeprefix("'").casefold()

    def slug(self, cells: Mapping[str, str]) -> str | None:
        """Its slug; None if there is none."""
        written = cells["submission"].removeprefix("'").casefold()
        found = self._slugs.get(written)
        if found is None and NUMBER_LIKE.fullmatch(written):
            name = cells.get("student", "").removeprefix("'").casefold()
            found = self._short.get(written.lstrip("0")) or self._names.get(name)
        return found


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for key, slug in pairs:
        found.setdefault(key, []).append(slug)
    return {key: slugs[0] for key, slugs in found.items() if key and len(slugs) == 1}


@dataclass(frozen=True)
class Marks:
    """What people have filled in.

    Attributes:
        of: slug to the mark of each question.
        lost: (slug, question) where points stand that do not count.
        complaints: what does not count, a sentence each.
        notes: what else there is to say.
    """

    of: Mapping[str, Mapping[str, Mark]]
    lost: Collection[tuple[str, str]]
    complaints: Sequence[str]
    notes: Sequence[str]


def taken(rows: Sequence[FilledRow], asked: Sequence[Asked], submissions: Sequence[HandedIn]) -> Marks:
    """The marks in the lines of filled-in tables. Points that stand there twice count if they are the same."""
    names, marks = Names(submissions), dict[str, dict[str, Mark]]()
    complaints, notes = list[str](), list[str]()
    lost: set[tuple[str, str]] = set()
    unknown: dict[str, list[str]] = {}
    for row in rows:
        slug, item = names.slug(row.cells), meant(row.cells, asked)
        filled = row.cells["points"]
        if slug is None or item is None:
            what = quoted(row.cells["submission"] if slug is None else row.cells["question"])
            if filled:
                said = "no such submission" if slug is None else "no such question"
                unknown.setdefault(f"{row.file}: {said}: {what}", []).append(filled)
            continue
        where = f"{slug}, {item.label}"
        mine = marks.setdefault(slug, {})
        before = mine.get(item.label)
        mark = Mark(None, row.cells.get("remark", ""), row.cells.get("report", "").removeprefix("'"))
        if filled:
            try:
                mark = replace(mark, points=points_in(filled, item.points))
            except ValueError as error:
                complaints.append(f"{row.file}: {where}: {error}")
                lost.add((slug, item.label))
        if before is None or before.points is None:
            mine[item.label] = mark
        elif mark.points is not None and mark.points != before.points:
            points = f"{number(before.points)} and {number(mark.points)}"
            complaints.append(f"{row.file}: {where}: occurs twice, with {points} points: neither counts")
            lost.add((slug, item.label))
        elif mark.points is not None:
            notes.append(f"{row.file}: {where}: occurs twice, with the same points")
    for slug, label in lost:
        marks[slug][label] = replace(marks[slug][label], points=None)
    complaints += [f"{said} ({len(points)} line{'s' * (len(points) > 1)})" for said, points in unknown.items()]
    return Marks(marks, lost, complaints, notes)
