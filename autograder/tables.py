"""Tables for spreadsheets, as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from autograder.sandbox.text import safe_text

# What begins like this is a formula to a spreadsheet, and names come from strangers. In half of Europe spreadsheets
# divide cells at semicolons, also within the quotes of a cell that is not the first.
FORMULA = re.compile("(^|[;,\t\n])(?= *[=+\\-@\uff1d\uff0b\uff0d\uff20]|\t)")


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as CSV, every cell quoted, in which none is a formula or holds characters that cannot be seen."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def safe_cell(value: Any) -> str:
    """A cell that a spreadsheet does not take for a formula, and that shows all it is made of."""
    text = "" if value is None else str(value)
    text = safe_text(text, len(text), strip=False)
    # Platforms write a lone hyphen where there is nothing, and want it back.
    return text if isinstance(value, (int, float)) or text == "-" else FORMULA.sub(r"\1'", text)
