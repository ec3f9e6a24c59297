"""What the checks compute over records and figures of a stranger stays in memory, however much was sent."""

import tracemalloc

import numpy as np
import pytest

from autograder.door.diagnose import CheckFailed
from autograder.door.submission import Figure
from support.checks.drawing import check_decoded, check_posterior_rows, check_traversal
from support.checks.plotting import check_scatter
from support.oracles import traversal_latents
from support.probe_oracle import PIXELS, random_probe, read_steps

MIB = 1 << 20


class Recorded:
    """A recorder with these records: what was encoded or decoded."""

    def __init__(self, *fed):
        self.fed = [{"part": part, "input": value, "training": True, "grad_enabled": True} for part, value in fed]

    def records(self):
        return self.fed


def taken(what):
    """Bytes at most beyond what there was before."""
    tracemalloc.start()
    try:
        what()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def failing(check, *arguments):
    def run():
        with pytest.raises(CheckFailed):
            check(*arguments)

    return run


def test_a_step_of_training_has_no_more_images_than_there_are():
    oracle = random_probe(np.random.default_rng(0), 2)
    fair = [("encode", np.zeros((4, 1, 28, 28), np.float32)), ("decode", np.zeros((4, 2), np.float32))]
    large = [("encode", np.zeros((9000, PIXELS), np.uint8)), ("decode", np.zeros((9000, 2), np.uint8))]
    odd = [
        ("encode", np.zeros((4, 99), np.float32)),
        ("decode", np.zeros((4, 3), np.float32)),
        ("decode", np.zeros((0, 2), np.float32)),
        ("decode", np.zeros((4, 2, 1), np.float32)),
    ]
    found = []
    assert taken(lambda: found.extend(read_steps(Recorded(*large, *odd, *fair).records(), oracle, 9))) < MIB
    assert [step.x.shape for step in found] == [(4, PIXELS)]


def test_what_was_decoded_is_counted_before_it_is_put_together():
    rng = np.random.default_rng(0)
    oracle, n = random_probe(rng, 1), 64
    images = rng.random((n, 1, 28, 28), dtype=np.float32)
    decoded = Recorded(*[("decode", np.zeros((10_000, 1), np.float32))] * 600)  # 24 MiB, shared
    assert taken(failing(check_decoded, images, oracle, decoded, n)) < 4 * MIB
    costs = np.ones((n, 3))
    assert taken(failing(check_posterior_rows, costs, oracle, images, costs, {}, decoded)) < 4 * MIB
    z = traversal_latents(np.linspace(-3, 3, 5), 1)
    wrong = np.zeros((1, 5, 1, 28, 28), np.float32)
    assert taken(failing(check_traversal, wrong, oracle, z, {}, decoded)) < 4 * MIB


def test_a_figure_may_show_many_points():
    rng = np.random.default_rng(0)
    points, labels = rng.random((300, 2)), np.arange(300) % 3
    colours = np.eye(4)[labels]
    scattered = [{"points": rng.random((60_000, 2)) + 5, "colours": np.zeros((60_000, 4))}]
    scattered.append({"points": points, "colours": colours})
    axes = {"scattered": scattered, "xlim": (0, 9), "ylim": (0, 9), "empty": False}
    assert taken(lambda: check_scatter([Figure([axes])], points, labels, "draw")) < 32 * MIB
    wrong = [{**scattered[1], "colours": colours[rng.permutation(300)]}]
    with pytest.raises(CheckFailed, match="colours"):
        check_scatter([Figure([{**axes, "scattered": wrong}])], points, labels, "draw")
