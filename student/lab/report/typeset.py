"""Markdown with TeX formulas to PDF by pandoc and Typst (provided): no LaTeX and no browser, two packages from pip."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

MARK = '\n```{{=typst}}\n#remember("{name}")\n```\n'
LISTING = "\n```{{=typst}}\n#listing({text})\n```\n"
# Longer runs without a space, such as a list of numbers, may be broken anywhere.
UNBROKEN = re.compile(r"(\S{80})(?=\S)")
BREAK = "\u200b"  # a zero-width space
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
NEW_PAGE = "\n```{=typst}\n#pagebreak(weak: true)\n```\n"
DIALECT = (
    "markdown-smart-implicit_figures-fancy_lists-blank_before_header-blank_before_blockquote"
    "+gfm_auto_identifiers+autolink_bare_uris+lists_without_preceding_blankline"
)
HERE = Path(__file__).parent
# pandoc's template, and its filter: what links, pictures and their titles become on paper.
TEMPLATE, FILTER = HERE / "page.typ", HERE / "links.lua"


class TypesetError(Exception):
    """The document could not be made; the message says why and what to do."""


@dataclass(frozen=True)
class Pdf:
    """A finished document.

    Attributes:
        content: the PDF.
        pages: page of each mark by its name, counted from 1.
        warnings: what pandoc could not convert, mostly formulas.
    """

    content: bytes
    pages: dict[str, int]
    warnings: list[str]


def mark(name: str) -> str:
    """Markdown that remembers its page under a name (letters, digits, hyphens and dots)."""
    return MARK.format(name=name)


def listing(code: str) -> str:
    """Markdown that shows Python code with the numbers of its lines; long lines are wrapped."""
    text = code.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").expandtabs(4)
    text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    text = UNBROKEN.sub(rf"\1{BREAK}", text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return LISTING.format(text=f'"{escaped}"')


def typeset(markdown: str, folder: Path, title: str) -> Pdf:
    """Make a PDF.

    Args:
        markdown: text with formulas in $ and $$; pictures are named relative to `folder`.
        folder: where the pictures are.
        title: the title that a PDF viewer shows.

    Raises:
        TypesetError: the packages are missing, or the text cannot be typeset.
    """
    try:
        import pypandoc
        import typst
    except ImportError as error:
        raise TypesetError(f"{error.name} is not installed: pip install -r lab/requirements-report.txt") from None

    with tempfile.TemporaryDirectory() as temporary:
        log = Path(temporary) / "log.json"
        options = ["--standalone", f"--template={TEMPLATE}", f"--lua-filter={FILTER}", f"--log={log}"]
        options += ["--syntax-highlighting=none", "--wrap=none", f"--metadata=pagetitle:{title}", "--quiet"]
        options += [f"--resource-path={folder}"]
        options += ["--columns=10000"]  # else wide tables get columns of equal width
        try:
            source = pypandoc.convert_text(markdown, "typst", format=DIALECT, extra_args=options)
        except RuntimeError as error:
            raise TypesetError(f"pandoc cannot read the text: {error}") from None
        messages = json.loads(log.read_text(encoding="utf-8")) if log.is_file() else []
    warnings = [message["pretty"].strip() for message in messages if message.get("verbosity") == "WARNING"]
    # Typst brings the template's fonts. Those of the system serve where these have no letters, as in many a name.
    try:
        content = typst.compile(source.encode(), root=str(folder))
        marks = json.loads(typst.query(source.encode(), "<mark>", field="value", root=str(folder)))
    except typst.TypstError as error:
        raise TypesetError(f"Typst cannot set the text: {error}") from None
    return Pdf(content, {mark["name"]: mark["page"] for mark in marks}, warnings)
