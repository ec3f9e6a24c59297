"""Run the whole assignment (provided): every number, picture and table, into the folder results.

`python main.py` trains what has to be trained, side by side in several processes, and draws what is to be drawn.
Finished parts are kept: run it again after an interruption, or after you have written the next task, and it continues.
Parts whose functions are still to be written are listed at the end, in the order of the tasks.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from command_line import InputError, choose_device, physical_cpus, writable_folder
from jobs import Outcome, run_side_by_side

HERE = Path(__file__).resolve().parent
# More processes than this would wait for the longest training, and take memory.
MOST_PROCESSES = 4


def positive(text: str) -> int:
    """An argument that is a whole number above zero."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run the assignment: all numbers, pictures and tables, into one folder.",
        epilog="Parts that a part needs are run, too. Finished parts are kept until their settings or code change.",
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help="run only these (see --list); a group runs whole: kl gmm ae vae gmvae")
    add("--list", action="store_true", help="list the parts and stop")
    add(
        "--quick", action="store_true", help="smoke run under a minute: every part, too few iterations for good results"
    )
    add("--fresh", action="store_true", help="run parts again even if they are finished")
    add("--seed", type=int, default=0, help="of everything random (default %(default)s)")
    add("--vae-iterations", type=positive, metavar="N", help="of the autoencoder and every VAE (default 5000)")
    add("--gmvae-iterations", type=positive, metavar="N", help="of the GMVAE (default 20000)")
    add("--latent-dims", type=positive, nargs="+", metavar="K", help="latent sizes to compare (default 2 5 10 20)")
    add(
        "--shown-dims",
        type=positive,
        nargs="+",
        metavar="K",
        help="latent sizes with all plots, and convolutional (default 2 10)",
    )
    add(
        "--device",
        default="cpu",
        help="auto, cpu, cuda or mps (default %(default)s: these models are too small to gain)",
    )
    add("--jobs", type=positive, metavar="N", help="processes side by side (default: processor cores, at most 4)")
    add(
        "--out", type=Path, default=HERE / "results", metavar="FOLDER", help="results (default: results beside main.py)"
    )
    add(
        "--data", type=Path, metavar="FOLDER", help="folder that holds MNIST/raw/*.gz (default: data of the assignment)"
    )
    return parser.parse_args(arguments)


