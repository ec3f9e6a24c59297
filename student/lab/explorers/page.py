"""What both explorers share (provided): one look for a laptop and a phone, figures without tools, tables of numbers."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import param
from bokeh.plotting import figure

from lab.html import templates

BLUE, RED, PURPLE, ORANGE, GREY = "#3f90da", "#bd1f01", "#832db6", "#e76300", "#717581"
INK = "#222222"

FOLDER = Path(__file__).parent
LOOK = (FOLDER / "look.css").read_text(encoding="utf-8")
# Title of every page of this course.
PAGES: dict[str, str] = {}
PAGES["kl"] = "KL explorer"
PAGES["latent"] = "Latent explorer"


def prepare() -> None:
    """Set Panel up: once in a process, before anything else here is called."""
    pn.extension(design="native", sizing_mode="stretch_width", notifications=False)


def whole_page(content: pn.viewable.Viewable) -> pn.Template:
    """An explorer as a page of its own, for a server."""
    page = pn.Template((FOLDER / "page.html.j2").read_text(encoding="utf-8"))
    page.add_panel("page", content)
    return page


@functools.cache
def macros() -> Any:
    """Those of pieces.html.j2."""
    environment = templates(FOLDER)
    environment.filters["nats"] = number
    return environment.get_template("pieces.html.j2").module


def piece(macro: str, *values: Any, **more: Any) -> str:
    """HTML for `text`, made by a macro of pieces.html.j2, which escapes the values."""
    # Panel escapes Jinja's own kind of strings.
    return str(getattr(macros(), macro)(*values, **more))


def text(html: str, **options) -> pn.pane.HTML:
    """A piece of HTML in the page's look."""
    return pn.pane.HTML(html, stylesheets=[LOOK], css_classes=["text"], margin=(2, 6), **options)


def button(name: str, on_click: Callable[[], None], **options) -> pn.widgets.Button:
    """A button as wide as its name."""
    made = pn.widgets.Button(name=name, sizing_mode=None, height=32, stylesheets=[LOOK], **{"margin": 3, **options})
    made.on_click(lambda _: on_click())
    return made


def choice(parameter: param.Parameter) -> pn.widgets.RadioButtonGroup:
    """Buttons of which one is chosen."""
    return pn.widgets.RadioButtonGroup.from_param(parameter, label="", stylesheets=[LOOK], margin=(4, 6))


def header(page: str, introduction: str, links: bool) -> pn.pane.HTML:
    """Title, one sentence, and, where both pages are served, the way to the other one."""
    return text(piece("header", page, PAGES, introduction, links))


def plain_figure(**options):
    """A Bokeh figure without tools, so that a finger on it scrolls the page; as wide as there is room."""
    fig = figure(tools="", toolbar_location=None, **{"sizing_mode": "stretch_width", **options})
    for part in (fig.xaxis, fig.yaxis):
        part.axis_label_text_font_style = "normal"
        part.axis_label_text_font_size = part.major_label_text_font_size = "12px"
        part.axis_label_text_color = part.major_label_text_color = INK
    fig.grid.grid_line_color = "#e5e5e5"
    return fig


def grid(page: str, *places: pn.viewable.Viewable) -> pn.Column:
    """Two to four places: the first beside the second, the third beside the fourth; one below the other on a phone.

    Args:
        page: one of PAGES, whose style says how the width is shared on a wide screen.
    """
    for area, place in zip("abcd", places, strict=False):
        place.styles = {"grid-area": area, "min-width": "0"}
    return pn.Column(*places, stylesheets=[LOOK], css_classes=["places", page])


def number(value: float) -> str:
    """A number of nats for people: four decimals, a true minus sign, no minus zero."""
    return f"{value + 0.0:.4f}".replace("-0.0000", "0.0000").replace("-", "−")
