"""The trained model is graded from its weights alone; files that cannot be used say why."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from autograder.repository import ROOT
from hidden.trained_gmvae import LEADERBOARD, fraction, judge
from support.trained_model import WeightsError, gmvae_shapes, read_gmvae
from tests.assignment.weights import safetensors

REFERENCE = ROOT / "tests" / "corpus" / "reference" / "gmvae.safetensors"
SECRET = "not much of a secret"


def random_weights(scale: float = 0.01) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: (scale * rng.standard_normal(shape)).astype(np.float32) for name, shape in gmvae_shapes().items()}


def write(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    path.write_bytes(safetensors(tensors))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gmvae.safetensors"


@pytest.mark.parametrize(
    ("negative_elbo", "share"),
    [
        (0, 1),
        (97.05, 1),
        (99, 1),
        (99.5, 0.9),
        (101.5, 0.5),
        (103.5, 0.1),
        (104, 0),
        (500, 0),
        (math.nan, 0),
        (math.inf, 0),
    ],
)
def test_full_marks_up_to_99_none_from_104_linear_between(negative_elbo, share):
    assert fraction(negative_elbo) == pytest.approx(share)


def test_the_reference_gets_full_marks_every_time():
    first = judge(REFERENCE, SECRET, ROOT)
    assert first.fraction == 1
    assert 95 < first.leaderboard[LEADERBOARD] < 98.5
    assert first.leaderboard[LEADERBOARD] == round(first.leaderboard[LEADERBOARD], 2)
    assert first == judge(REFERENCE, SECRET, ROOT)
    other = judge(REFERENCE, "another secret", ROOT)
    assert 0 < abs(other.leaderboard[LEADERBOARD] - first.leaderboard[LEADERBOARD]) < 0.5, (
        "noise and pixels depend on the secret, a little"
    )


def test_untrained_weights_get_nothing(path):
    outcome = judge(write(path, random_weights()), SECRET, ROOT)
    assert outcome.fraction == 0
    assert outcome.leaderboard[LEADERBOARD] > 300
    assert "20,000 iterations" in outcome.message


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda w: w.pop("z_pre"), "has no z_pre"),
        (lambda w: w.update(extra=np.zeros(3, np.float32)), "that the model does not have"),
        (lambda w: w.update(pi=np.zeros(499, np.float32)), "pi has shape (499,)"),
        (lambda w: w.update(pi=np.full(500, np.nan, np.float32)), "not finite"),
        (lambda w: w["z_pre"].fill(np.inf), "not finite"),
        (lambda w: w.update(pi=np.zeros(500, np.float16)), "half precision"),
    ],
)
def test_weights_of_another_model(path, spoil, says):
    tensors = random_weights()
    spoil(tensors)
    outcome = judge(write(path, tensors), SECRET, ROOT)
    assert outcome.fraction == 0 and outcome.leaderboard == {}
    assert outcome.message.startswith("The weights cannot be used: ")
    assert says in outcome.message


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_names_of_a_wrapped_model_are_read(path, prefix):
    tensors = random_weights()
    wrapped = write(path, {prefix + name: tensor for name, tensor in tensors.items()})
    assert {name: tensor.tolist() for name, tensor in read_gmvae(wrapped).items()} == {
        name: tensor.tolist() for name, tensor in tensors.items()
    }
    write(path, {**tensors, f"{prefix}pi": tensors["pi"]})
    with pytest.raises(WeightsError, match="twice"):
        read_gmvae(path)


def test_a_git_lfs_pointer_is_called_so(path):
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2674080\n")
    assert "is a Git LFS pointer, not the weights: run `git lfs pull`" in judge(path, SECRET, ROOT).message


def test_weights_that_overflow(path):
    tensors = {name: np.full(shape, 1e38, np.float32) for name, shape in gmvae_shapes().items()}
    outcome = judge(write(path, tensors), SECRET, ROOT)
    assert outcome.fraction == 0 and outcome.leaderboard == {}


def test_links_and_pipes_are_not_opened(path):
    path.symlink_to(REFERENCE)
    assert "not a regular file" in judge(path, SECRET, ROOT).message
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in judge(path, SECRET, ROOT).message


def test_no_file():
    outcome = judge(None, SECRET, ROOT)
    assert outcome.fraction == 0 and "Missing file" in outcome.message and outcome.kind == "missing"
