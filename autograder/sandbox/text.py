"""Text that a stranger may have written, made fit for people to read."""

from __future__ import annotations

import re

MAX_TEXT = 2000  # characters

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
# Control characters except newline and tab; invisible ones, and those that turn the direction of the text around them.
CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def safe_text(text: str, limit: int = MAX_TEXT) -> str:
    """The text without control characters and surrounding white space, as valid Unicode, at most `limit` characters.

    It is still plain text: HTML needs escaping on top.
    """
    # Bounded before the regular expressions see it.
    text = text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL_CHARACTERS.sub("", ESCAPE_SEQUENCES.sub("", text))
    text = text.encode("utf-8", "replace").decode("utf-8").strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"
