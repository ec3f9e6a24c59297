"""`python -m tools.bench`: time of a training step and of main.py, and of all that `python -m autograder bench`
measures, here and now.

Prints one table and writes bench.json. What is compared is measured in turn, in one run, so that both see the same
machine.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from autograder.evidence.bench.command import BENCHES, in_turn, measure, usage
from autograder.evidence.bench.figures import Figures, figure, ratio
from autograder.repository import ROOT

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 20  # of one measurement
IMAGES = 6_000
# What the GMVAE's training is made of.
MODULES = ("utils", "gmvae", "mnist", "plotting", "run_gmvae")


def import_from(tree: Path) -> dict[str, ModuleType]:
    """A tree's modules by name, whatever other tree's have been imported before."""
    for name in [name for name in sys.modules if name.partition(".")[0] in (*MODULES, "lab")]:
        del sys.modules[name]
    sys.path.insert(0, str(tree / "solution"))
    try:
        return {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(tree / "solution"))


def milliseconds(function: Callable[[], object]) -> Callable[[], float]:
    """A function that measures another, which makes STEPS steps: processor time of one step."""

    def measured() -> float:
        start = time.process_time()
        function()
        return (time.process_time() - start) / STEPS * 1e3

    return measured


def training(modules: dict[str, ModuleType]) -> Callable[[], float]:
    """A function that measures steps as a tree's `run_gmvae` makes them: processor time of one step."""
    images = noise()

    def measured() -> float:
        sys.modules.update(modules)  # what is imported only when it runs
        ends: list[float] = []
        modules["run_gmvae"].train_gmvae(images, STEPS + 1, on_step=lambda *_: ends.append(time.process_time()))
        return (ends[-1] - ends[0]) / STEPS * 1e3  # without what comes before the first step

    return measured


def plain_training() -> Callable[[], None]:
    """Steps as published versions of this homework make them: one broadcast over (100, 500, 10) for the mixture,
    torch.bernoulli for the pixels, the default Adam."""
    import math

    import torch

    import utils
    from gmvae import GMVAE
    from mnist import minibatches
    from run_gmvae import BATCH_SIZE, LEARNING_RATE

    torch.manual_seed(0)
    model = GMVAE()
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches = minibatches(noise().flatten(start_dim=1), BATCH_SIZE)

    def log_mixture(z: torch.Tensor, m: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        terms = -0.5 * (math.log(2 * math.pi) + v.log() + (z.unsqueeze(1) - m).square() / v)
        return utils.log_mean_exp(terms.sum(-1), dim=1)

    def steps() -> None:
        for _ in range(STEPS):
            x = torch.bernoulli(next(batches))
            qm, qv = model.enc(x)
            z = utils.sample_gaussian(qm, qv)
            kl = utils.log_normal(z, qm, qv) - log_mixture(z, *model.prior())
            nelbo = (kl - utils.log_bernoulli_with_logits(x, model.dec(z))).mean()
            adam.zero_grad()
            nelbo.backward()
            adam.step()

    return steps


def noise() -> Tensor:
    """Images of MNIST's size and darkness."""
    import torch

    generator = torch.Generator().manual_seed(0)
    grey, ink = (torch.rand(IMAGES, 1, 28, 28, generator=generator) for _ in range(2))
    return grey * (ink < 0.2)


def matrix_products() -> Callable[[], None]:
    """The matrix products of the steps alone: of each layer forward, and for the gradients of its weights and input."""
    import torch

    from gmvae import HIDDEN, PIXELS
    from run_gmvae import BATCH_SIZE

    sizes = [(PIXELS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 20), (10, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, PIXELS)]
    layers = [
        (torch.randn(BATCH_SIZE, fan_in), torch.randn(fan_out, fan_in), torch.randn(BATCH_SIZE, fan_out))
        for fan_in, fan_out in sizes
    ]

    def steps() -> None:
        for _ in range(STEPS):
            for i, (x, w, g) in enumerate(layers):
                kept = [x @ w.T, g.T @ x]
                if i > 0:  # nobody asks for the gradient of the images
                    kept.append(g @ w)

    return steps


def step(options: argparse.Namespace, other: Path | None) -> Figures:
    """A training step of the GMVAE on one thread, beside a plain implementation's and its matrix products alone."""
    import torch

    torch.set_num_threads(1)
    theirs = [training(import_from(other))] if other else []
    ours = training(import_from(ROOT))
    functions = [ours, milliseconds(plain_training()), milliseconds(matrix_products()), *theirs]
    in_turn(2, *functions)  # warms up
    now, plain, products, *before = in_turn(options.rounds, *functions)
    figures = {
        "processor time of one": figure(now, "ms"),
        "matrix products alone": figure(products, "ms"),
        "step / its matrix products": ratio(now, products),
        "plain broadcast / its matrix products": ratio(plain, products),
        "step / plain broadcast": ratio(now, plain),
    }
    if other:
        figures[f"step / at {options.against}"] = ratio(now, before[0])
    return figures


def main_job(options: argparse.Namespace, other: Path | None) -> Figures:
    """All of main.py from nothing, into a folder that is thrown away: time, and memory of all its processes."""

    def run(tree: Path) -> Callable[[], tuple[float, float, float]]:
        def measured() -> tuple[float, float, float]:
            with tempfile.TemporaryDirectory() as folder:
                data = ["--data", str(ROOT / "data" / "MNIST" / "raw")]
                used = usage(tree, "solution/main.py", "--out", folder, *data, *(["--quick"] if options.quick else []))
                metrics = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
            return used.seconds, used.peak_mib, metrics["gmvae"]["full_test"]["negative_elbo"]

        return measured

    ours, *theirs = in_turn(options.main_runs, *(run(tree) for tree in (ROOT, other) if tree))
    seconds, memory, negative_elbo = (list(column) for column in zip(*ours, strict=True))
    figures = {
        "wall time": figure(seconds, "s"),
        "peak memory": figure(memory, "MiB"),
        "GMVAE, negative ELBO on all test images": figure(negative_elbo, "nats"),
    }
    if theirs:
        figures[f"wall time / at {options.against}"] = ratio(seconds, [run[0] for run in theirs[0]])
    return figures


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="Measure training and grading.")
    parser.add_argument("--quick", action="store_true", help="main.py with --quick")
    parser.add_argument("--rounds", type=int, default=30, help=f"of {STEPS} steps each (default %(default)s)")
    parser.add_argument("--main-runs", type=int, default=1, help="of main.py (default %(default)s: it takes minutes)")
    return measure(parser, {"step": step, "main": main_job, **BENCHES}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
