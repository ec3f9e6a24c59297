"""Pictures: every plotting script on a small model, the shared helpers, and the gallery's HTML."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

from AE import Autoencoder
from autograder.repository import ROOT, SOLUTION
from embeddings import decode_grid, draw_posterior_rows, plot_embeddings, plot_posterior_rows
from lab.run import gallery
from latent_traversal import latent_traversal
from learning_curve import plot_learning_curve
from plotting import evaluating, save_figure, tile_images
from sample_from_prior import sample_from_prior
from tsne import tsne_latents
from VAE import VAE


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return VAE(2)


@pytest.fixture(scope="module")
def images():
    torch.manual_seed(1)
    return torch.rand(40, 1, 28, 28)


@pytest.fixture(scope="module")
def labels():
    return torch.arange(40) % 10


DRAWINGS = {
    "traversal": lambda vae, x, y, path: latent_traversal(vae, steps=5, outpath=path),
    "prior": lambda vae, x, y, path: sample_from_prior(vae, n=7, outpath=path),
    "tsne": lambda vae, x, y, path: tsne_latents(vae, x, y, path),
    "tsne of one latent": lambda vae, x, y, path: tsne_latents(VAE(1), x, y, path),
    "curve": lambda vae, x, y, path: plot_learning_curve([-900 + i**0.5 for i in range(200)], path),
    "one-point curve": lambda vae, x, y, path: plot_learning_curve([-900.0], path),
    "embeddings": lambda vae, x, y, path: plot_embeddings(vae, x, y, path),
    "autoencoder": lambda vae, x, y, path: plot_embeddings(Autoencoder(2), x, y, path),
    "grid": lambda vae, x, y, path: decode_grid(vae, torch.randn(9, 2), steps=3, outpath=path),
    "posterior rows": lambda vae, x, y, path: plot_posterior_rows(vae, x[:2], path),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_script_draws_a_picture(name, vae, images, labels, tmp_path):
    vae.train()
    path = tmp_path / "new folder" / "picture.png"
    DRAWINGS[name](vae, images, labels, path)
    picture = imread(path)
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 0.01, "the picture is blank"
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]
    assert vae.training, "the model must come back in the mode in which it came"


def test_rows_may_be_drawn_without_their_costs(images):
    """For a question that asks to compare the rows: no number may answer it."""
    mu, logvar = torch.tensor([[0.1, -0.2], [2.0, 1.0]]), torch.zeros(2, 2)
    figures = [draw_posterior_rows(images[:2], mu, logvar, images[:2], costs) for costs in (None, torch.ones(2, 3))]
    without, with_costs = (
        [ax.get_xlabel() for ax in figure.axes if ax.get_title() == "reconstruction"] for figure in figures
    )
    assert without == ["", ""] and all("nats" in label for label in with_costs)
    assert [ax.get_ylabel() for ax in figures[0].axes if ax.get_title() == "input"] == ["1", "2"]


@pytest.mark.slow
def test_importing_the_assignment_does_nothing(tmp_path):
    modules = sorted(path.stem for path in SOLUTION.glob("*.py"))
    lab = (path.relative_to(SOLUTION).with_suffix("") for path in SOLUTION.rglob("lab/**/[!_]*.py"))
    modules += sorted(".".join(path.parts) for path in lab)
    program = f"import sys; sys.path.insert(0, {str(SOLUTION)!r})\nfor name in {modules}: __import__(name)\n"
    program += "import torch; assert torch.initial_seed() == torch.default_generator.initial_seed()\n"
    program += "assert 'matplotlib.pyplot' not in sys.modules and 'torchvision' not in sys.modules\n"
    process = subprocess.run([sys.executable, "-B", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout == "" and not list(tmp_path.iterdir())


def test_tiles_lie_row_by_row_with_margins():
    tiles = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 1, 2, 3) / 10
    sheet = tile_images(tiles, rows=2, columns=3, margin=1)
    assert sheet.shape == (2 * 3 - 1, 3 * 4 - 1)
    np.testing.assert_allclose(sheet[0], [0, 0, 0, 1, 0.1, 0.1, 0.1, 1, 0.2, 0.2, 0.2], atol=1e-7)
    np.testing.assert_array_equal(sheet[2], np.ones(11))
    np.testing.assert_allclose(sheet[4, 8:], 0.5)


def test_evaluating_gives_every_module_back_in_its_mode(vae):
    vae.train()
    vae.encoder.eval()
    with evaluating(vae):
        assert not any(module.training for module in vae.modules())
        assert not torch.is_grad_enabled()
    assert vae.training and vae.decoder.training and not vae.encoder.training
    vae.train()


def test_a_failed_save_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def fail(self, target, **options):
        target.write(b"half")
        raise ValueError("cannot be drawn")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(ValueError, match="cannot be drawn"):
        save_figure(Figure(), path)
    assert path.read_bytes() == b"old"


def record(**changes) -> dict:
    figure = {"file": "a.png", "title": "1 < 2", "caption": "Look & see", "wide": True}
    table = {"title": "T", "columns": ["a", "b"], "rows": [["<x>", 1234], [0.123456, "inf"]], "caption": "c"}
    return {"part": "p", "section": "One", "figures": [figure], "tables": [table], "metrics": {}} | changes


def test_gallery_escapes_and_orders():
    html = gallery.gallery_html(
        "A & B", ["One", "Two", "Three"], [record(), record(section="Three")], {"Two": ["todo <1>"]}
    )
    assert "<title>A &amp; B</title>" in html and "1 &lt; 2" in html and "Look &amp; see" in html
    assert "<td>&lt;x&gt;</td><td>1,234</td>" in html and "<td>0.1235</td><td>∞</td>" in html
    assert html.index("One</h2>") < html.index("Two</h2>") < html.index("Three</h2>")
    assert "todo &lt;1&gt;" in html
    assert 'src="p/a.png"' in html and "viewport" in html


def test_the_gallery_wears_the_kits_style():
    """Neither may read the other's file: students have no kit, and the kit knows no assignment."""
    kits = (ROOT / "autograder" / "grading" / "style.css").read_bytes()
    assert (SOLUTION / "lab" / "run" / "style.css").read_bytes() == kits


def test_gallery_leaves_out_empty_sections():
    html = gallery.gallery_html("t", ["One", "Two"], [record()], {})
    assert "Two" not in html
