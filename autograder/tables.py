"""Tables for spreadsheets, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from autograder.sandbox.text import safe_text

# A cell that begins like this is a formula to a spreadsheet, and names come from strangers.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV in which no cell is a formula, or holds characters that cannot be seen."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def safe_cell(value: Any) -> str:
    """A cell that a spreadsheet does not take for a formula, and that shows all it is made of."""
    text = "" if value is None else str(value)
    text = safe_text(text, len(text), strip=False)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, (int, float)) else text
