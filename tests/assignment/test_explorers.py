"""The explorers: their numbers against the oracles, their command line, and, in a real browser, the pages.

The browser is a headless Chromium (Debian: apt-get install chromium). Where it is absent those tests are skipped.
"""

import json
import math
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch

from autograder.gradescope import bundle
from autograder.repository import ROOT, SOLUTION
from support import oracles

pytest.importorskip("panel", reason="the explorers need Panel (requirements/explore.txt)")


import explore
from AE import Autoencoder
from lab.explorers import kl as kl_page
from lab.explorers import kl_numbers
from lab.explorers import latent as latent_page
from lab.explorers.latent import MissingModel, load_plane
from lab.explorers.page import PAGES, number
from lab.parts.training import save_state
from VAE import VAE

PAIRS = [((0.0, 1.0), (0.0, 1.0)), ((-1.0, 0.1), (4.0, 4.0)), ((4.0, 4.0), (-4.0, 0.1)), ((0.5, 2.0), (0.3, 1.7))]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
WAIT = 60_000  # milliseconds: a page on a busy machine
LAPTOP, PHONE = (1280, 800), (390, 844)
FORWARD, BACKWARD = kl_page.FORWARD, kl_page.BACKWARD


def oracle(p: tuple[float, float], q: tuple[float, float]) -> float:
    return float(oracles.kl_univariate_normal(*p, *q))


# Numbers


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_closed_form_integrand_and_estimate_agree_with_the_oracle(p, q):
    first, second = kl_numbers.normal(*p), kl_numbers.normal(*q)
    exact = oracle(p, q)
    assert kl_numbers.divergence(first, second) == pytest.approx(exact, rel=1e-12, abs=1e-14)

    x = kl_numbers.axis()
    area = torch.trapezoid(kl_numbers.integrand(first, second, x), x).item()
    assert area == pytest.approx(exact, rel=2e-3, abs=1e-9), "what is drawn holds nearly all of the integral"
    assert torch.trapezoid(kl_numbers.density(first, x), x).item() == pytest.approx(1, abs=2e-4)

    estimate = kl_numbers.monte_carlo(first, second, kl_numbers.noise(100_000, 1)[0])
    assert abs(estimate.value - exact) <= 6 * estimate.error
    # The log-ratio of two normals is a quadratic function of standard normal noise: its variance is known.
    (mean_p, var_p), (mean_q, var_q) = p, q
    square, linear = 0.5 * (var_p / var_q - 1), math.sqrt(var_p) * (mean_p - mean_q) / var_q
    assert estimate.error == pytest.approx(math.sqrt((2 * square**2 + linear**2) / 100_000), rel=0.1, abs=1e-12)


def test_estimates_add_like_independent_ones():
    one, two = kl_numbers.Estimate(1.0, 0.3), kl_numbers.Estimate(0.25, 0.4)
    total, difference = one + two, one - two
    assert (total.value, difference.value) == (1.25, 0.75)
    assert total.error == difference.error == pytest.approx(0.5)


def test_examples_lie_on_the_sliders():
    def on_slider(value, ends):
        steps = (value - ends[0]) / kl_numbers.STEP
        return ends[0] <= value <= ends[1] and abs(steps - round(steps)) < 1e-9

    assert len({preset.name for preset in kl_numbers.PRESETS}) == len(kl_numbers.PRESETS)
    for preset in kl_numbers.PRESETS:
        for mean, var in filter(None, (preset.p, preset.q, preset.r)):
            assert on_slider(mean, kl_numbers.MEAN_RANGE) and on_slider(var, kl_numbers.VARIANCE_RANGE), preset.name


def test_examples_show_what_their_questions_ask():
    examples = {preset.name: preset for preset in kl_numbers.PRESETS}

    def difference(name):
        return oracle(examples[name].p, examples[name].q) - oracle(examples[name].q, examples[name].p)

    assert (
        abs(difference("Equal variances"))
        < 1e-12
        < oracle(examples["Equal variances"].p, examples["Equal variances"].q)
    )
    assert abs(difference("Equal means")) > 0.05 and abs(difference("All different")) > 0.05
    assert oracle(examples["Twice the same"].p, examples["Twice the same"].q) == 0
    detour = examples["A detour"]
    assert oracle(detour.p, detour.r) > oracle(detour.p, detour.q) + oracle(detour.q, detour.r) + 0.1


