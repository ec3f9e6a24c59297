"""Text that hides something from people, and how to find it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

# Escapes of terminals, marks of direction, zero width, a byte order mark, tags, fillers, a selector of variants.
HOSTILE = "visible\x1b[31m\x1b]0;title\x07\u202egnp.\u2066\u200b\ufeff\U000e0068\U000e0069\u3164\u115f\ufe0f\x9b2J"
FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def unseen(text: str) -> set[str]:
    """The characters of a text that cannot be seen, by Unicode's categories; newlines and tabs aside."""
    odd = {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return (odd | set(FILLERS.findall(text))) - {"\n", "\r", "\t"}


def strings(document: Any) -> Iterator[str]:
    """All strings in a JSON document."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        yield from (text for pair in document.items() for part in pair for text in strings(part))
    elif isinstance(document, list):
        yield from (text for part in document for text in strings(part))
