"""What the main job leaves: metrics.json, the gallery, a summary in the terminal, what is still to do (provided)."""

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.course import course
from lab.files import wrapped, write_json, write_whole
from lab.run.experiments import Settings
from lab.run.gallery import gallery_html
from lab.run.part import Outcome, Part, part_seed

# The summary's lines: what, where in the metrics, with how many decimals. One for each VAE comes between the two lists.
FIRST_LINES = (
    ("KL triangle: direct way", "kl.triangle.direct", 4),
    ("KL triangle: detour", "kl.triangle.detour", 4),
    ("GMM entropy, estimate", "gmm.entropy.estimate", 4),
    ("GMM entropy, quadrature", "gmm.entropy.exact", 4),
    ("nearly degenerate GMM entropy, estimate", "gmm.degenerate.estimate", 4),
    ("single Gaussian entropy, closed form", "gmm.degenerate.single_gaussian", 4),
    ("autoencoder, test mean squared error", "autoencoder.test_mse", 4),
)
LAST_LINES = (
    ("GMVAE, test subset, negative ELBO", "gmvae.test_subset.negative_elbo", 2),
    ("GMVAE, test subset, kl", "gmvae.test_subset.kl", 2),
    ("GMVAE, test subset, reconstruction", "gmvae.test_subset.reconstruction", 2),
    ("GMVAE, all test images, negative ELBO", "gmvae.full_test.negative_elbo", 2),
    ("GMVAE, all test images, kl", "gmvae.full_test.kl", 2),
    ("GMVAE, all test images, reconstruction", "gmvae.full_test.reconstruction", 2),
)


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
    records = {name: record for name, part in parts.items() if part.is_finished() and (record := part.read())}
    metrics: dict[str, Any] = {"seed": settings.seed, "settings": asdict(settings)}
    metrics["torch_seeds"] = {name: part_seed(settings.seed, name) for name in records}
    for record in records.values():
        merge(metrics, record["metrics"])
    write_json(results / "metrics.json", metrics)
    remarks: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome.status != "done":
            next_task = "next: " if outcome.status == "todo" else ""
            remarks.setdefault(parts[name].section, []).append(f"{name}: {next_task}{outcome.words}")
    # A record may be from before the course was numbered anew.
    shown = [record | {"section": parts[name].section} for name, record in records.items()]
    page = gallery_html(f"{course().title}: results", list(course().sections.values()), shown, remarks)
    write_whole(results / "index.html", page.encode())
    if "learning-curve" in records:
        curve = (results / "learning-curve" / "ELBO_Curve.png").read_bytes()
        write_whole(results / "ELBO_Curve.png", curve)
    return metrics


def summary(metrics: dict[str, Any]) -> str:
    """The main numbers as a table for the terminal; a line whose number is not there is left out."""
    vaes = [
        (f"VAE {architecture}, {size} latents, test negative ELBO", f"vae.{architecture}.{size}.negative_elbo", 2)
        for architecture in ("conv", "mlp")
        for size in sorted(metrics.get("vae", {}).get(architecture, {}), key=int)
    ]
    rows = []
    for label, path, decimals in (*FIRST_LINES, *vaes, *LAST_LINES):
        value: Any = metrics
        for key in path.split("."):
            value = value.get(key, {})
        if value != {}:
            # What JSON cannot hold, such as "nan", is a word already.
            rows.append((label, value if isinstance(value, str) else f"{value:.{decimals}f}"))
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(f"  {label:<{width}}  {value:>9}" for label, value in rows)


def why_again(todo: list[Part]) -> Iterator[str]:
    """For the terminal: which parts run again, though there are results of them, and what has changed."""
    because: dict[str, list[str]] = {}
    for part in todo:
        if reason := part.stale_because():
            because.setdefault(reason, []).append(part.name)
    for reason, names in because.items():
        yield from wrapped("", f"{', '.join(names)}: again, because {reason} changed", indent=4)


def report_unfinished(outcomes: dict[str, Outcome]) -> None:
    """Say what went wrong and which task comes next."""
    todo: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome.status == "failed":
            print(f"\nPart {name} stopped with an error:\n{outcome.message}", file=sys.stderr)
        if outcome.status == "todo":
            todo.setdefault(outcome.message, []).append(name)
    if todo:
        print("\nStill to be written, in the order of the tasks:")
        for message in sorted(todo, key=task_position):
            print(*wrapped("  ", f"{message}  ({', '.join(todo[message])})", indent=6), sep="\n")
        print(f"Do next: {min(todo, key=task_position)}")


def task_position(message: str) -> int:
    """Sort key of "Task 4.10: ...": where the course has that task; behind all others if it has none of that number."""
    found = re.match(r"Task ([^:]+):", message)
    numbers = course().task_numbers
    return numbers.index(found.group(1)) if found and found.group(1) in numbers else len(numbers)


def list_parts(parts: dict[str, Part]) -> None:
    """Print the parts by section, the finished ones apart from the others."""
    for name, heading in course().sections.items():
        inside = [part for part in parts.values() if part.section == heading]
        if inside:
            print(f"{name}: {heading}")
        done = [part.name for part in inside if part.is_finished()]
        for state, names in (("finished", done), ("to do", [part.name for part in inside if part.name not in done])):
            for line in wrapped(f"    {state:<10}", ", ".join(names)):
                print(line)