def test_no_example_answers_task_1_3():
    """Its answer is three variances: an example may break the inequality by its means only."""
    triples = [preset for preset in kl_numbers.PRESETS if preset.r is not None]
    assert len(triples) == 2
    for preset in triples:
        (_, v1), (_, v2), (_, v3) = preset.p, preset.q, preset.r
        direct = oracle((0, v1), (0, v3))
        assert direct <= oracle((0, v1), (0, v2)) + oracle((0, v2), (0, v3)), preset.name


def by_torch(mu1, var1, mu2, var2):
    """What a right answer returns."""
    return kl_numbers.kl_divergence(
        torch.distributions.Normal(mu1, var1**0.5), torch.distributions.Normal(mu2, var2**0.5)
    )


def unwritten(*_):
    raise NotImplementedError("Task 1.1")


@pytest.mark.parametrize(
    ("function", "said", "shown"),
    [
        (by_torch, None, "<td>0.3466</td>"),
        (lambda *_: torch.tensor(0.5), 0.5, "0.5000<small>differs</small>"),
        (lambda *_: torch.tensor(math.nan), math.nan, "nan<small>differs</small>"),
        (unwritten, "to do", "<td>to do</td>"),
        (lambda *_: 1 / 0, "ZeroDivisionError", "<td>ZeroDivisionError</td>"),
        (lambda *_: None, "TypeError", "<td>TypeError</td>"),
    ],
)
def test_the_students_function_is_shown_whatever_it_does(monkeypatch, function, said, shown):
    p, q = kl_numbers.normal(0, 1), kl_numbers.normal(1, 2)
    monkeypatch.setattr("kl.kl_univariate_normal", function)  # by name: other tests import the module anew
    value, exact = kl_numbers.students_value(p, q), kl_numbers.divergence(p, q)
    assert value == (said if isinstance(said, str) else pytest.approx(said or exact, nan_ok=True))
    row = (FORWARD, exact, kl_numbers.Estimate(exact, 0.1), value)
    assert shown in kl_page.table_html([row], 100)


def test_a_course_without_that_function_has_no_column_for_it():
    row = (FORWARD, 0.5, kl_numbers.Estimate(0.5, 0.1), None)
    assert "yours" not in kl_page.table_html([row, row], 100)
    assert "yours" in kl_page.table_html([row, (*row[:3], 0.5)], 100)


@pytest.mark.parametrize("pages", [["kl"], ["latent"], ["kl", "latent"]])
def test_a_course_may_have_one_page_or_both(monkeypatch, pages, capsys):
    """The first is the default; a page's own options are there if it is."""
    monkeypatch.setattr(explore, "PAGES", {name: explore.PAGES[name] for name in pages})
    assert explore.parse_arguments([]).page == pages[0]
    with pytest.raises(SystemExit):
        explore.parse_arguments(["--help"])
    text = capsys.readouterr().out
    assert ("--results" in text) == ("latent" in pages) and ("divergences" in text) == ("kl" in pages)


@pytest.mark.parametrize(
    ("value", "text"), [(0.34657, "0.3466"), (-1.5, "−1.5000"), (-0.0, "0.0000"), (-1e-9, "0.0000"), (320, "320.0000")]
)
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text


def test_a_detour_that_is_exactly_as_long_breaks_nothing():
    def rows(direct, forward, on):
        return [
            (FORWARD, forward, None, None),
            (kl_page.DIRECT, direct, None, None),
            (kl_page.DETOUR, on, None, None),
        ]

    assert "is broken" in kl_page.verdict(rows(2.0, 0.5, 1.0))
    assert "holds here" in kl_page.verdict(rows(1.0, 0.5, 1.0))
    assert "holds here" in kl_page.verdict(rows(0.5, 0.5, 1.0))


# Trained models


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """What main.py leaves behind, with models of random weights: what they decode to depends on z as well."""
    folder = tmp_path_factory.mktemp("results")
    torch.manual_seed(0)
    for part, model in (
        ("train-autoencoder", Autoencoder(2)),
        ("train-vae-mlp-2", VAE(2)),
        ("train-vae-conv-2", VAE(2, "conv")),
    ):
        (folder / part).mkdir()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
        save_state(model, folder / part / "end.safetensors")
    return folder


