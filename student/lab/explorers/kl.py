"""The KL explorer's page (provided): two normals, or three, and what it costs to take one for another.

Everything that it computes is in kl_numbers.py.
"""

import functools

import panel as pn
import param
from bokeh.models import ColumnDataSource, FactorRange, Legend, LegendItem, Range1d

from lab.explorers import kl_numbers as numbers
from lab.explorers.page import (
    BLUE,
    GREY,
    INK,
    LOOK,
    ORANGE,
    PURPLE,
    RED,
    button,
    choice,
    grid,
    header,
    number,
    piece,
    plain_figure,
    prepare,
    text,
)

INTRODUCTION = "What does it cost, in nats, to describe data from one normal with another?"
FORWARD, BACKWARD = "KL(P‖Q)", "KL(Q‖P)"
DIRECT, DETOUR = "KL(P‖R)", "KL(P‖Q) + KL(Q‖R)"
SAMPLES = {f"{n:,}": n for n in (100, 1000, 10_000, 100_000)}
STYLES = {"p": (BLUE, "solid"), "q": (RED, "dashed"), "r": (PURPLE, "dotdash")}


def slider(bounds: tuple[float, float], start: float, label: str) -> param.Number:
    """A parameter that becomes a slider."""
    return param.Number(start, bounds=bounds, step=numbers.STEP, label=label)


class KLExplorer(param.Parameterized):
    """What can be set on the page, and the drawings that follow."""

    mean_p = slider(numbers.MEAN_RANGE, 0.0, "mean of P")
    var_p = slider(numbers.VARIANCE_RANGE, 1.0, "variance of P")
    mean_q = slider(numbers.MEAN_RANGE, 1.0, "mean of Q")
    var_q = slider(numbers.VARIANCE_RANGE, 2.0, "variance of Q")
    mean_r = slider(numbers.MEAN_RANGE, 0.0, "mean of R")
    var_r = slider(numbers.VARIANCE_RANGE, 1.0, "variance of R")
    third = param.Boolean(False, label="a third normal R")
    direction = param.Selector(objects=[FORWARD, BACKWARD])
    samples = param.Selector(default=1000, objects=SAMPLES)
    seed = param.Integer(0)
    question = param.String("Move a slider, or start from an example.")

    def __init__(self, **values):
        super().__init__(**values)
        numbers.reload_kl()
        self.x = numbers.axis().numpy()
        self.curves = {name: ColumnDataSource({"x": self.x, "y": 0 * self.x}) for name in STYLES}
        self.areas = {name: ColumnDataSource({"x": self.x, "y": 0 * self.x}, name=name) for name in ("above", "below")}
        self.bars = ColumnDataSource(name="bars", data={"name": [], "exact": [], "estimate": [], "low": [], "high": []})
        self.table, self.verdict, self.integrand_title = text(""), text(""), text("")
        self.densities, self.integrand, self.chart = self.draw_densities(), self.draw_integrand(), self.draw_chart()
        self.refresh()
        # One call for a whole preset: parameters that change together are reported together.
        self.param.watch(
            lambda *changes: self.refresh(), [name for name in self.param if name not in ("name", "question")]
        )

    def start_from(self, preset: numbers.Preset) -> None:
        """Set every slider to an example's values."""
        values = {"question": preset.question, "third": preset.r is not None}
        for name, normal in (("p", preset.p), ("q", preset.q), ("r", preset.r)):
            if normal is not None:
                values |= {f"mean_{name}": normal[0], f"var_{name}": normal[1]}
        self.param.update(**values)

    def draw_again(self) -> None:
        """Take fresh noise for the Monte-Carlo estimates."""
        self.seed += 1

    def normals(self):
        """P, Q and R."""
        return [numbers.normal(getattr(self, f"mean_{name}"), getattr(self, f"var_{name}")) for name in "pqr"]

    def rows(self) -> list[tuple[str, float, numbers.Estimate, float | str | None]]:
        """The table: what, closed form, Monte-Carlo estimate, what the student's function gives, None for nothing."""
        p, q, r = self.normals()
        eps = numbers.noise(self.samples, self.seed)
        pairs = {FORWARD: (p, q, eps[0]), BACKWARD: (q, p, eps[1])}
        if self.third:
            pairs |= {DIRECT: (p, r, eps[2]), "KL(Q‖R)": (q, r, eps[3])}
        exact = {name: numbers.divergence(*pair[:2]) for name, pair in pairs.items()}
        estimates = {name: numbers.monte_carlo(*pair) for name, pair in pairs.items()}
        own: dict[str, float | str] = {}
        own = {name: numbers.students_value(*pair[:2]) for name, pair in pairs.items()}
        rows = [(name, exact[name], estimates[name], own.get(name)) for name in pairs]
        difference = exact[FORWARD] - exact[BACKWARD], estimates[FORWARD] - estimates[BACKWARD]
        rows.insert(2, ("difference", *difference, None))
        if self.third:
            rows.append((DETOUR, exact[FORWARD] + exact["KL(Q‖R)"], estimates[FORWARD] + estimates["KL(Q‖R)"], None))
        return rows

    def refresh(self) -> None:
        """Bring every drawing and number up to date."""
        normals = self.normals()
        x = numbers.axis()
        for name, normal in zip(STYLES, normals, strict=True):
            self.curves[name].data = {"x": self.x, "y": numbers.density(normal, x).numpy()}
        for shown in self.densities.select({"name": "r"}):
            shown.visible = self.third
        p, q, _ = normals
        first, second = (p, q) if self.direction == FORWARD else (q, p)
        y = numbers.integrand(first, second, x).numpy()
        self.areas["above"].data = {"x": self.x, "y": y.clip(min=0)}
        self.areas["below"].data = {"x": self.x, "y": y.clip(max=0)}
        area = number(numbers.divergence(first, second))
        self.integrand_title.object = piece(
            "paragraph",
            f"Orange counts as positive, hatched grey as negative; together: {area} nats",
            bold=f"What {self.direction} integrates.",
        )
        rows = self.rows()
        self.bars.data = {
            "name": [name for name, *_ in rows],
            "exact": [exact for _, exact, *_ in rows],
            "estimate": [estimate.value for _, _, estimate, _ in rows],
            "low": [estimate.value - 2 * estimate.error for _, _, estimate, _ in rows],
            "high": [estimate.value + 2 * estimate.error for _, _, estimate, _ in rows],
        }
        self.chart.y_range.factors = [name for name, *_ in rows][::-1]
        self.chart.height = 55 + 28 * len(rows)
        self.table.object = table_html(rows, self.samples)
        self.verdict.object = piece("note", verdict(rows)) if self.third else ""

    def draw_densities(self):
        """The normals' densities."""
        fig = plain_figure(height=215, x_range=Range1d(*numbers.AXIS), x_axis_label="x")
        fig.yaxis.axis_label = "density, per unit of x"
        fig.y_range.start = 0
        items = []
        for name, (colour, dash) in STYLES.items():
            line = fig.line("x", "y", source=self.curves[name], color=colour, line_dash=dash, line_width=3, name=name)
            items.append(LegendItem(label=name.upper(), renderers=[line], name=name))
        fig.add_layout(Legend(items=items, border_line_color=None, padding=4))
        return fig

    def draw_integrand(self):
        """The integrand of one direction, shaded: what counts as positive and what as negative."""
        fig = plain_figure(height=215, x_range=Range1d(*numbers.AXIS), x_axis_label="x")
        fig.yaxis.axis_label = "nats per unit of x"
        for name, colour, hatch in (("above", ORANGE, None), ("below", GREY, "/")):
            area = {"color": colour, "alpha": 0.45, "hatch_pattern": hatch, "hatch_color": colour}
            fig.varea("x", 0, "y", source=self.areas[name], **area)
            fig.line("x", "y", source=self.areas[name], color=colour, line_width=1.5)
        return fig

    def draw_chart(self):
        """Closed forms as bars, estimates as points with their error bars."""
        fig = plain_figure(height=180, y_range=FactorRange(), x_axis_label="nats")
        fig.hbar("name", right="exact", height=0.6, source=self.bars, color="#c9d3dc")
        fig.segment("low", "name", "high", "name", source=self.bars, color=INK, line_width=2)
        fig.scatter("estimate", "name", source=self.bars, size=9, color=INK)
        return fig


