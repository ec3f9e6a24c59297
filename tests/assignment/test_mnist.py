"""Reading data: the real MNIST, any folder with four such files, and clear errors where they are not what they should
be."""

import dataclasses
import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import lab.course as course_module
import mnist as mnist_module
from autograder.repository import ROOT
from mnist import DataError, find_data, load_mnist, minibatches, prepare_mnist
from tests.assignment.idx_files import idx, write_data

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
DAMAGED = "is damaged, cut short or no IDX file"
NAMES = [*mnist_module.TRAINING, *mnist_module.TEST]


def test_the_real_mnist():
    data = load_mnist(ROOT / "data" / "MNIST" / "raw")
    assert data.train_images.shape == (60_000, 1, 28, 28) and data.test_images.shape == (10_000, 1, 28, 28)
    assert data.train_images.dtype == torch.float32 and data.train_labels.dtype == torch.int64
    assert data.train_images.min() == 0 and data.train_images.max() == 1
    # Mean and deviation of the training pixels that every textbook on MNIST quotes.
    assert data.train_images.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert data.train_images.std().item() == pytest.approx(0.3081, abs=1e-4)
    assert torch.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize("packed", [True, False])
def test_any_folder_with_four_such_files(tmp_path, packed):
    folder = write_data(tmp_path / "images", training=30, test=20, packed=packed)
    before = sorted(folder.iterdir())
    assert prepare_mnist(folder) == folder
    data = load_mnist(folder)
    assert data.train_images.shape == (30, 1, 28, 28) and data.test_labels.tolist() == [*range(10)] * 2
    assert data.test_images[3, 0, :, 10:13].eq(250 / 255).all()
    assert sorted(folder.iterdir()) == before, "nothing is unpacked beside them"


def is_refused(folder: Path, name: str, why: str) -> None:
    """Whoever reads is told the file, the folder and the remedy, in lines that fit a terminal."""
    with pytest.raises(DataError, match=why) as raised:
        load_mnist(folder)
    said = str(raised.value)
    assert name in said and str(folder) in said and "--data" in said
    # A path is as long as it is.
    assert all(len(line) <= 80 or line.startswith(str(folder)) for line in f"run_gmvae.py: {said}".splitlines())
    with pytest.raises(DataError, match=why):
        prepare_mnist(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing_or_damaged(tmp_path, name):
    folder = write_data(tmp_path / "images")
    file = folder / f"{name}.gz"
    content = bytearray(file.read_bytes())
    for damage in ([slice(-20, None)], [slice(0, 2)], [slice(len(content) // 2, len(content) // 2 + 3)]):
        damaged = bytearray(content)
        for place in damage:
            damaged[place] = b""
        file.write_bytes(damaged)
        is_refused(folder, name, "damaged")
    file.unlink()
    is_refused(folder, name, "missing")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (IMAGES, b"", DAMAGED),
        (IMAGES, idx(np.zeros(120, np.uint8)), "has 1 dimensions of torch.uint8,\nnot 3"),
        (LABELS, idx(np.zeros((120, 28, 28), np.uint8)), "has 3 dimensions of torch.uint8,\nnot 1"),
        (IMAGES, idx(np.zeros((120, 28, 28), np.uint8))[:-5], DAMAGED),
        (LABELS, idx(np.zeros(120, np.uint8)) + b"\n", DAMAGED),
        (IMAGES, idx(np.zeros((0, 28, 28), np.uint8)), DAMAGED),
        (IMAGES, idx(np.zeros((120, 32, 31), np.uint8)), "images of 32x31 pixels,\nnot 28x28"),
        (LABELS, bytes([0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "has 1 dimensions of torch.float32,\nnot 1"),
        (IMAGES, idx(np.zeros((119, 28, 28), np.uint8)), f"119 images in {IMAGES}, but\n120 labels"),
        (LABELS, idx(np.full(120, 26, np.uint8)), "the label 26,\nwhere 0 to 9 are known"),
    ],
)
def test_a_file_that_is_something_else(tmp_path, name, content, why):
    folder = write_data(tmp_path / "images", packed=False)
    (folder / name).write_bytes(content)
    is_refused(folder, name, why)
    (folder / f"{name}.gz").write_bytes(gzip.compress(content))  # which is taken first
    write_data(tmp_path / "again", packed=False)
    (folder / name).write_bytes((tmp_path / "again" / name).read_bytes())
    is_refused(folder, name, why)


@pytest.mark.parametrize("wanted", ["data/MNIST/raw", "data/Clothes"])
def test_data_is_found_beside_the_assignment_or_its_folder(tmp_path, monkeypatch, wanted):
    own = dataclasses.replace(course_module.course(), dataset={"name": "X", "folder": wanted, "things": "x"})
    monkeypatch.setattr("lab.course.course", lambda: own)
    (tmp_path / wanted).mkdir(parents=True)
    for file in ("mnist.py", "starter/mnist.py"):
        monkeypatch.setattr(mnist_module, "__file__", str(tmp_path / file))
        assert find_data() == tmp_path / wanted
    monkeypatch.setattr(mnist_module, "__file__", str(tmp_path / "somewhere" / "else" / "mnist.py"))
    with pytest.raises(DataError, match="--data") as raised:
        find_data()
    assert wanted in str(raised.value) and "Where code is graded there is no data" in str(raised.value)


def test_where_code_is_graded_the_reason_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "lab.course", None)  # not among the files that are handed in
    with pytest.raises(DataError, match="Where code is graded there is no data: load it in main.py"):
        find_data()


def test_minibatches_visit_every_image_once_an_epoch():
    torch.manual_seed(0)
    images = torch.arange(10.0).reshape(10, 1, 1, 1)
    batches = minibatches(images, 4)
    epochs = [[next(batches) for _ in range(3)] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(torch.cat(epoch).flatten().tolist()) == list(range(10))
    assert not torch.equal(torch.cat(epochs[0]), torch.cat(epochs[1])), "each epoch has an order of its own"
