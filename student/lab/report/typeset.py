"""Markdown with TeX formulas to PDF by pandoc and Typst (provided): no LaTeX and no browser, two packages from pip."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A mark remembers the page on which it comes to stand.
MARK = '\n```{{=typst}}\n#context [#metadata((name: "{name}", page: here().page())) <mark>]\n```\n'
NEW_PAGE = "\n```{=typst}\n#pagebreak(weak: true)\n```\n"
DIALECT = (
    "markdown-smart-implicit_figures-fancy_lists-blank_before_header-blank_before_blockquote"
    "+gfm_auto_identifiers+autolink_bare_uris+lists_without_preceding_blankline"
)
# A PDF is read alone: links to files beside the source lead nowhere, and Typst refuses links to headings that do not
# exist. Both become plain text. A picture of no stated size gets one by its pixels, 1,300 for the width of the text. A
# title, a paragraph all in italics, stays with the picture or table that it is above or, if it has none, below.
FILTER = """
local function is_picture(block)
  return block and (block.t == "Table" or block.t == "Para" and #block.content == 1 and block.content[1].t == "Image")
end

local function is_title(block)
  return block and block.t == "Para" and #block.content == 1 and block.content[1].t == "Emph"
end

local function keep_titles(blocks)
  local i = 1
  while i < #blocks do
    local above, below = blocks[i], blocks[i + 1]
    if is_title(above) and is_picture(below) or is_picture(above) and is_title(below) then
      blocks[i] = pandoc.Div({above}, {["typst:sticky"] = "true"})
      i = i + 1
    end
    i = i + 1
  end
  return blocks
end

function Pandoc(document)
  local known = {}
  document:walk({Header = function(header) known["#" .. header.identifier] = true end})
  return document:walk({
    Blocks = keep_titles,
    Link = function(link)
      if not known[link.target] and not link.target:match("^%a[%w+.-]*:") then return link.content end
    end,
    Image = function(image)
      local found, _, content = pcall(pandoc.mediabag.fetch, image.src)
      local read, size = pcall(pandoc.image.size, found and content or "")
      if read and not image.attributes.width then
        image.attributes.width = math.floor(math.min(100, size.width / 13)) .. "%"
      end
      return image
    end,
  })
end
"""
TEMPLATE = """
#set document(title: "$pagetitle$")
#set page(paper: "a4", margin: (x: 2cm, top: 2cm, bottom: 2.2cm), numbering: "1 / 1")
#set text(font: "Libertinus Serif", size: 10pt, lang: "en")
#set par(justify: true, leading: 0.62em)
#show heading: set block(above: 1.5em, below: 0.8em)
#show raw: set text(font: "DejaVu Sans Mono", size: 1em)
#show raw.where(block: true): it => block(fill: luma(244), inset: 7pt, radius: 3pt, width: 100%, it)
#show link: set text(fill: rgb("#0b4f9e"))
#set table(inset: (x: 5pt, y: 4pt), stroke: (x, y) => (bottom: 0.4pt + luma(190)))
#show table: set par(justify: false)
#show table: set align(left)
#show figure: set block(breakable: true)
#set list(indent: 0.6em)
#let horizontalrule = line(length: 100%, stroke: 0.5pt + luma(160))

$body$
"""


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
    """Markdown that remembers its page under a name (letters, digits and hyphens)."""
    return MARK.format(name=name)


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
        raise TypesetError(f"{error.name} is not installed: pip install -r requirements-report.txt") from None

    with tempfile.TemporaryDirectory() as temporary:
        filter_file, template, log = (Path(temporary) / name for name in ("pdf.lua", "pdf.typst", "log.json"))
        filter_file.write_text(FILTER, encoding="utf-8")
        template.write_text(TEMPLATE, encoding="utf-8")
        options = ["--standalone", f"--template={template}", f"--lua-filter={filter_file}", f"--log={log}"]
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
