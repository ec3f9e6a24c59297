"""What came of attacks, judged from what the grader wrote: results.json, report, output and log."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.evidence.attacks import suite
from autograder.evidence.attacks.corpus import Attack
from autograder.gradescope import rehearsal
from autograder.grading.results import NOTHING
from autograder.sandbox.text import CONTROL_CHARACTERS

# How a worker may end: the kind of its row, where that is one of these, else "answers".
ENDS = ("answers", "timeout", "protocol", "flood", "crash")
# Kinds of the row of an attack that has not run.
UNTRIED = ("missing", "not_run", "grader")
NOT_CONTAINED = "NOT CONTAINED"
# What the trusted process may take in the grading of a submission: memory, and processor time beyond what the grading
# of honest code takes.
MOST_MIB, MORE_CPU_SECONDS = 256.0, 5.0


@dataclass
class AttackOutcome:
    """What came of one attack.

    Attributes:
        name: the attack's.
        ended: one of ENDS, or "" for an attack by files.
        attempts: what it tried -> how that was refused, as it told itself.
        shown: what a student sees of it.
        usage: what the trusted process took in the grading that it was part of: see grade_staged.own_usage.
        problems: what should not have happened, one sentence each.
    """

    name: str
    ended: str = ""
    attempts: dict[str, str] = field(default_factory=dict)
    shown: str = ""
    usage: Mapping[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """What came of it, and what it cost, in a few words."""
        words = [{"answers": "no points", "": "no points"}.get(self.ended, f"stopped: {self.ended}")]
        if self.attempts:
            words.insert(0, f"{len(self.attempts)} of {len(self.attempts)} refused")
        cost = ""
        if self.usage:
            cost = f"; grader: {self.usage['peak_mib']:.0f} MiB, {self.usage['cpu_seconds']:.1f} s of processor time"
        return (NOT_CONTAINED if self.problems else ", ".join(words)) + cost

    def explain(self) -> str:
        """All of it, for people who have to find out what went wrong."""
        shown = textwrap.indent(self.shown, "    ")
        return f"{self.name}: {self.summary()}\n" + "\n".join(f"  - {p}" for p in self.problems) + f"\n{shown}"


def ending(row: Mapping[str, Any]) -> str:
    """How an attack ended: one of ENDS, or "untried" if it has not run.

    Args:
        row: of its public check in results.json.
    """
    about = row["extra_data"]
    kind: str = about["kind"]
    silent = kind == "not_implemented" and "printed" not in about
    # Python's word, not the attack's print: a module that travels with it is not there.
    alone = kind == "raised" and "ModuleNotFoundError" in about.get("diagnosis", row["output"])
    if silent or alone or kind in UNTRIED:
        return "untried"
    return kind if kind in ENDS else "answers"


def judge_code(attack: Attack, part: str, rows: Mapping[str, Any], mark: str, outcome: AttackOutcome) -> None:
    """Complete the outcome of an attack by code.

    Args:
        part: where it was put.
        rows: of results.json, by the ids of their checks.
        mark: name of the files that attacks try to leave behind.
    """
    mine = {kind: rows[id] for kind, id in suite.rows_of(part).items() if id in rows}
    if set(mine) != {"public", "hidden"}:
        outcome.problems.append("its rows are missing")
        return
    if any(row["score"] or row["status"] == "passed" for row in mine.values()):
        outcome.problems.append(f"it earned points: {[row['score'] for row in mine.values()]}")
    outcome.shown, outcome.ended = mine["public"]["output"], ending(mine["public"])
    for what, result in re.findall(r"\[([^\[\]:]{1,40}): ([^\]]*)\]", outcome.shown):
        outcome.attempts[what] = result
        if result.startswith("DONE"):
            outcome.problems.append(f"it could {what}: {result}")
    if outcome.ended == "untried":
        outcome.problems.append(f"it did not run: {outcome.shown[:200]}")
    elif outcome.ended not in attack.ends:
        outcome.problems.append(f"it ended with {outcome.ended}: {outcome.shown[:400]}")
    # What a hidden row says is ours: no print, no text of an exception, no place.
    hidden = mine["hidden"]["output"]
    own = {"printed", "example"} & set(mine["hidden"]["extra_data"])
    if own or any(sign in hidden for sign in ("[", "line ", "HOSTILE", mark)) or len(hidden) > 400:
        outcome.problems.append(f"the hidden row shows too much: {hidden[:200]}")


def judge_files(attack: Attack, rows: Mapping[str, Any], document: Mapping[str, Any], outcome: AttackOutcome) -> None:
    """Complete the outcome of an attack by files or by a model."""
    # Of what cannot be taken in there is a single row.
    model = rows.get(suite.MODEL_ROW) or rows.get(NOTHING)
    if model is None:
        outcome.problems.append("its row is missing")
        return
    outcome.shown = " ".join([document["output"], model["output"]])
    if model["score"] or document["leaderboard"]:
        outcome.problems.append(f"the weights earned {model['score']} points")
    if attack.row not in ("", model["extra_data"]["kind"]):
        outcome.problems.append(f"the row of the weights says: {model['output'][:300]}")


def harm(rows: Mapping[str, Any], attacked: set[str]) -> list[str]:
    """Honest parts that lost points."""
    problems = []
    for part in suite.parts():
        earned = sum(rows[id]["score"] for id in suite.rows_of(part).values() if id in rows)
        if part not in attacked and earned != suite.PART_POINTS:
            problems.append(f"the honest {part}.py earned {earned} points")
    return problems


def excesses(usage: Mapping[str, float], honest: Mapping[str, float]) -> list[str]:
    """What the trusted process took beyond its bounds.

    Args:
        usage: in the grading of an attack; honest: in that of honest code.
    """
    problems = []
    if usage["peak_mib"] >= MOST_MIB:
        problems.append(f"the grader took {usage['peak_mib']:.0f} MiB, {MOST_MIB:g} are allowed")
    more = usage["cpu_seconds"] - honest["cpu_seconds"]
    if more >= MORE_CPU_SECONDS:
        problems.append(f"the grader took {more:.1f} s of processor time more than for honest code")
    return problems


def earnings(rows: Mapping[str, Any]) -> list[str]:
    """What a submission without an honest line earned."""
    problems = [f"{id} gave {row['score']} points" for id, row in rows.items() if row["score"]]
    passed = [id for id, row in rows.items() if row["status"] == "passed" and row["max_score"] and not row["score"]]
    return problems + [f"{id} passed" for id in passed]


def invalidities(document: Mapping[str, Any]) -> list[str]:
    """Where results.json is not what Gradescope specifies, or not complete."""
    problems = rehearsal.validate(document)
    if "problem" in document.get("extra_data", {}):
        problems.append(f"the grader had a problem: {document['extra_data']['problem']}")
    total = sum(row["score"] for row in document.get("tests", []))
    if abs(total - document.get("score", -1)) > 1e-9 or any("FORGED" in row["name"] for row in document["tests"]):
        problems.append("results.json is not the grader's")
    return problems


def leaks(texts: Mapping[str, str], marks: Mapping[str, str]) -> list[str]:
    """What turned up in the grader's output that must not.

    Args:
        texts: where -> what people read there.
        marks: secret -> what marks it.
    """
    problems = []
    marks = {**marks, "a hidden input": suite.HIDDEN_INPUT.split(".")[0]}
    for where, text in texts.items():
        problems += [f"{what} is in {where}" for what, mark in marks.items() if mark in text]
        odd = sorted(set(CONTROL_CHARACTERS.findall(text)))
        if odd:
            problems.append(f"control characters in {where}: {odd!r}")
        if re.search(r"HOSTILE (module|code|pth|test)", text):
            problems.append(f"hostile files were executed: see {where}")
    if re.search(r"<script>document|<h1>100|<img src=x", texts.get("report.html", "")):
        problems.append("the submission's HTML is in the report")
    return problems


def texts(results: Path, document: Mapping[str, Any]) -> dict[str, str]:
    """What a grading wrote for people to read."""
    page = results.with_name("report.html")
    html = page.read_text(encoding="utf-8") if page.exists() else ""
    return {"results.json": "\n".join(_strings(document)), "report.html": html}


def _strings(tree: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value)