@pytest.mark.parametrize("name", latent_page.MODELS)
def test_a_plane_holds_what_the_model_says(results, name):
    plane = load_plane(name, results, ROOT / "data" / "MNIST" / "raw", points=50)
    assert plane.images.shape == (50, 1, 28, 28) and plane.codes.shape == (50, 2)
    model = plane.model.eval()
    with torch.no_grad():
        encoded = model.encode(plane.images)
        assert torch.equal(plane.codes, encoded if name == "Autoencoder" else encoded[0])
        expected = model.decode(torch.tensor([[0.3, -0.7]]))[0, 0].numpy()
    np.testing.assert_allclose(plane.decode((0.3, -0.7)), expected, atol=1e-6)

    index, distance = plane.nearest((0.3, -0.7))
    distances = np.hypot(*(plane.codes.numpy() - [0.3, -0.7]).T)
    assert index == distances.argmin() and distance == pytest.approx(distances.min(), rel=1e-5)
    # All codes, and the prior's third circle, are inside the square that is shown.
    assert np.abs(plane.codes.numpy() - plane.centre).max() < plane.reach
    assert all(abs(c) + 3 < plane.reach for c in plane.centre)


def test_all_models_show_the_same_images(results):
    planes = [load_plane(name, results, ROOT / "data" / "MNIST" / "raw", points=20) for name in latent_page.MODELS]
    assert all(torch.equal(planes[0].images, plane.images) for plane in planes)


@pytest.mark.parametrize(
    ("name", "command"),
    [("Autoencoder", "python main.py train-autoencoder"), ("VAE", "python main.py train-vae-mlp-2")],
)
def test_a_missing_model_says_what_to_run(tmp_path, name, command):
    with pytest.raises(MissingModel, match=f"{name}: not trained yet.*`{command}`"):
        load_plane(name, tmp_path, ROOT / "data" / "MNIST" / "raw")


def test_weights_of_other_code_say_what_to_run(results, tmp_path):
    shutil.copytree(results / "train-autoencoder", tmp_path / "train-vae-mlp-2")
    with pytest.raises(
        MissingModel, match=r"VAE: its weights do not load \(RuntimeError.*`python main.py train-vae-mlp-2`"
    ):
        load_plane("VAE", tmp_path, ROOT / "data" / "MNIST" / "raw")


def test_an_unfinished_task_is_named(results, monkeypatch):
    def unfinished(*_):
        raise NotImplementedError("Task 4.1: MLPEncoder, see README section 4.1")

    monkeypatch.setattr("VAE.VAE.__init__", unfinished)
    with pytest.raises(MissingModel, match="VAE: Task 4.1"):
        load_plane("VAE", results, ROOT / "data" / "MNIST" / "raw")


def test_missing_images_are_named(results, tmp_path):
    with pytest.raises(MissingModel, match="train-images-idx3-ubyte is missing"):
        load_plane("VAE", results, tmp_path / "elsewhere")


def test_pointing_outside_stays_on_the_map(results):
    state = latent_page.LatentExplorer(results, ROOT / "data" / "MNIST" / "raw", list(latent_page.MODELS))
    plane = state.plane
    state.point(1e9, plane.centre[1])
    assert state.z == pytest.approx((plane.centre[0] + plane.reach, plane.centre[1]))
    assert state.sliders[0].value == pytest.approx(state.z[0])
    state.sliders[1].value = plane.centre[1] - plane.reach
    assert state.z[1] == pytest.approx(plane.centre[1] - plane.reach)
    np.testing.assert_allclose(state.decoded.data["image"][0][::-1], plane.decode(state.z), atol=1e-6)


def test_a_jump_passes_through_no_other_place(results):
    """Both sliders follow, one after the other: that must not count as somebody moving one of them."""
    state = latent_page.LatentExplorer(results, ROOT / "data" / "MNIST" / "raw", list(latent_page.MODELS))
    seen = []
    state.param.watch(lambda change: seen.append(change.new), "z")
    (x, y), step = state.plane.centre, state.plane.reach / 2
    state.point(x + step, y - step)
    assert seen == [(x + step, y - step)]
    assert [slider.value for slider in state.sliders] == [x + step, y - step]
    state.which = "Autoencoder"
    assert len(seen) == 2 and seen[1] == pytest.approx(state.plane.codes[0].tolist())


