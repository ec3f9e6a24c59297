"""`python -m autograder bench`: speed and memory, measured here and now; prints a table and writes bench.json.

Never part of the tests: the numbers depend on the machine and on what else it does. What is compared is measured
interleaved in one run, so that both sides see the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from autograder.evidence.bench_grading import boundary, grading
from autograder.exits import Exit
from autograder.repository import ROOT, SOLUTION

Numbers = dict[str, float]


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


class PeakMemory(threading.Thread):
    """Watches a process and all its descendants; pages that they share are counted once where the system can tell."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self) -> None:
        import psutil

        while not self.ended.wait(0.5):
            total = 0
            try:
                root = psutil.Process(self.pid)
                for process in [root, *root.children(recursive=True)]:
                    memory = process.memory_full_info()
                    total += getattr(memory, "pss", memory.rss)
            except psutil.Error:  # a process ended between being listed and being looked at
                continue
            self.peak = max(self.peak, total)


def main_job(options: argparse.Namespace) -> Numbers:
    """All of main.py from nothing into a folder that is thrown away: time, and memory of all its processes together."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(SOLUTION / "main.py"), "--out", folder, *(["--quick"] if options.quick else [])]
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        memory = PeakMemory(process.pid)
        memory.start()
        try:
            status = process.wait()
        finally:
            process.terminate()
            memory.ended.set()
        seconds = time.monotonic() - start
        memory.join()
        if status != 0:
            raise SystemExit(f"bench: {' '.join(command)} ended with status {status}")
        metrics = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
    return {
        "seconds": seconds,
        "peak_mib": memory.peak / 2**20,
        "gmvae_full_test_negative_elbo": metrics["gmvae"]["full_test"]["negative_elbo"],
    }


# What can be measured: name in bench.json, function.
BENCHES: dict[str, Callable[[argparse.Namespace], Numbers]] = {
    "gmvae_step": gmvae_step,
    "main": main_job,
    "grading": grading,
    "boundary": boundary,
}


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m autograder bench", description="Measure speed and memory.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure (default: all): {', '.join(BENCHES)}"
    )
    parser.add_argument("--quick", action="store_true", help="main.py with --quick")
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds of 10 steps (default %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "bench.json", help="default: bench.json in the repository")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(BENCHES)}")
    return options


def main(arguments: list[str]) -> int:
    """Measure, print a table, write bench.json (keeping what was not measured now)."""
    options = parse_arguments(arguments)
    found = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    found["machine"] = {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    for name in options.names or BENCHES:
        print(f"measuring {name} ...", file=sys.stderr)
        found[name] = BENCHES[name](options)
        for key, value in found[name].items():
            print(f"{name + '.' + key:<44} {value:>10.2f}")
    unfinished = options.out.with_name(f".{options.out.name}.unfinished")
    unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, options.out)
    return Exit.DONE
