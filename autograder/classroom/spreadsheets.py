"""Reads tables that people have filled in, whichever spreadsheet saved them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from autograder.grading.files import MIB
from autograder.grading.report import number
from autograder.release.selfgrade import Asked
from autograder.sandbox.text import safe_text

LARGEST, MOST_ROWS = MIB, 10_000  # bytes and lines of a table; a filled-in one of a student has some thousand bytes
HEADING_LINES = 20  # among the first of which the columns' names stand
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)")
SAVE_AS = "open it and save it as CSV (in Excel: Save As, CSV UTF-8; in LibreOffice: Text CSV)"


class TableError(Exception):
    """A file that is not such a table; the message says why, beginning with a verb: "is a workbook: ..."."""


@dataclass(frozen=True)
class Table:
    """A table as it lies in its file.

    Attributes:
        above: its text down to the columns' names.
        columns: their names in small letters.
        delimiter: what separates cells.
        rows: those below, each with its own text; all texts together are the file's.
    """

    above: str
    columns: Sequence[str]
    delimiter: str
    rows: Sequence[tuple[dict[str, str], str]]


def decoded(content: bytes) -> str:
    """The text of a table, in whichever encoding spreadsheets write.

    Raises:
        TableError: it is no text.
    """
    return content.decode(encoding(content))


def encoding(content: bytes) -> str:
    """In which encoding a table is written, by Python's name for it.

    Raises:
        TableError: it is no text.
    """
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TableError(f"is a workbook, not CSV: {SAVE_AS}")
    if content.startswith(b"%PDF"):
        raise TableError("is a PDF, not CSV")
    utf8 = "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"
    for name in ["utf-16"] if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else [utf8, "cp1252"]:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return name
    raise TableError(f"is no text: {SAVE_AS}")


def quoted(cell: str) -> str:
    """What a stranger wrote, harmless and short."""
    return repr(safe_text(cell, 40))


def table_rows(text: str, columns: Sequence[str], file: str, most: int = MOST_ROWS) -> list[dict[str, str]]:
    """The rows of `table`."""
    return [cells for cells, _ in table(text, columns, file, most).rows]


def table(text: str, columns: Sequence[str], file: str, most: int = MOST_ROWS) -> Table:
    """The table in a text, whatever separates the cells; cells of rows that are too short are "".

    Args:
        columns: lower-case names of those that must be there; the first stands in no line above them.
        file: what the table is called in advice.
        most: lines.

    Raises:
        TableError: the columns are not there.
    """
    first, *others = columns
    lines = text.splitlines()
    heading = next((line for line in lines[:HEADING_LINES] if first in line.casefold()), "")
    if not text.strip():
        raise TableError("is empty")
    if not heading:
        raise TableError(f"has no column {first!r}; its first line is {quoted(lines[0])}")
    if "," in heading and ";" in heading:
        raise TableError(f"has all columns in one: import {file} into the spreadsheet with commas between the columns")
    delimiter = max(",;\t", key=heading.count)
    try:
        rows = list(islice(_records(text, delimiter), most + 1))
    except csv.Error as error:
        raise TableError(f"is no table that can be read ({error})") from None
    if len(rows) > most:
        raise TableError(f"has more than {most:,} lines")
    for place, (row, _) in enumerate(rows):
        names = [cell.casefold() for cell in row]
        if all(column in names for column in columns):
            empty = dict.fromkeys(names, "")
            below = [(empty | dict(zip(names, cells, strict=False)), own) for cells, own in rows[place + 1 :]]
            return Table("".join(own for _, own in rows[: place + 1]), names, delimiter, below)
    raise TableError(f"has no column {' and '.join(map(repr, others))} beside {first!r}")


def _records(text: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """The cells of each record, and its own text, which may be of several lines."""
    lines = list(io.StringIO(text, newline=""))
    reader, begin = csv.reader(lines, delimiter=delimiter), 0
    for cells in reader:
        yield [cell.strip() for cell in cells], "".join(lines[begin : reader.line_num])
        begin = reader.line_num


def points_in(cell: str, most: float) -> float:
    """The points that somebody has written.

    Args:
        cell: as people of all countries write numbers: "2.5" or "2,5".
        most: what the question is worth.

    Raises:
        ValueError: it is no number from 0 to `most`; the message says so.
    """
    if not NUMBER.fullmatch(cell):
        raise ValueError(f"{quoted(cell)} is not a number")
    points = float(cell.replace(",", "."))
    if points < 0:
        raise ValueError(f"{quoted(cell)} is less than 0")
    if points > most + 1e-9:
        raise ValueError(f"{quoted(cell)} is more than the {number(most)} that it is worth")
    return points


def meant(row: Mapping[str, str], asked: Sequence[Asked]) -> Asked | None:
    """The question of a row, by its title, else by its number, which some spreadsheets take for a date."""
    named = ((row.get("title", ""), lambda item: item.title), (row["question"], lambda item: item.label))
    for cell, name in named:
        found = [item for item in asked if name(item).casefold() == cell.removeprefix("'").casefold()]
        if len(found) == 1:
            return found[0]
    return None
