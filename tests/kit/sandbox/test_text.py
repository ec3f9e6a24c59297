"""Text of strangers: no control characters, valid Unicode, capped."""

import pytest

from autograder.sandbox.text import MAX_TEXT, safe_text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("plain text\nwith\ttab", "plain text\nwith\ttab"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 null\x00 delete\x7f csi\x9b31m", "bell null delete csi31m"),
        ("right\u202eto left\u2066 zero\u200bwidth \ufeffmark", "rightto left zerowidth mark"),
        ("tag\U000e0068\U000e0069s fill\u3164\u115fers \u2800selec\ufe00\U000e0100tors", "tags fillers selectors"),
        ("\x1bPdevice\x1b\\ \x1b_program\x1b\\ \x1b]52;c;c2VjcmV0\x07clip", "device program clip"),
        ("half a pair \ud800", "half a pair ?"),
        ("ünïcödé 数 ✓", "ünïcödé 数 ✓"),
    ],
)
def test_text_of_strangers(dirty, clean):
    assert safe_text(dirty) == clean


def test_what_people_write_stays():
    assert safe_text("σ² = ½\n\tü – 漢字 😀") == "σ² = ½\n\tü – 漢字 😀"


def test_long_texts_are_capped():
    assert safe_text("a" * 30, limit=10) == "a" * 9 + "…"
    assert len(safe_text("x" * 10**6)) == MAX_TEXT
