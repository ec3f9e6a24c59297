"""results/index.html: every picture and table on one page that needs no network (provided)."""

from pathlib import Path
from typing import Any

from lab.html import templates


def format_cell(value: Any) -> str:
    """A table's entry as text: whole numbers with separators, others with two or four decimals, or four digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "∞" if value == "inf" else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= 10:
        return f"{value:.2f}"
    return f"{value:.4f}" if abs(value) >= 0.01 or value == 0 else f"{value:.4g}"


def gallery_html(title: str, sections: list[str], records: list[dict[str, Any]], remarks: dict[str, list[str]]) -> str:
    """The whole page.

    Args:
        sections: headings in their order; those with nothing to show are left out.
        records: what the finished parts recorded (`part.json`), in their order.
        remarks: by section, what is missing there and why.
    """
    filled = [
        {
            "name": name,
            "remarks": remarks.get(name, []),
            "records": [r for r in records if r["section"] == name and (r["figures"] or r["tables"])],
        }
        for name in sections
    ]
    environment = templates(Path(__file__).parent)
    environment.filters["cell"] = format_cell
    shown = [section for section in filled if section["remarks"] or section["records"]]
    return environment.get_template("gallery.html.j2").render(title=title, sections=shown)
