"""The latent explorer's page (provided): point into the plane of a trained model and see what decodes from there.

It shows the models that `python main.py` has trained, on test images, and needs nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import panel as pn
import param
import torch
from bokeh.events import MouseMove, Pan, Tap
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from matplotlib.colors import to_hex
from torch import Tensor, nn

from lab.course import course, unwritten
from lab.explorers.page import (
    GREY,
    INK,
    LOOK,
    button,
    choice,
    grid,
    header,
    piece,
    plain_figure,
    prepare,
    text,
)
from lab.files import HERE
from lab.parts.names import training_name
from lab.parts.samples import sample_test_images
from lab.parts.training import load_autoencoder, load_vae
from lab.run.part import Workplace
from plotting import DIGIT_COLOURS, evaluating

INTRODUCTION = "Point into the plane: what you see beside it is decoded from there."
RESULTS = HERE / "results"
POINTS = 1000
# Keyboard steps from one end of an axis to the other.
STEPS = 200


@dataclass(frozen=True)
class Trained:
    """A model of the main job: the part that trains it, and how it is read."""

    part: str
    load: Callable[[Workplace], nn.Module]


MODELS = {
    "Autoencoder": Trained("train-autoencoder", load_autoencoder),
    "VAE": Trained(training_name("mlp", 2), lambda work: load_vae(work, "mlp", 2)),
    "VAE, convolutional": Trained(training_name("conv", 2), lambda work: load_vae(work, "conv", 2)),
}


class MissingModel(Exception):
    """A model cannot be shown; the message says why and what to do."""


@dataclass(frozen=True)
class Plane:
    """A trained model and test images in its latent plane.

    Attributes:
        model: has `decode`: (B, 2) to (B, 1, 28, 28).
        images, labels, codes: (n, 1, 28, 28), (n,) and (n, 2).
        centre, reach: the square that is shown is centre ± reach in both coordinates.
    """

    model: nn.Module
    images: Tensor
    labels: Tensor
    codes: Tensor
    centre: tuple[float, float]
    reach: float

    def decode(self, z: tuple[float, float]) -> np.ndarray:
        """The decoder's image at z, (28, 28), grey values in [0, 1]."""
        with evaluating(self.model):
            return self.model.decode(torch.tensor([z], dtype=torch.float32))[0, 0].numpy()

    def nearest(self, z: tuple[float, float]) -> tuple[int, float]:
        """Index of the encoded image nearest to z, and how far away it is."""
        distances = (self.codes - torch.tensor(z)).norm(dim=1)
        index = int(distances.argmin())
        return index, distances[index].item()


def load_model(name: str, work: Workplace) -> nn.Module:
    """A trained model by its name on the page.

    Raises:
        MissingModel: it has not been trained, its code is unfinished or broken, or has changed since it was trained.
    """
    trained = MODELS[name]
    if not (work.finished(trained.part) / "end.safetensors").is_file():
        raise MissingModel(
            f"{name}: not trained yet. Run `python main.py {trained.part}` first (or `python main.py` for everything) "
            f"and reload this page. It looked in {work.finished(trained.part)}."
        )
    try:
        return trained.load(work)
    except Exception as error:  # whatever the student's code does
        if unwritten(error):
            raise MissingModel(f"{name}: {error}") from error
        raise MissingModel(
            f"{name}: its weights do not load ({explain(error)}). Has the code changed since it was trained? Then run "
            f"`python main.py {trained.part}` again and reload this page."
        ) from error


