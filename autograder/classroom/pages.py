"""Reads the outline of a PDF: `python pages.py < report.pdf` prints [[title, page], ...] as JSON, pages from 1.

A program of its own, because the PDF is a stranger's: the kernel bounds its time and its memory.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any

SECONDS, BYTES = 10, 1 << 30
MOST = 500  # entries


def entries(outline: Any) -> Iterator[Any]:
    """The entries of an outline, whatever they lie below."""
    for entry in outline:
        if isinstance(entry, list):
            yield from entries(entry)
        else:
            yield entry


def main() -> int:
    """The program. Returns 1 if the PDF has no outline that can be read."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    try:
        from pypdf import PdfReader

        reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
        found: list[tuple[str, int]] = []
        for entry in entries(reader.outline):
            page = reader.get_destination_page_number(entry)
            if page is not None and len(found) < MOST:
                found.append((str(entry.title)[:200], page + 1))
    except Exception as error:  # whatever such a file makes its reader do
        print(f"{type(error).__name__}: {error}"[:500], file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