# Command line, notebook, requirements


def test_a_taken_port_is_refused_only_when_it_was_asked_for():
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(explore.InputError, match=rf"cannot serve on port {port}: .*--port"):
            explore.start_server({"kl": lambda: None}, port)


@pytest.mark.parametrize("port", ["70000", "-1", "kl"])
def test_a_port_that_cannot_be_is_refused(capsys, port):
    with pytest.raises(SystemExit, match="2"):
        explore.parse_arguments([f"--port={port}"])
    assert "a port is a whole number from 0 to 65535" in capsys.readouterr().err


def test_without_panel_the_remedy_is_named(tmp_path):
    (tmp_path / "panel.py").write_text("raise ModuleNotFoundError('no', name='panel')\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(SOLUTION / "explore.py"), "--no-browser"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "explore.py: the package panel is missing: pip install -r lab/requirements-explore.txt\n"


def test_graders_do_without_the_explorers():
    """Panel is not in what Gradescope's image installs."""
    lock = (ROOT / "requirements" / "instructor.txt").read_text()
    for name, content in bundle.requirements(lock).items():
        assert not re.search(rb"^(panel|bokeh)\b", content, re.MULTILINE), name


@pytest.mark.slow
def test_the_notebook_runs_in_the_students_folder(results, tmp_path):
    """From beside the folder, as on Colab, where it has to find it; it shows every page."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    folder = tmp_path / "vae-assignment"
    shutil.copytree(SOLUTION, folder, ignore=shutil.ignore_patterns("results", "__pycache__"))
    shutil.copytree(results, folder / "results")
    (folder / "data").symlink_to(ROOT / "data")
    notebook = nbformat.read(folder / "lab" / "explore.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cell = notebook.cells[-1]
    shown = [data for output in cell.outputs for data in [output.get("data", {})] if "text/html" in data]
    assert any("application/vnd.holoviews_exec.v0+json" in data for data in shown), cell.source
    text = json.dumps(cell.outputs)
    assert "not trained yet" not in text and all(title in text for title in PAGES.values())


# In a browser


class Page:
    """One page in a browser: everything that it asked for, and what a reader can see on it."""

    def __init__(self, browser, address: str, name: str, size: tuple[int, int] = LAPTOP, touch: bool = False) -> None:
        width, height = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch
        )
        self.context.set_default_timeout(WAIT)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.goto(f"{address}/{name}")
        self.page.wait_for_function("window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle")

    def cell(self, row: str, column: int) -> str:
        """Text of the table of numbers; columns: 0 closed form, 1 Monte Carlo, 2 the student's."""
        return self.page.locator(f'tr[data-row="{row}"] td').nth(column).inner_text()

    def exact(self, row: str) -> float:
        return float(self.cell(row, 0).replace("−", "-"))

    def estimate(self, row: str) -> tuple[float, float]:
        value, error = self.cell(row, 1).replace("−", "-").split("±")
        return float(value), float(error)

    def slider(self, title: str):
        """The slider of this title."""
        return self.page.locator(".bk-input-group").filter(has_text=re.compile(f"^{re.escape(title)}:"))

    def slider_value(self, title: str) -> float:
        text = self.slider(title).locator(".bk-slider-title").inner_text()
        return float(text.split(":")[1].replace("−", "-"))

    def press(self, title: str, key: str, times: int) -> None:
        """Move a slider by the keyboard alone."""
        self.slider(title).locator(".noUi-handle").focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    def normals(self, names: str = "PQ") -> list[tuple[float, float]]:
        """(mean, variance) as the sliders say."""
        return [(self.slider_value(f"mean of {name}"), self.slider_value(f"variance of {name}")) for name in names]

    def until(self, condition, what: str) -> None:
        """Wait for something to become true: the server answers a little later."""
        for _ in range(WAIT // 100):
            if condition():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never happened: {what}")

    def agrees_with_the_oracle(self) -> None:
        """The table shows, to its last digit, the divergences of the normals that the sliders show."""

        def shown_is_right():
            p, q = self.normals()
            wanted = {FORWARD: oracle(p, q), BACKWARD: oracle(q, p), "difference": oracle(p, q) - oracle(q, p)}
            return all(abs(self.exact(row) - value) <= 0.51e-4 for row, value in wanted.items())

        self.until(shown_is_right, f"the table follows the sliders, {self.normals()}")

    def source(self, name: str, column: str):
        """A column of what a figure draws."""
        script = """([name, column]) => {
            const data = Bokeh.documents[0].get_model_by_name(name).data[column];
            return Array.from(column == "image" ? data[0] : data);
        }"""
        return np.array(self.page.evaluate(script, [name, column]))

    def close(self) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def served(results: Path, *arguments: str) -> Iterator[str]:
    """Run explore.py; yields the address that it prints, without the page's name."""
    command = [sys.executable, str(SOLUTION / "explore.py"), "--no-browser", "--port", "0", "--results", str(results)]
    command += ["--data", str(ROOT / "data" / "MNIST" / "raw"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        ready, _, _ = select.select([process.stdout], [], [], 180)
        line = process.stdout.readline() if ready else "nothing within three minutes"
        try:
            assert re.fullmatch(r"http://localhost:\d+/(kl|latent)\n", line), line + process.stderr.read()
            yield line.rsplit("/", 1)[0]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    # A browser that goes away while it is being written to: Tornado says so, and goes on.
    errors = re.sub(r"(?s)Task exception was never retrieved\n.*?WebSocketClosedError\n", "", errors)
    assert "Traceback" not in errors and "ERROR" not in errors, errors


@pytest.fixture(scope="module")
def address(browser, results) -> Iterator[str]:
    yield from served(results)


@pytest.fixture
def open_page(browser, address):
    """Opens pages; afterwards, none may have failed in the browser or asked anybody but this machine for anything."""
    pages = []

    def open_it(name: str, **options) -> Page:
        pages.append(Page(browser, options.pop("address", address), name, **options))
        return pages[-1]

    yield open_it
    for page in pages:
        page.close()
        assert page.errors == []
        asked = {urlsplit(url).hostname for url in page.requests if urlsplit(url).scheme not in ("data", "blob")}
        assert asked == {"localhost"}


@pytest.mark.slow
def test_sliders_and_keyboard(open_page):
    """All four sliders by arrow keys, one by the mouse: both directions, their difference and the estimates follow."""
    page = open_page("kl")
    page.agrees_with_the_oracle()
    for title, key, times in (
        ("mean of P", "ArrowLeft", 7),
        ("variance of P", "ArrowRight", 5),
        ("mean of Q", "ArrowRight", 6),
        ("variance of Q", "ArrowLeft", 9),
    ):
        before = page.slider_value(title)
        page.press(title, key, times)
        sign = 1 if key == "ArrowRight" else -1
        page.until(
            lambda title=title, wanted=before + sign * times * kl_numbers.STEP: (
                abs(page.slider_value(title) - wanted) < 1e-9
            ),
            f"{title} moves by {times} steps",
        )
        page.agrees_with_the_oracle()

    handle = page.slider("mean of Q").locator(".noUi-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    before = page.slider_value("mean of Q")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x - 60, y, steps=4)
    page.page.mouse.up()
    page.until(lambda: page.slider_value("mean of Q") < before - 0.5, "the mouse drags a slider")
    page.agrees_with_the_oracle()

    p, q = page.normals()
    for row, exact in ((FORWARD, oracle(p, q)), (BACKWARD, oracle(q, p)), ("difference", oracle(p, q) - oracle(q, p))):
        value, error = page.estimate(row)
        assert error > 0 and abs(value - exact) < 6 * error + 1e-4
    assert float(page.cell(FORWARD, 2)) == page.exact(FORWARD), "what the student's kl.py says"


@pytest.mark.slow
def test_more_draws_narrow_the_error_bar(open_page):
    page = open_page("kl")
    page.agrees_with_the_oracle()
    value, error = page.estimate(FORWARD)
    page.button("Draw again").click()
    page.until(lambda: page.estimate(FORWARD)[0] != value, "a new sample gives a new estimate")
    assert page.exact(FORWARD) == pytest.approx(oracle(*page.normals()), abs=0.51e-4)
    page.button("100,000").click()
    page.until(lambda: page.estimate(FORWARD)[1] < error / 5, "a hundred times the draws, a tenth of the error")

    def bar_is_right() -> bool:
        low, high, exact = (page.source("bars", column)[0] for column in ("low", "high", "exact"))
        value, error = page.estimate(FORWARD)
        shown = ((low + high) / 2, (high - low) / 4, exact)
        return np.allclose(shown, (value, error, page.exact(FORWARD)), atol=1e-4)

    page.until(bar_is_right, "the chart draws what the table says")


@pytest.mark.slow
def test_every_example(open_page):
    """A click on each example sets all sliders, says its question, and gives the oracle's numbers."""
    page = open_page("kl")
    for preset in kl_numbers.PRESETS:
        page.button(preset.name).click()
        page.page.get_by_text(preset.question).wait_for()
        wanted = [preset.p, preset.q, *([preset.r] if preset.r else [])]
        names = "PQR"[: len(wanted)]
        page.until(lambda names=names, wanted=wanted: page.normals(names) == wanted, preset.name)
        page.agrees_with_the_oracle()
        if preset.r:
            direct, detour = oracle(preset.p, preset.r), oracle(preset.p, preset.q) + oracle(preset.q, preset.r)
            assert page.exact(kl_page.DIRECT) == pytest.approx(direct, abs=0.51e-4)
            assert page.exact(kl_page.DETOUR) == pytest.approx(detour, abs=0.51e-4)
            verdict = "inequality is broken" if direct > detour else "inequality holds here"
            page.page.get_by_text(verdict).wait_for()

    # From the last example to an answer of task 1.3, by hand.
    page.press("variance of P", "ArrowRight", 20)
    page.press("variance of Q", "ArrowRight", 10)
    page.page.get_by_text("the triangle inequality is broken").wait_for()


@pytest.mark.slow
def test_the_shaded_area_is_the_divergence(open_page):
    page = open_page("kl")
    page.button("All different").click()
    page.page.get_by_text(kl_numbers.PRESETS[2].question).wait_for()
    p, q = kl_numbers.PRESETS[2].p, kl_numbers.PRESETS[2].q
    for name, exact in ((FORWARD, oracle(p, q)), (BACKWARD, oracle(q, p))):
        page.button(name).focus()
        page.page.keyboard.press("Enter")
        page.page.get_by_text(f"What {name} integrates.").wait_for()
        page.page.get_by_text(f"together: {number(exact)} nats").wait_for()

        def area() -> float:
            x, above, below = page.source("above", "x"), page.source("above", "y"), page.source("below", "y")
            assert above.min() >= 0 >= below.max() and below.min() < -0.01
            return np.trapezoid(above + below, x)

        page.until(lambda area=area, exact=exact: abs(area() - exact) < 1e-4, f"the area is {name}")


def place(page: Page, z: tuple[float, float]) -> tuple[float, float]:
    """Where on the screen a point of the latent plane is drawn."""
    script = """z => {
        const figure = Bokeh.documents[0].get_model_by_name("map");
        const view = Bokeh.index.find_one(figure), box = view.el.getBoundingClientRect();
        const frame = view.frame;
        return [box.x + frame.bbox.left + frame.x_scale.compute(z[0]) - frame.x_scale.target_range.start,
                box.y + frame.y_scale.compute(z[1])];
    }"""
    return tuple(page.page.evaluate(script, list(z)))


def pointed_at(page: Page) -> tuple[float, float]:
    return tuple(float(page.page.locator(f'[data-value="{name}"]').inner_text()) for name in ("z1", "z2"))


def decoded_is_right(page: Page, plane) -> bool:
    """The picture beside the map is what the model decodes from the place that the sliders show, unrounded."""
    z = [float(page.source("pointer", column)[0]) for column in "xy"]
    image = page.source("decoded", "image").reshape(28, 28)[::-1]
    return np.allclose(pointed_at(page), z, atol=0.0051) and np.allclose(image, plane.decode(z), atol=1e-5)


@pytest.mark.slow
def test_pointing_with_the_mouse(open_page, results):
    page = open_page("latent")
    plane = load_plane("VAE", results, ROOT / "data" / "MNIST" / "raw")
    seen = [page.source("decoded", "image")]
    for z in ((0.0, 0.0), (1.5, -2.0), (-2.5, 1.0)):
        page.page.mouse.move(*place(page, z), steps=3)
        page.until(lambda z=z: np.allclose(pointed_at(page), z, atol=0.05), f"the mouse points at {z}")
        page.until(lambda: decoded_is_right(page, plane), f"what {z} decodes to")
        seen.append(page.source("decoded", "image"))
        index, distance = plane.nearest(z)
        shown = float(page.page.locator('[data-value="distance"]').inner_text())
        assert shown == pytest.approx(distance, abs=0.06)
    for i, one in enumerate(seen):
        for other in seen[i + 1 :]:
            assert np.abs(one - other).max() > 0.01, "another place, another picture"


@pytest.mark.slow
def test_switching_models_and_keyboard(open_page, results):
    """From the VAE to the autoencoder and back by keyboard; sliders move the point; the prior can be drawn from."""
    page = open_page("latent")
    for name in ("Autoencoder", "VAE, convolutional", "VAE"):
        page.button(name).focus()
        page.page.keyboard.press("Enter")
        page.page.get_by_text(f"{name}: 1,000 test images").wait_for()
        plane = load_plane(name, results, ROOT / "data" / "MNIST" / "raw")
        page.until(lambda plane=plane: decoded_is_right(page, plane), f"{name} decodes")
        page.until(
            lambda plane=plane: np.allclose(page.source("codes", "x"), plane.codes[:, 0].numpy()), f"{name}'s codes"
        )

    before = pointed_at(page)
    page.press("z1", "ArrowLeft", 5)
    page.until(lambda: pointed_at(page)[0] < before[0] - 4 * 2 * plane.reach / latent_page.STEPS, "z1 moves")
    assert pointed_at(page)[1] == before[1]
    page.press("z2", "ArrowLeft", 5)
    page.until(lambda: pointed_at(page)[1] < before[1], "z2 moves")
    page.until(lambda: decoded_is_right(page, plane), "the sliders' place decodes")

    before = pointed_at(page)
    page.button("Draw from the prior N(0, I)").click()
    page.until(lambda: pointed_at(page) != before, "a draw from the prior")
    page.until(lambda: decoded_is_right(page, plane), "the draw decodes")


@pytest.mark.slow
def test_pages_fit_a_phone(open_page, results):
    """Nothing is wider than the screen, and a finger can point."""
    for name in ("kl", "latent"):
        page = open_page(name, size=PHONE, touch=True)
        page.page.locator("h1").wait_for()
        page.page.wait_for_timeout(500)
        assert page.page.evaluate("document.documentElement.scrollWidth") == PHONE[0], name
    before = pointed_at(page)
    page.page.touchscreen.tap(*place(page, (-1.0, -1.0)))
    page.until(lambda: np.allclose(pointed_at(page), (-1, -1), atol=0.08), f"a finger points, {before}")
    page.until(
        lambda: decoded_is_right(page, load_plane("VAE", results, ROOT / "data" / "MNIST" / "raw")),
        "the tapped place decodes",
    )


@pytest.mark.slow
def test_the_bare_address_and_the_links_lead_to_the_pages(open_page):
    page = open_page("")
    page.page.get_by_role("link", name="Latent explorer").click()
    page.page.get_by_role("heading", name="Latent explorer").wait_for()
    page.page.get_by_role("link", name="KL explorer").click()
    page.page.get_by_role("heading", name="KL explorer").wait_for()


@pytest.mark.slow
def test_without_trained_models_the_page_says_what_to_run(browser, open_page, results, tmp_path):
    """With none; then with the autoencoder only, trained meanwhile: it is shown beside the advice for the others."""
    for address in served(tmp_path):
        page = open_page("latent", address=address)
        page.page.get_by_text("Autoencoder: not trained yet. Run `python main.py train-autoencoder` first").wait_for()
        page.page.get_by_text("VAE: not trained yet. Run `python main.py train-vae-mlp-2` first").wait_for()
        page.close()
        shutil.copytree(results / "train-autoencoder", tmp_path / "train-autoencoder")
        page = open_page("latent", address=address)
        page.page.get_by_text("VAE: not trained yet. Run `python main.py train-vae-mlp-2` first").wait_for()
        page.page.get_by_text("Autoencoder: 1,000 test images").wait_for()
        page.close()
