"""results/index.html: every picture and table on one page that needs no network (provided)."""

import os
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 0 1rem 4rem; }
h1 { line-height: 1.2; } h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
nav a { display: inline-block; margin: 0 1rem .3rem 0; }
.pictures { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
figure { border: 1px solid var(--line); border-radius: .5rem; margin: 0; padding: .6rem; }
figure.wide { grid-column: 1 / -1; }
figure img { background: white; border-radius: .3rem; display: block; height: auto; margin: auto; max-width: 100%; }
figcaption { font-size: .92rem; margin-top: .5rem; } figcaption b { display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0 0 .4rem; }
h3 { font-size: 1rem; margin: 1.8rem 0 .3rem; }
th, td { padding: .25rem .7rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 1px solid var(--line); vertical-align: bottom; }
tbody tr:nth-child(odd) { background: var(--soft); }
.note { margin-top: 0; } .open { background: var(--soft); border-left: .3rem solid #e76300; padding: .5rem 1rem; }
"""
# These fill the page's width: sheets of many small pictures are illegible otherwise.
WIDE = {
    *("gmm_entropy.png", "gmm_entropy_degenerate.png", "autoencoder_and_vae.png", "posterior_rows.png"),
    *("contact_sheet.png", "comparison.png", "gmvae_samples.png"),
}


def format_cell(value: Any) -> str:
    """A table's entry as text: whole numbers with separators, others with two or four decimals, or four digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "∞" if value == "inf" else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 10:
        return f"{value:.2f}"
    return f"{value:.4f}" if abs(value) >= 0.01 or value == 0 else f"{value:.4g}"


def table_html(table: dict[str, Any]) -> str:
    """One table with its title and the note under it."""
    head = "".join(f"<th>{escape(column)}</th>" for column in table["columns"])
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(format_cell(cell))}</td>" for cell in row) + "</tr>\n" for row in table["rows"]
    )
    return (
        f'<h3>{escape(table["title"])}</h3>\n<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
        f'<p class="note">{escape(table["caption"])}</p>\n'
    )


def figure_html(figure: dict[str, str], folder: str) -> str:
    """One picture with its caption, linked to the file itself."""
    source = escape(f"{folder}/{figure['file']}")
    title = escape(figure["title"])
    kind = ' class="wide"' if figure["file"] in WIDE else ""
    return (
        f'<figure{kind}><a href="{source}"><img src="{source}" alt="{title}" loading="lazy"></a>\n'
        f"<figcaption><b>{title}</b>{escape(figure['caption'])}</figcaption></figure>\n"
    )


def gallery_html(title: str, sections: list[str], records: list[dict[str, Any]], remarks: dict[str, list[str]]) -> str:
    """The whole page.

    Args:
        sections: headings in their order.
        records: what the finished parts recorded (`part.json`), in their order.
        remarks: by section, what is missing there and why.
    """
    body = []
    shown = [name for name in sections if remarks.get(name) or any(record["section"] == name for record in records)]
    anchors = {name: f"section-{i}" for i, name in enumerate(shown)}
    for name in shown:
        mine = [record for record in records if record["section"] == name]
        body.append(f'<h2 id="{anchors[name]}">{escape(name)}</h2>\n')
        body.extend(f'<p class="open">{escape(remark)}</p>\n' for remark in remarks.get(name, []))
        figures = "".join(figure_html(figure, record["part"]) for record in mine for figure in record["figures"])
        body.append(f'<div class="pictures">\n{figures}</div>\n')
        body.extend(table_html(table) for record in mine for table in record["tables"])
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for name, anchor in anchors.items())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<nav>{links}</nav>\n<p>Click a picture to see it at full size. All numbers: "
        '<a href="metrics.json">metrics.json</a>.</p>\n' + "".join(body) + "</body>\n</html>\n"
    )


def write_gallery(
    results: Path, title: str, sections: list[str], records: list[dict[str, Any]], remarks: dict[str, list[str]]
) -> Path:
    """Write results/index.html, whole or not at all; returns its path."""
    path = results / "index.html"
    unfinished = results / ".index.html.unfinished"
    unfinished.write_text(gallery_html(title, sections, records, remarks), encoding="utf-8")
    os.replace(unfinished, path)
    return path
