"""`python -m autograder.evidence.attacks`: try the attacks, and print what came of each."""

from __future__ import annotations

import argparse
import os
import sys

from autograder.evidence.attacks import corpus, stage
from autograder.exits import Exit
from autograder.sandbox import layers


def main(arguments: list[str]) -> int:
    """Returns 0 when every attack was contained, 1 when one was not, 2 when nothing was tried."""
    parser = argparse.ArgumentParser(prog="python -m autograder.evidence.attacks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these attacks, and all that is shown of them")
    parser.add_argument("--without", choices=("landlock", "seccomp"), help="leave a layer out, as an older kernel does")
    parser.add_argument("--second", action="store_true", help="by the second of two students, after an accomplice")
    options = parser.parse_args(arguments)
    obstacles = stage.obstacles()
    if options.without == "seccomp" and os.geteuid() != 0:
        obstacles = "without the filter only another uid protects this one's processes, and that takes root"
    if obstacles:
        print(f"not on this machine: {obstacles}", file=sys.stderr)
        return Exit.NOTHING
    chosen = [attack for attack in corpus.load() if not options.only or attack.name in options.only]
    if not chosen:
        print(f"no attack is called {' or '.join(options.only)}", file=sys.stderr)
        return Exit.NOTHING
    worn = tuple(name for name in layers.LAYERS if name != options.without)
    bad = 0
    for members in stage.group(chosen):
        for outcome in stage.try_attacks(members, worn, students=2 if options.second else 1):
            in_full = options.only or outcome.problems
            print(outcome.explain() if in_full else f"{outcome.name}: {outcome.summary()}", flush=True)
            bad += bool(outcome.problems)
    print(f"{len(chosen) - bad} of {len(chosen)} attacks contained")
    return Exit.FAILED if bad else Exit.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
