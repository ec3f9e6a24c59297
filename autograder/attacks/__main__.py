"""`python -m autograder.attacks [--only NAME ...] [--save FILE] [--table]`: try the attacks and print what came of them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from autograder.attacks import corpus, stage

OUTCOMES = corpus.HERE / "outcomes"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder.attacks", description=__doc__.split(": ")[1])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these attacks instead of all")
    parser.add_argument("--save", metavar="NAME", help=f"write the outcomes to {OUTCOMES.name}/NAME.json")
    parser.add_argument("--table", action="store_true", help="run nothing: print README.md's table from saved outcomes")
    options = parser.parse_args(arguments)
    attacks = corpus.load()
    if options.table:
        saved = {path.stem: json.loads(path.read_text()) for path in sorted(OUTCOMES.glob("*.json"))}
        print(stage.table({name: found["outcomes"] for name, found in saved.items()}, attacks))
        return 0
    if stage.obstacles():
        print(f"not on this machine: {stage.obstacles()}", file=sys.stderr)
        return 2
    chosen = [attack for attack in attacks if not options.only or attack.name in options.only]
    found: dict[str, str] = {}
    bad = 0
    for members in stage.group(chosen):
        for outcome in stage.try_attacks(members):
            print(stage.explain(outcome), flush=True)
            found[outcome.name] = outcome.summary()
            bad += bool(outcome.problems)
    print(f"{len(found) - bad} of {len(found)} attacks contained")
    if options.save:
        path = OUTCOMES / f"{options.save}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"outcomes": found}, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
