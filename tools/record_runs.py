"""`python -m tools.record_runs RESULTS...`: keep the metrics of several runs of main.py, one a seed, in the repository.

The answers state ranges over these runs, and tests build the answers from each. A run is recorded by

    python solution/main.py --seed 3 --out somewhere/seed3          (all of it, or only some parts)

What a folder lacks, because its run made only some parts, stays as it was recorded before.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from autograder.repository import CORPUS
from autograder.writing import write_atomically

RECORDED = CORPUS / "reference" / "seeds.json"


def merge(tree: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Nested dictionaries joined; what both have is taken from the second."""
    joined = dict(tree)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(tree.get(key), dict)
        joined[key] = merge(tree[key], value) if both else value
    return joined


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.record_runs", description="Record the metrics of runs.")
    parser.add_argument("results", nargs="+", type=Path, help="folders that main.py wrote, one a seed")
    options = parser.parse_args(arguments)
    document = json.loads(RECORDED.read_text(encoding="utf-8"))
    runs = {run["seed"]: run for run in document["runs"]}
    for folder in options.results:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        del metrics["torch_seeds"]  # follow from the seed
        runs[metrics["seed"]] = merge(runs.get(metrics["seed"], {}), metrics)
    document["runs"] = [runs[seed] for seed in sorted(runs)]
    write_atomically(RECORDED, json.dumps(document, indent=1) + "\n", mode=0o644)
    print(f"{RECORDED.name}: {len(runs)} runs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
