"""What both explorers share (provided): one look for a laptop and a phone, figures without tools, tables of numbers."""

from collections.abc import Callable
from html import escape

import panel as pn
import param
from bokeh.plotting import figure

BLUE, RED, PURPLE, ORANGE, GREY = "#3f90da", "#bd1f01", "#832db6", "#e76300", "#717581"
INK = "#222222"

# Sizes are in CSS pixels. Nothing is fetched: fonts are the system's.
TEXT_CSS = """
:host { font: 15px/1.4 system-ui, sans-serif; color: #222222; }
h1 { font-size: 22px; margin: 6px 0 2px; } p { margin: 4px 0; } a { color: #1f5f99; }
.note { border-left: 4px solid #e76300; background: #f6f6f6; padding: 6px 10px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
caption { caption-side: bottom; text-align: left; font-size: 13px; color: #555555; padding-top: 4px; }
th, td { padding: 3px 6px; text-align: right; vertical-align: top; }
th:first-child { text-align: left; padding-left: 0; }
thead th { border-bottom: 1px solid #888888; font-weight: 600; } tbody th { font-weight: normal; white-space: nowrap; }
td small { color: #555555; display: block; } .differs { color: #bd1f01; font-weight: 600; }
"""
# What is chosen and what has the keyboard must be seen at a glance.
BUTTON_CSS = """
.bk-btn { font-size: 14px; }
:host(.solid) .bk-btn-group .bk-btn.bk-btn-default.bk-active { background: #1f5f99; color: #ffffff; box-shadow: none; }
.bk-btn:focus-visible { outline: 3px solid #e76300; outline-offset: 1px; }
"""
WIDGET_CSS = """
:host, label, .bk-input { font-size: 14px; }
input:focus-visible { outline: 3px solid #e76300; }
.noUi-handle:focus { outline: 3px solid #e76300; outline-offset: 1px; }
"""
# Places a and b side by side, c and d under them; on a phone one below the other.
GRID_CSS = """
:host { align-items: start; display: grid !important; gap: 4px 16px; grid-template-areas: "a b" "c d";
        grid-template-columns: COLUMNS; }
@media (max-width: 800px) {
  :host { grid-template-areas: "a" "b" "c" "d"; grid-template-columns: minmax(0, 1fr); }
}
"""
# A phone would otherwise show the page as a desktop does, four times too small.
TEMPLATE = """
{% extends base %}
{% block postamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { background: #ffffff; margin: 0 auto; max-width: 1240px; padding: 4px 12px 24px; }
</style>
{% endblock %}
{% block contents %}{{ embed(roots.page) }}{% endblock %}
"""
PAGES = {"kl": "KL explorer", "latent": "Latent explorer"}


def prepare() -> None:
    """Set Panel up: once in a process, before anything else here is called."""
    pn.extension(design="native", sizing_mode="stretch_width", notifications=False)


def whole_page(content: pn.viewable.Viewable) -> pn.Template:
    """An explorer as a page of its own, for a server."""
    page = pn.Template(TEMPLATE)
    page.add_panel("page", content)
    return page


def text(html: str, **options) -> pn.pane.HTML:
    """A piece of HTML in the page's look."""
    return pn.pane.HTML(html, stylesheets=[TEXT_CSS], margin=(2, 6), **options)


def button(name: str, on_click: Callable[[], None], **options) -> pn.widgets.Button:
    """A button as wide as its name."""
    made = pn.widgets.Button(
        name=name, sizing_mode=None, height=32, stylesheets=[BUTTON_CSS], **{"margin": 3, **options}
    )
    made.on_click(lambda _: on_click())
    return made


def choice(parameter: param.Parameter) -> pn.widgets.RadioButtonGroup:
    """Buttons of which one is chosen."""
    return pn.widgets.RadioButtonGroup.from_param(parameter, label="", stylesheets=[BUTTON_CSS], margin=(4, 6))


def header(page: str, introduction: str, links: bool) -> pn.pane.HTML:
    """Title, one sentence, and, where both pages are served, the way to the other one."""
    others = [f'<a href="{name}">{title}</a>' for name, title in PAGES.items() if links and name != page]
    return text(f"<h1>{PAGES[page]}</h1><p>{introduction} {' '.join(others)}</p>")


def note(words: str) -> str:
    """HTML of a remark that stands out."""
    return f'<p class="note" role="status">{escape(words)}</p>'


def plain_figure(**options):
    """A Bokeh figure without tools, so that a finger on it scrolls the page; as wide as there is room."""
    fig = figure(tools="", toolbar_location=None, **{"sizing_mode": "stretch_width", **options})
    for part in (fig.xaxis, fig.yaxis):
        part.axis_label_text_font_style = "normal"
        part.axis_label_text_font_size = part.major_label_text_font_size = "12px"
        part.axis_label_text_color = part.major_label_text_color = INK
    fig.grid.grid_line_color = "#e5e5e5"
    return fig


def grid(left: int, right: int, *places: pn.viewable.Viewable) -> pn.Column:
    """Two to four places: the first beside the second, the third beside the fourth; one below the other on a phone.

    Args:
        left, right: how the width is shared on a wide screen.
    """
    for area, place in zip("abcd", places, strict=False):
        place.styles = {"grid-area": area, "min-width": "0"}
    columns = f"minmax(0, {left}fr) minmax(0, {right}fr)"
    return pn.Column(*places, stylesheets=[GRID_CSS.replace("COLUMNS", columns)])


def number(value: float) -> str:
    """A number of nats for people: four decimals, a true minus sign, no minus zero."""
    return f"{value + 0.0:.4f}".replace("-0.0000", "0.0000").replace("-", "−")
