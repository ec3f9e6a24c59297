"""What the main job leaves: metrics.json, the gallery, a summary in the terminal, what is still to do (provided)."""

import os
import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.experiments import SECTIONS, Settings
from lab.gallery import write_gallery
from lab.jobs import Outcome
from lab.parts import Part, part_seed, read_part, write_json


def merge(tree: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Merge nested dictionaries: what is new in `more` joins what is in `tree`."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            tree[key] = value
    return tree


def publish(results: Path, parts: dict[str, Part], settings: Settings, outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Write metrics.json, index.html and the copies that are handed in, from the parts that are finished.

    Returns:
        The metrics.
    """
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


def task_number(message: str) -> tuple[int, ...]:
    """Sort key of "Task 4.10: ...": (4, 10)."""
    found = re.match(r"Task (\d+)\.(\d+)", message)
    return tuple(map(int, found.groups())) if found else (99,)


def list_parts(parts: dict[str, Part]) -> None:
    """Print the parts by group."""
    for group, section in SECTIONS.items():
        print(f"{group}: {section}")
        for part in parts.values():
            if part.section == section:
                state = "finished" if part.is_finished() else "to do"
                print(f"    {part.name:<20} {state:<9}" + (f" needs {', '.join(part.needs)}" if part.needs else ""))