def verdict(rows: list) -> str:
    """Whether the third normal breaks the triangle inequality."""
    exact = {name: value for name, value, *_ in rows}
    direct, detour = exact[DIRECT], exact[DETOUR]
    comparison = f"directly {number(direct)} nats, by way of Q {number(detour)} nats"
    if direct > detour + 1e-12:
        return f"From P to R: {comparison}. The detour is cheaper: the triangle inequality is broken."
    return f"From P to R: {comparison}. The detour is no cheaper: the triangle inequality holds here."


def table_html(rows: list, samples: int) -> str:
    """All numbers, in nats, as a table."""
    judged = [(*row, isinstance(row[3], float) and not numbers.agrees(row[3], row[1])) for row in rows]
    return piece("divergences", judged, samples)


def kl_explorer(links: bool = False) -> pn.Column:
    """The page.

    Args:
        links: whether the other explorer is served beside it.
    """
    prepare()
    state = KLExplorer()
    examples = [button(preset.name, functools.partial(state.start_from, preset)) for preset in numbers.PRESETS]
    options = {"stylesheets": [LOOK], "margin": (4, 8)}
    sliders = {}
    for name, (colour, _) in STYLES.items():
        pair = (state.param[f"{kind}_{name}"] for kind in ("mean", "var"))
        sliders[name] = pn.Row(*(pn.widgets.FloatSlider.from_param(p, bar_color=colour, **options) for p in pair))
    sliders["r"].visible = state.third
    state.param.watch(lambda change: setattr(sliders["r"], "visible", change.new), "third")
    controls = pn.Column(
        pn.FlexBox(*examples),
        text(pn.bind(functools.partial(piece, "note"), state.param.question)),
        *sliders.values(),
        pn.widgets.Checkbox.from_param(state.param.third, stylesheets=[LOOK], margin=(4, 8)),
    )
    densities = pn.Column(text(piece("paragraph", bold="Densities")), pn.pane.Bokeh(state.densities))
    draws = pn.FlexBox(choice(state.param.samples), button("Draw again", state.draw_again, margin=(5, 6)))
    results = pn.Column(state.table, state.verdict, text(piece("paragraph", "Monte-Carlo draws:")), draws)
    pictures = pn.Column(
        choice(state.param.direction),
        state.integrand_title,
        pn.pane.Bokeh(state.integrand),
        text(piece("chart_legend")),
        pn.pane.Bokeh(state.chart),
    )
    return pn.Column(header("kl", INTRODUCTION, links), grid("kl", controls, densities, results, pictures))
