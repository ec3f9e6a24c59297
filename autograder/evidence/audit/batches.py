"""Batches of the corpus: entries that were written without sight of the checks, and what became of them at first.

`first/N.json` keeps, for each entry of batch N, a digest of its code and whether the verdict was right (a mutant lost
points of its own task, a variant none) before any check was changed for its sake. It is written once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from autograder.evidence.audit.corpus import Change, Corpus
from autograder.repository import CORPUS, read_toml
from autograder.writing import write_atomically

FIRST = CORPUS / "first"


def first(number: int, folder: Path = FIRST) -> dict[str, Any]:
    """first/NUMBER.json: "mutants" and "variants", each {id: [digest, was the verdict right]}; {} without it."""
    path = folder / f"{number}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def withdrawn(folder: Path = FIRST) -> dict[str, str]:
    """first/withdrawn.toml: {id: why it is in the corpus no more}."""
    path = folder / "withdrawn.toml"
    return read_toml(path) if path.is_file() else {}


def by_batch(kind: str, changes: Iterable[Change], right: Collection[str]) -> dict[str, dict[str, int]]:
    """How many verdicts of each batch were right at first, and how many are now: {"1": {total, when_written, now}}.

    Args:
        kind: "mutants" or "variants".
        right: ids of the changes whose verdict is right now.
    """
    found: dict[str, dict[str, int]] = {}
    for number in sorted({change.batch for change in changes} - {0}):
        ids = {change.id for change in changes if change.batch == number}
        then = first(number).get(kind, {})
        found[str(number)] = {
            "total": len(ids),
            "when_written": sum(then[id][1] for id in ids if id in then),
            "now": len(ids & set(right)),
        }
    return found


def keep(number: int, corpus: Corpus, findings: Mapping[str, Any], folder: Path = FIRST) -> None:
    """Write first/NUMBER.json, unless it is there or only a part of the batch was graded."""
    path = folder / f"{number}.json"
    if path.is_file() or not {"mutants", "variants"} <= set(findings):
        return
    wrong = {*findings["mutants"]["survivors"], *findings["variants"]["rejected"]}
    hints = {hint: len(ids) for hint, ids in findings.get("hints", {}).get("by_hint", {}).items()}
    document = {"written": date.today().isoformat(), "hints": hints} | {
        kind: {change.id: [change.digest, change.id not in wrong] for change in changes if change.batch == number}
        for kind, changes in (("mutants", corpus.mutants), ("variants", corpus.variants))
    }
    write_atomically(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n", mode=0o644)
    print(f"wrote {path}")


def first_hints(folder: Path = FIRST) -> dict[str, dict[str, int]]:
    """For each batch of which it is known: for how many entries the right cause, none, or a false one was named."""
    every = {path.stem: first(int(path.stem), folder) for path in sorted(folder.glob("*.json"))}
    return {number: then["hints"] for number, then in every.items() if "hints" in then}


def problems(corpus: Corpus, folder: Path = FIRST) -> list[str]:
    """Where the corpus is not what was judged at first: an entry changed or gone without a reason."""
    found: list[str] = []
    gone = withdrawn(folder)
    kept = {path.stem: first(int(path.stem), folder) for path in sorted(folder.glob("*.json"))}
    for kind, changes in (("mutants", corpus.mutants), ("variants", corpus.variants)):
        present = {change.id: change for change in changes}
        judged = {id: (number, digest) for number, then in kept.items() for id, (digest, _) in then[kind].items()}
        for id, (number, digest) in judged.items():
            change = present.get(id)
            if change is None and id not in gone:
                found.append(f"{kind}: {id} of batch {number} is gone; say why in first/withdrawn.toml")
            if change is not None and change.digest != digest and not change.amended:
                found.append(f"{kind}: {id} of batch {number} was changed; say why in its `amended`")
        found += [
            f"{kind}: {change.id} of batch {change.batch} has no first verdict: make audit ARGS='--batch N'"
            for change in changes
            if change.batch and change.id not in judged and change.id not in gone
        ]
    return found