def explain(error: Exception) -> str:
    """Kind and first line of an exception."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def load_plane(name: str, results: Path, data: Path | None = None, points: int = POINTS) -> Plane:
    """A trained model with a random sample of test images in its plane: the same images for every model.

    Args:
        name: one of MODELS.
        results: the folder that main.py wrote.
        data: the folder of the data; found beside the assignment when not given.

    Raises:
        MissingModel: it cannot be shown; says why.
    """
    from mnist import DataError

    work = Workplace(results, {"seed": 0, "device": "cpu"}, results, data, lambda *_: None)
    model = load_model(name, work)
    try:
        images, labels = sample_test_images(work, points)
    except DataError as error:
        raise MissingModel(str(error)) from error
    try:
        with evaluating(model):
            encoded = model.encode(images)
            # A VAE's images land on their posterior means.
            codes = encoded[0] if isinstance(encoded, tuple) else encoded
            model.decode(codes[:1])[0, 0].reshape(28, 28)
    except Exception as error:  # whatever the student's code does
        raise MissingModel(f"{name}: encoding or decoding fails ({explain(error)}).") from error
    if codes.shape != (points, 2) or not codes.isfinite().all():
        raise MissingModel(f"{name}: {points} images should have {points} codes of two finite numbers each.")
    low, high = codes.amin(0), codes.amax(0)
    centre = ((low + high) / 2).tolist()
    # The prior's circles, 3 standard deviations, are to be seen, too.
    reach = max(1.05 * ((high - low) / 2).max().item(), *(abs(c) + 3.2 for c in centre))
    return Plane(model, images, labels, codes, (centre[0], centre[1]), reach)


class LatentExplorer(param.Parameterized):
    """Where the page points, and the drawings that follow.

    Args:
        results, data: folders, as in `load_plane`.
        names: the models to choose from.
    """

    which = param.Selector()
    z = param.XYCoordinates((0.0, 0.0))

    def __init__(self, results: Path, data: Path | None, names: list[str]) -> None:
        super().__init__()
        self.results, self.data = results, data
        self.codes = ColumnDataSource(name="codes", data={"x": [], "y": [], "label": [], "colour": []})
        self.pointer = ColumnDataSource(name="pointer", data={"x": [], "y": []})
        self.decoded = ColumnDataSource(name="decoded", data={"image": []})
        self.nearest = ColumnDataSource({"image": []})
        self.map = self.draw_map()
        self.decoded_picture = draw_picture(self.decoded, 220)
        self.nearest_picture = draw_picture(self.nearest, 110)
        self.title, self.readout = text(""), text("")
        self.sliders = [pn.widgets.FloatSlider(label=name, margin=(4, 8), stylesheets=[LOOK]) for name in ("z1", "z2")]
        for slider in self.sliders:
            slider.param.watch(lambda _: self.follow_sliders(), "value")
        self.moving_sliders = False
        self.param.which.objects = names
        self.param.watch(lambda _: self.show_model(), "which")
        self.param.watch(lambda _: self.show_point(), "z")
        self.which = names[-1] if "VAE" not in names else "VAE"

    def point(self, z1: float, z2: float) -> None:
        """Go to a place, or to the nearest one that the map shows."""
        (x, y), reach = self.plane.centre, self.plane.reach
        self.z = (min(max(z1, x - reach), x + reach), min(max(z2, y - reach), y + reach))

    def follow_sliders(self) -> None:
        """Go where the sliders point, unless it is they that follow."""
        if not self.moving_sliders:
            self.point(*(slider.value for slider in self.sliders))

    def draw_from_prior(self) -> None:
        """Go to a draw from N(0, I)."""
        self.point(*torch.randn(2).tolist())

    def show_model(self) -> None:
        """Bring the chosen model's plane up, pointing at its first test image."""
        self.plane = plane = load_plane(self.which, self.results, self.data)
        labels = plane.labels.tolist()
        self.codes.data = {
            "x": plane.codes[:, 0].numpy(),
            "y": plane.codes[:, 1].numpy(),
            "label": list(map(str, labels)),
            "colour": [to_hex(DIGIT_COLOURS(label)) for label in labels],
        }
        axes = zip(plane.centre, (self.map.x_range, self.map.y_range), self.sliders, strict=True)
        first = plane.codes[0].tolist()
        self.moving_sliders = True
        for i, (centre, shown, slider) in enumerate(axes):
            low, high = centre - plane.reach, centre + plane.reach
            shown.update(start=low, end=high)
            slider.param.update(start=low, end=high, step=2 * plane.reach / STEPS, value=first[i])
        self.moving_sliders = False
        images = f"{len(labels):,} test images, each drawn as its label"
        self.title.object = piece("paragraph", images, bold=f"{self.which}:")
        self.z = (first[0], first[1])
        self.show_point()  # also where z has not changed, for the model has

    def show_point(self) -> None:
        """Decode where the page points, and find the nearest test image."""
        z = self.z
        self.moving_sliders = True
        for slider, value in zip(self.sliders, z, strict=True):
            slider.value = value
        self.moving_sliders = False
        self.pointer.data = {"x": [z[0]], "y": [z[1]]}
        # Bokeh's first row is the lowest one.
        self.decoded.data = {"image": [self.plane.decode(z)[::-1]]}
        index, distance = self.plane.nearest(z)
        label = int(self.plane.labels[index])
        self.nearest.data = {"image": [self.plane.images[index, 0].numpy()[::-1]]}
        self.readout.object = piece("place", z, float(np.hypot(*z)), label, distance)

    def draw_map(self):
        """The plane with the encoded images, the prior, and the place that is pointed at."""
        fig = plain_figure(
            sizing_mode="scale_width", aspect_ratio=1, max_width=640, x_range=Range1d(0, 1),
            y_range=Range1d(0, 1), x_axis_label="z1", y_axis_label="z2", name="map",
        )  # fmt: skip
        fig.text(
            "x", "y", text="label", color="colour", source=self.codes, text_font_size="12px", text_font_style="bold",
            text_align="center", text_baseline="middle",
        )  # fmt: skip
        fig.circle(x=0, y=0, radius=[1, 2, 3], fill_color=None, line_color=GREY, line_dash="dashed", line_width=1.5)
        for size, colour, width in ((22, "white", 6), (22, INK, 2.5)):
            fig.scatter(
                "x", "y", source=self.pointer, marker="circle_cross", size=size, fill_color=None, line_color=colour,
                line_width=width,
            )  # fmt: skip
        # Pan is a pressed mouse that moves.
        for event in (MouseMove, Tap, Pan):
            fig.on_event(event, lambda event: self.point(event.x, event.y))
        return fig


