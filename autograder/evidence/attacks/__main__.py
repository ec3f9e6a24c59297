"""`python -m autograder.evidence.attacks`: try the attacks, print what came of each, or the table of README.md."""

from __future__ import annotations

import argparse
import os
import sys

from autograder.evidence.attacks import corpus, stage
from autograder.sandbox import layers


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m autograder.evidence.attacks")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these attacks instead of all")
    parser.add_argument("--save", choices=corpus.SETTINGS, help="keep the outcomes for README.md's table")
    parser.add_argument("--without", choices=("landlock", "seccomp"), help="leave a layer out, as an older kernel does")
    parser.add_argument("--table", action="store_true", help="run nothing: print README.md's table from saved outcomes")
    options = parser.parse_args(arguments)
    attacks = corpus.load()
    if options.table:
        print(stage.table(corpus.outcomes(), attacks))
        return 0
    obstacles = stage.obstacles()
    if options.without == "seccomp" and os.geteuid() != 0:
        obstacles = "without the filter only another uid protects this one's processes, and that takes root"
    if obstacles:
        print(f"not on this machine: {obstacles}", file=sys.stderr)
        return 2
    chosen = [attack for attack in attacks if not options.only or attack.name in options.only]
    worn = tuple(name for name in layers.LAYERS if name != options.without)
    found: dict[str, str] = {}
    bad = 0
    for members in stage.group(chosen):
        for outcome in stage.try_attacks(members, worn):
            print(stage.explain(outcome), flush=True)
            found[outcome.name] = outcome.summary()
            bad += bool(outcome.problems)
    print(f"{len(found) - bad} of {len(found)} attacks contained")
    if options.save:
        corpus.save_outcomes(options.save, found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
