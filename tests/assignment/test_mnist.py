"""Reading MNIST: the real images, and clear errors where the archives are not what they should be."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "solution"))

import mnist as mnist_module  # noqa: E402
from mnist import DataError, check_archives, find_data, load_mnist, minibatches, prepare_mnist  # noqa: E402

RAW = ROOT / "data" / "MNIST" / "raw"


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the archives, without what was unpacked from them."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in RAW.glob("*.gz"):
        shutil.copy(archive, raw)
    return tmp_path / "data"


def test_the_real_mnist():
    data = load_mnist(ROOT / "data")
    assert data.train_images.shape == (60_000, 1, 28, 28) and data.test_images.shape == (10_000, 1, 28, 28)
    assert data.train_images.dtype == torch.float32 and data.train_labels.dtype == torch.int64
    assert data.train_images.min() == 0 and data.train_images.max() == 1
    # Mean and deviation of the training pixels that every textbook on MNIST quotes.
    assert data.train_images.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert data.train_images.std().item() == pytest.approx(0.3081, abs=1e-4)
    assert torch.bincount(data.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_unpacks_where_the_archives_lie(copy):
    assert prepare_mnist(copy) == copy
    assert len(list((copy / "MNIST" / "raw").glob("*-ubyte"))) == 4
    assert load_mnist(copy).test_labels[:3].tolist() == [7, 2, 1]


@pytest.mark.parametrize("name", [path.name for path in sorted(RAW.glob("*.gz"))])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_bad_archive_is_named_with_a_remedy(copy, name, damage):
    archive = copy / "MNIST" / "raw" / name
    if damage == "missing":
        archive.unlink()
    else:
        content = bytearray(archive.read_bytes())
        content[len(content) // 2] ^= 1
        archive.write_bytes(content)
    with pytest.raises(DataError, match=damage) as raised:
        load_mnist(copy)
    assert str(archive) in str(raised.value) and "README" in str(raised.value)


def test_half_unpacked_files_are_explained(copy):
    prepare_mnist(copy)
    unpacked = copy / "MNIST" / "raw" / "train-images-idx3-ubyte"
    unpacked.write_bytes(unpacked.read_bytes()[:1000])
    with pytest.raises(DataError, match="unpacked") as raised:
        load_mnist(copy)
    assert str(unpacked.parent) in str(raised.value)


def test_data_is_found_beside_the_assignment_or_its_folder(copy, monkeypatch):
    monkeypatch.setattr(mnist_module, "__file__", str(copy.parent / "mnist.py"))
    assert find_data() == copy
    monkeypatch.setattr(mnist_module, "__file__", str(copy.parent / "starter" / "mnist.py"))
    assert find_data() == copy
    monkeypatch.setattr(mnist_module, "__file__", str(copy.parent / "somewhere" / "else" / "mnist.py"))
    with pytest.raises(DataError, match="--data"):
        find_data()


def test_intact_archives_pass():
    check_archives(ROOT / "data")


def test_minibatches_visit_every_image_once_an_epoch():
    torch.manual_seed(0)
    images = torch.arange(10.0).reshape(10, 1, 1, 1)
    batches = minibatches(images, 4)
    epochs = [[next(batches) for _ in range(3)] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [4, 4, 2]
        assert sorted(torch.cat(epoch).flatten().tolist()) == list(range(10))
    assert not torch.equal(torch.cat(epochs[0]), torch.cat(epochs[1])), "each epoch has an order of its own"