def draw_picture(source: ColumnDataSource, size: int):
    """A square figure with one image, `size` pixels wide."""
    box = {"width": size, "height": size, "margin": 6, "min_border": 0, "outline_line_color": None}
    fig = plain_figure(sizing_mode="fixed", x_range=Range1d(0, 1), y_range=Range1d(0, 1), **box)
    fig.axis.visible = fig.grid.visible = False
    fig.image("image", x=0, y=0, dw=1, dh=1, source=source, color_mapper=LinearColorMapper("Greys256", low=0, high=1))
    return fig


def latent_explorer(results: Path = RESULTS, data: Path | None = None, links: bool = False) -> pn.Column:
    """The page.

    Args:
        results: the folder that main.py wrote.
        data: the folder of the data; found beside the assignment when not given.
        links: whether the other explorer is served beside it.
    """
    prepare()
    names, problems = [], []
    for name in MODELS:
        try:
            load_plane(name, results, data, points=10)
            names.append(name)
        except MissingModel as problem:
            problems.append(str(problem))
    remarks = text("".join(piece("note", problem) for problem in problems))
    if not names:
        return pn.Column(header("latent", INTRODUCTION, links), remarks)
    state = LatentExplorer(results, data, names)
    beside = pn.Column(
        pn.Row(
            pn.Column(
                text(piece("paragraph", bold="Decoded from here")), pn.pane.Bokeh(state.decoded_picture), width=240
            ),
            pn.Column(text(piece("paragraph", "Nearest image")), pn.pane.Bokeh(state.nearest_picture), width=125),
        ),
        state.readout,
        *state.sliders,
        button("Draw from the prior N(0, I)", state.draw_from_prior, margin=(6, 8)),
        text(piece("latent_help", course().dataset["things"])),
        remarks,
    )
    plane = pn.Column(choice(state.param.which), state.title, pn.pane.Bokeh(state.map))
    return pn.Column(header("latent", INTRODUCTION, links), grid("latent", plane, beside))
