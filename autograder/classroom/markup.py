"""Strangers' Markdown as HTML that runs nothing and loads nothing: formulas become MathML, which browsers know."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

LONGEST = 400_000  # letters of all texts of a student together
SECONDS = 30
# HTML and TeX commands in the text stay text; nothing is read from the disk or the network.
OPTIONS = ["--from=ipynb-raw_html-raw_tex-raw_attribute", "--to=html", "--mathml", "--sandbox", "--wrap=none"]
OPTIONS += ["--syntax-highlighting=none", "+RTS", "-M512M", "-RTS"]
TAGS = {"p", "br", "hr", "em", "strong", "del", "sup", "sub", "code", "pre", "blockquote", "a", "ul", "ol", "li"}
TAGS |= {"dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tfoot", "tr", "th", "td"}
TAGS |= {"math", "semantics", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msup", "msub", "msubsup", "mfrac", "msqrt"}
TAGS |= {"mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"}
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "math": {"display"}, "mi": {"mathvariant"}, "mfrac": {"linethickness"}}
ATTRIBUTES |= {"mo": {"stretchy", "form", "fence", "minsize", "maxsize"}, "mtd": {"columnalign"}}
ATTRIBUTES |= {"mover": {"accent"}, "munder": {"accentunder"}, "mspace": {"width"}}
# What they hold would be shown twice, or is no text.
DROPPED = {"annotation", "script", "style", "title", "iframe", "object"}


def rendered(texts: Sequence[str], longest: int | None = LONGEST) -> list[Markup]:
    """Each text as HTML; as it is, escaped, where that cannot be done within bounds.

    Args:
        longest: letters of all together; None for any number.
    """
    from markupsafe import Markup

    plain = [Markup("<pre>{}</pre>").format(text) for text in texts]
    fits = longest is None or sum(map(len, texts)) <= longest
    pieces = _converted(texts) if fits and texts else None
    if pieces is None:
        return plain
    import nh3

    return [Markup(nh3.clean(piece, tags=TAGS, attributes=ATTRIBUTES, clean_content_tags=DROPPED)) for piece in pieces]


def _converted(texts: Sequence[str]) -> list[str] | None:
    """Each text as HTML that is still to be cleaned; None if pandoc is missing or does not do it.

    Pandoc reads them as cells of one notebook, so that no text reaches into the next.
    """
    try:
        import pypandoc

        pandoc = pypandoc.get_pandoc_path()
    except (ImportError, OSError):
        return None
    # No text holds the hash of all of them, so none can look like the beginning of a cell.
    name = hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:32]
    cells = [
        {"cell_type": "markdown", "id": f"{name}-{place}", "metadata": {}, "source": text}
        for place, text in enumerate(texts)
    ]
    document = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    try:
        done = subprocess.run([pandoc, *OPTIONS], input=document.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    _, *pieces = done.stdout.decode("utf-8", "replace").split(f'<div id="{name}-')
    if done.returncode or len(pieces) != len(texts):
        return None
    return [piece.partition(">")[2].rpartition("</div>")[0] for piece in pieces]