class Terminal:
    """Shows progress: one bar per running part on a terminal, one line now and then elsewhere."""

    def __init__(self, processes: int, total: int) -> None:
        self.bars: dict[int, Any] = {}
        self.live = sys.stderr.isatty()
        self.said: dict[str, float] = {}
        self.total, self.ended_parts = total, 0

    def say(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()

    def started(self, slot: int, name: str) -> None:
        if self.live:
            from tqdm import tqdm

            self.bars[slot] = tqdm(total=1, desc=f"{name:<20}", position=slot, leave=False, dynamic_ncols=True)

    def progress(self, slot: int, name: str, iteration: int, total: int, text: str) -> None:
        if self.live:
            bar = self.bars[slot]
            bar.total = total
            bar.set_postfix_str(text, refresh=False)
            bar.update(iteration - bar.n)
            bar.refresh()
        elif time.monotonic() - self.said.setdefault(name, time.monotonic()) > 15:
            self.said[name] = time.monotonic()
            self.say(f"{name}: {iteration:,} of {total:,}, {text}")

    def ended(self, slot: int, name: str, outcome: Outcome) -> None:
        if slot in self.bars:
            self.bars.pop(slot).close()
        self.ended_parts += 1
        words = {
            "done": f"done in {outcome.seconds:.1f} s",
            "todo": outcome.message,
            "failed": "stopped with an error, see below",
            "skipped": f"waits for {outcome.message}",
        }
        self.say(f"[{self.ended_parts}/{self.total}] {name}: {words[outcome.status]}")

    def close(self) -> None:
        for bar in self.bars.values():
            bar.close()


def choose_settings(options: argparse.Namespace, device: str):
    """Settings of this run: those of --quick or the default, changed where the command line says so."""
    from dataclasses import replace

    from experiments import QUICK, Settings

    changes = {
        "vae_iterations": options.vae_iterations,
        "gmvae_iterations": options.gmvae_iterations,
        "latent_dims": tuple(options.latent_dims or ()),
        "shown_dims": tuple(options.shown_dims or ()),
    }
    changes = {name: value for name, value in changes.items() if value}
    return replace(QUICK if options.quick else Settings(), seed=options.seed, device=device, **changes)


def choose_parts(parts: dict[str, Any], wanted: list[str]) -> list[Any]:
    """The wanted parts (all when none is named) and everything that they need, in order.

    Raises:
        InputError: for a name that is neither a part nor a group.
    """
    from experiments import SECTIONS

    if not wanted:
        return list(parts.values())
    chosen: set[str] = set()
    for name in wanted:
        if name in SECTIONS:
            chosen |= {part.name for part in parts.values() if part.section == SECTIONS[name]}
        elif name in parts:
            chosen.add(name)
        else:
            raise InputError(f"unknown part {name!r}: `python main.py --list` lists them")
    # Parts come after what they need: going backwards, one pass collects everything.
    for part in reversed(parts.values()):
        if part.name in chosen:
            chosen |= set(part.needs)
    return [part for part in parts.values() if part.name in chosen]


def merge(tree: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Merge nested dictionaries: what is new in `more` joins what is in `tree`."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            tree[key] = value
    return tree


def publish(results: Path, parts: dict[str, Any], settings: Any, outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Write metrics.json, index.html and the copies that are handed in, from the parts that are finished.

    Returns:
        The metrics.
    """
    from dataclasses import asdict

    from experiments import SECTIONS
    from gallery import write_gallery
    from parts import part_seed, read_part, write_json

    finished = [part for part in parts.values() if part.is_finished()]
    records = [read_part(part.folder) for part in finished]
    metrics: dict[str, Any] = {"seed": settings.seed, "settings": asdict(settings)}
    metrics["torch_seeds"] = {part.name: part_seed(settings.seed, part.name) for part in finished}
    for record in records:
        merge(metrics, record["metrics"])
    write_json(results / "metrics.json", metrics)
    remarks: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome.status != "done":
            words = {
                "todo": f"next: {outcome.message}",
                "failed": "stopped with an error",
                "skipped": f"waits for {outcome.message}",
            }
            remarks.setdefault(parts[name].section, []).append(f"{name}: {words[outcome.status]}")
    write_gallery(results, "Variational autoencoders: results", list(SECTIONS.values()), records, remarks)
    if any(part.name == "learning-curve" for part in finished):
        copy_whole(results / "learning-curve" / "ELBO_Curve.png", results / "ELBO_Curve.png")
    return metrics


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that the target is always whole."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.copyfile(source, unfinished)
    os.replace(unfinished, target)


def summary(metrics: dict[str, Any]) -> str:
    """The main numbers as a table for the terminal."""
    rows: list[tuple[str, str]] = []

    def row(label: str, form: str, *path: str) -> None:
        """Add a row if the number is there."""
        value: Any = metrics
        for key in path:
            if key not in value:
                return
            value = value[key]
        rows.append((label, format(value, form)))

    row("KL triangle: direct way", ".4f", "kl", "triangle", "direct")
    row("KL triangle: detour", ".4f", "kl", "triangle", "detour")
    row("GMM entropy, estimate", ".4f", "gmm", "entropy", "estimate")
    row("GMM entropy, quadrature", ".4f", "gmm", "entropy", "exact")
    row("nearly degenerate GMM entropy, estimate", ".4f", "gmm", "degenerate", "estimate")
    row("single Gaussian entropy, closed form", ".4f", "gmm", "degenerate", "single_gaussian")
    row("autoencoder, test mean squared error", ".4f", "autoencoder", "test_mse")
    for architecture, sizes in sorted(metrics.get("vae", {}).items()):
        if architecture in ("mlp", "conv"):
            for size in sorted(sizes, key=int):
                row(
                    f"VAE {architecture}, {size} latents, test negative ELBO",
                    ".2f",
                    "vae",
                    architecture,
                    size,
                    "negative_elbo",
                )
    for name, label in (("test_subset", "test subset"), ("full_test", "all test images")):
        for key in ("negative_elbo", "kl", "reconstruction"):
            row(f"GMVAE, {label}, {key.replace('_', ' ').replace('elbo', 'ELBO')}", ".2f", "gmvae", name, key)
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(f"  {label:<{width}}  {value:>9}" for label, value in rows)


def task_number(message: str) -> tuple[int, ...]:
    """Sort key of "Task 4.10: ...": (4, 10)."""
    found = re.match(r"Task (\d+)\.(\d+)", message)
    return tuple(map(int, found.groups())) if found else (99,)


def report_unfinished(outcomes: dict[str, Outcome]) -> None:
    """Say what went wrong and which task comes next."""
    for name, outcome in outcomes.items():
        if outcome.status == "failed":
            print(f"\nPart {name} stopped with an error:\n{outcome.message}", file=sys.stderr)
    todo: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome.status == "todo":
            todo.setdefault(outcome.message, []).append(name)
    if todo:
        print("\nStill to be written, in the order of the tasks:")
        for message in sorted(todo, key=task_number):
            print(f"  {message}  ({', '.join(todo[message])})")
        print(f"Do next: {min(todo, key=task_number)}")


def list_parts(parts: dict[str, Any]) -> None:
    """Print the parts by group."""
    from experiments import SECTIONS

    for group, section in SECTIONS.items():
        print(f"{group}: {section}")
        for part in parts.values():
            if part.section == section:
                state = "finished" if part.is_finished() else "to do"
                print(f"    {part.name:<20} {state:<9}" + (f" needs {', '.join(part.needs)}" if part.needs else ""))


def run(options: argparse.Namespace) -> int:
    """Everything after the command line has been read; returns the exit status."""
    start = time.monotonic()
    device = choose_device(options.device)
    results = writable_folder(options.out)
    from experiments import all_parts
    from mnist import prepare_mnist
    from parts import UNFINISHED

    data = prepare_mnist(options.data)
    settings = choose_settings(options, device)
    parts = all_parts(settings, results, data)
    if options.list:
        list_parts(parts)
        return 0
    chosen = choose_parts(parts, options.parts)
    if options.fresh:
        for part in chosen:
            shutil.rmtree(part.folder, ignore_errors=True)
    finished = {part.name for part in chosen if part.is_finished()}
    if finished:
        print(f"{len(finished)} of {len(chosen)} parts are finished already (--fresh runs them again)", file=sys.stderr)
    todo = [part for part in chosen if part.name not in finished]
    processes = options.jobs or min(physical_cpus(), MOST_PROCESSES)
    terminal = Terminal(processes, len(todo))
    outcomes: dict[str, Outcome] = {}
    interrupted = False
    try:
        outcomes = run_side_by_side(todo, finished, processes, terminal)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        terminal.close()
        shutil.rmtree(results / UNFINISHED, ignore_errors=True)
    metrics = publish(results, parts, settings, outcomes)
    if interrupted:
        done = sum(part.is_finished() for part in chosen)
        print(
            f"interrupted: {done} of {len(chosen)} parts are finished and kept; run again to continue", file=sys.stderr
        )
        return 130
    print(summary(metrics))
    report_unfinished(outcomes)
    hand_in(results, parts, settings, options)
    print(f"\n{time.monotonic() - start:.0f} s. Open {results / 'index.html'}")
    return 1 if any(outcome.status == "failed" for outcome in outcomes.values()) else 0


def hand_in(results: Path, parts: dict[str, Any], settings: Any, options: argparse.Namespace) -> None:
    """Put the weights of a full training where they are handed in from: beside this file.

    Only a run into the default folder does this, so that experiments elsewhere do not replace a model to hand in.
    """
    from run_gmvae import ITERATIONS

    full = settings.gmvae_iterations >= ITERATIONS and parts["gmvae"].is_finished()
    if full and results == (HERE / "results"):
        copy_whole(results / "gmvae" / "gmvae.safetensors", HERE / "gmvae.safetensors")
        print(f"wrote {HERE / 'gmvae.safetensors'}: hand this in")


def stop(signal_number: int, frame: Any) -> None:
    """A request to end (SIGTERM) is treated as Ctrl-C: keep what is done, leave nothing behind."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Run the assignment; returns the exit status: 0, 1 when a part failed, 2 for bad input, 130 when interrupted."""
    options = parse_arguments(arguments)
    from mnist import DataError

    signal.signal(signal.SIGTERM, stop)
    try:
        return run(options)
    except (InputError, DataError) as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: finished parts are kept; run again to continue", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
