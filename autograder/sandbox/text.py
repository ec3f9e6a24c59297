"""Text that a stranger may have written, made fit for people to read."""

from __future__ import annotations

import re
import textwrap

MAX_TEXT = 2000  # characters
WIDTH = 80  # columns of a terminal

# Escape sequences of terminals: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
# Control characters except newline and tab, and separators of lines that only some programs know.
CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb"
# What Unicode says is not to be seen (Default_Ignorable_Code_Point): marks of direction, joiners, fillers, tags, which
# spell hidden words, and selectors of variants, which can. U+2800 is an empty Braille cell.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
CONTROL_CHARACTERS = re.compile(f"[{CONTROL}{INVISIBLE}]")


def safe_text(text: str, limit: int = MAX_TEXT, strip: bool = True) -> str:
    """The text without control and invisible characters, as valid Unicode, at most `limit` characters.

    It is still plain text: HTML needs escaping on top.

    Args:
        strip: also take surrounding white space off.
    """
    # Bounded before the regular expressions see it.
    text = text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL_CHARACTERS.sub("", ESCAPE_SEQUENCES.sub("", text))
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = text.strip() if strip else text
    return text if len(text) <= limit else text[: limit - 1] + "…"


def wrapped(line: str) -> str:
    """A line for a terminal: made harmless as by `safe_text`, within 80 columns."""
    line = safe_text(line, len(line), strip=False)
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
