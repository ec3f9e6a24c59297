"""`python -m tools.bench_training`: time of a training step and of main.py, measured here and now.

Prints a table and writes bench.json, as `python -m autograder bench` does, which measures the grader. What is compared
is measured interleaved in one run, so that both sides see the same machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autograder import measuring
from autograder.evidence.bench import Numbers, measure
from autograder.repository import SOLUTION


def milliseconds(function: Callable[[], object], repeats: int) -> float:
    """Mean time of one call."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats * 1e3


def training_step(plain: bool) -> Callable[[], None]:
    """A step of the GMVAE's training, on noise of MNIST's size and darkness.

    Args:
        plain: as published versions of this homework do it: one broadcast over (100, 500, 10), torch.bernoulli, the
            default Adam. Otherwise as the reference solution does.
    """
    import math

    import torch

    import utils
    from gmvae import GMVAE
    from run_gmvae import BATCH_SIZE, LEARNING_RATE, binarize

    def broadcast_mixture(z: torch.Tensor, m: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        terms = -0.5 * (math.log(2 * math.pi) + v.log() + (z.unsqueeze(1) - m).square() / v)
        return utils.log_mean_exp(terms.sum(-1), dim=1)

    torch.manual_seed(0)
    model = GMVAE()
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, **({} if plain else {"fused": True}))
    images = torch.rand(6000, 28 * 28) * (torch.rand(6000, 28 * 28) < 0.2)
    exact_mixture = utils.log_normal_mixture

    def step() -> None:
        grey = images[torch.randint(len(images), (BATCH_SIZE,))]
        x = torch.bernoulli(grey) if plain else binarize(grey)
        utils.log_normal_mixture = broadcast_mixture if plain else exact_mixture
        nelbo, _, _ = model.negative_elbo_bound(x)
        utils.log_normal_mixture = exact_mixture
        adam.zero_grad()
        nelbo.backward()
        adam.step()

    return step


def matrix_products() -> Callable[[], None]:
    """The matrix products of one step alone: of each layer forward, and for the gradients of its weights and input."""
    import torch

    from gmvae import HIDDEN, PIXELS
    from run_gmvae import BATCH_SIZE

    sizes = [(PIXELS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 20), (10, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, PIXELS)]
    layers = []
    for fan_in, fan_out in sizes:
        operands = torch.randn(BATCH_SIZE, fan_in), torch.randn(fan_out, fan_in), torch.randn(BATCH_SIZE, fan_out)
        layers.append(
            (
                operands,
                (torch.empty(BATCH_SIZE, fan_out), torch.empty(fan_out, fan_in), torch.empty(BATCH_SIZE, fan_in)),
            )
        )

    def products() -> None:
        for i, ((x, w, g), (out, to_weight, to_input)) in enumerate(layers):
            torch.mm(x, w.T, out=out)
            torch.mm(g.T, x, out=to_weight)
            if i > 0:  # nobody asks for the gradient of the images
                torch.mm(g, w, out=to_input)

    return products


def gmvae_step(options: argparse.Namespace) -> Numbers:
    """One training step on one thread, against its matrix products alone and against a plain implementation."""
    sys.path.insert(0, str(SOLUTION))
    import torch

    torch.set_num_threads(1)
    candidates = {
        "ms": training_step(plain=False),
        "matmul_ms": matrix_products(),
        "plain_ms": training_step(plain=True),
    }
    rounds: dict[str, list[float]] = {name: [] for name in candidates}
    for function in candidates.values():
        milliseconds(function, 20)
    for _ in range(options.rounds):
        for name, function in candidates.items():
            rounds[name].append(milliseconds(function, 10))
    numbers = {name: statistics.median(times) for name, times in rounds.items()}
    for name, key in (("ms", "ratio_to_matmul"), ("plain_ms", "plain_ratio_to_matmul")):
        numbers[key] = statistics.median(a / b for a, b in zip(rounds[name], rounds["matmul_ms"], strict=True))
    return numbers


def main_job(options: argparse.Namespace) -> Numbers:
    """All of main.py from nothing into a folder that is thrown away: time, and memory of all its processes together."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(SOLUTION / "main.py"), "--out", folder, *(["--quick"] if options.quick else [])]
        usage = measuring.run(command, stdout=subprocess.DEVNULL)
        if usage.status != 0:
            raise SystemExit(f"bench: {' '.join(command)} ended with status {usage.status}")
        metrics = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
    return {
        "seconds": usage.seconds,
        "peak_mib": usage.peak_mib,
        "gmvae_full_test_negative_elbo": metrics["gmvae"]["full_test"]["negative_elbo"],
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench_training", description="Measure the training.")
    parser.add_argument("--quick", action="store_true", help="main.py with --quick")
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds of 10 steps (default %(default)s)")
    return measure(parser, {"gmvae_step": gmvae_step, "main": main_job}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
