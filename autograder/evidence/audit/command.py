"""`python -m autograder audit`: the grader's error rates, as a table and as a report (see README.md here)."""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from importlib import metadata
from itertools import count, islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from autograder.evidence.audit.automatic import (
    AutomaticMutant,
    automatic_mutants,
    explanations,
    mutants_made_twice,
    provided_mutants,
    unjudged,
)
from autograder.evidence.audit.batches import by_batch, first_hints, keep
from autograder.evidence.audit.corpus import (
    KINDS,
    Change,
    Corpus,
    CorpusError,
    Mutant,
    Variant,
    asked,
    checks_of,
    is_of,
    judged_over_all,
    load,
    task_of,
)
from autograder.evidence.audit.execution import Execution, executed, executing
from autograder.evidence.audit.judge import Verdict, judge_mutant, share
from autograder.evidence.audit.laboratory import Trial, TrialOutcome
from autograder.evidence.audit.pool import graded, open_pool
from autograder.evidence.audit.submissions import WholeSubmission, pack, whole_submissions
from autograder.exits import Exit
from autograder.release.reference import hand_in
from autograder.repository import CORPUS, ROOT, SOLUTION
from autograder.scratch import temporary_folder
from autograder.tasks import Course
from autograder.tasks import load as load_course
from autograder.writing import make_place, write_atomically

REPORT = CORPUS / "audit.json"
PARTS = ("automatic", "twice", "provided", "mutants", "variants", "secrets", "submissions", "flakes")
MADE = {"automatic": "made by machine", "twice": "made of two of them", "provided": "of provided code"}
HINTS = {"right": "its cause is named", "none": "ITS CAUSE IS NOT NAMED", "false": "A FALSE CAUSE IS NAMED"}
NEED_EXECUTION = {"provided", "mutants", "variants", "secrets", "flakes"}
FLAKES = 1000
SECRETS = ("audit", "second", "third", "fourth", "fifth")  # the first is that of every other part
ROUNDS_OF_ALL = 2  # among the repetitions: once on one thread and once on two
# Shares of killed mutants: of how many the cause has to be named, and of how many a false one may be.
RIGHT_HINTS, FALSE_HINTS = 0.95, 0.01
# With --quick: only every n-th change, and fewer repetitions.
QUICK_STEP, QUICK_FLAKES = 14, 12
RECORDED = ("torch", "numpy", "scipy", "matplotlib", "scikit-learn", "pytest", "hypothesis", "mutmut")
# Each law is tested at a level of its own; their sum over one grading is at most this.
FALSE_ALARM_BOUND = 1e-9


@dataclass
class Audit:
    """Everything that a run needs and finds.

    Attributes:
        sources: the reference submission's Python files.
        execution: gives what the checks do to the solution, once that is known.
        processes: how many gradings there may be at a time.
        only: the parts of ids, one of which a change must have; empty for all.
        batch: the number of the one batch whose changes are chosen; None for all.
        findings: the report, part by part.
        problems: which targets are missed, for people.
    """

    course: Course
    corpus: Corpus
    sources: Mapping[str, str]
    pool: ProcessPoolExecutor
    execution: Callable[[], Execution]
    processes: int = 2
    only: tuple[str, ...] = ()
    batch: int | None = None
    quick: bool = False
    flakes: int = FLAKES
    findings: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def chosen(self, changes: Iterable[Any]) -> list[Any]:
        """The changes that this run is about."""
        wanted = [change for change in changes if not self.only or any(text in change.id for text in self.only)]
        wanted = [change for change in wanted if self.batch in (None, getattr(change, "batch", None))]
        return wanted[::QUICK_STEP] if self.quick else wanted

    def noticing(self, change: Change) -> set[str]:
        """Ids of the checks that can notice a change."""
        return executing(change, self.execution())

    def trial_for(self, change: Change, checks: Collection[str]) -> Trial:
        """Grades a change with these checks."""
        return Trial(change.id, {change.file: change.apply(self.sources[change.file])}, tuple(checks))

    def grade(self, trials: Sequence[Trial], what: str) -> dict[str, TrialOutcome]:
        return {outcome.id: outcome for outcome in graded(self.pool, trials, what)}


def audit_mutants(audit: Audit) -> None:
    """Wrong code must fail, only in its own task, with the right hint."""
    for mutant in audit.corpus.mutants:
        if idle := set(mutant.checks) - audit.noticing(mutant):
            audit.problems.append(f"mutant {mutant.id}: these checks do not execute it: {', '.join(sorted(idle))}")
    mutants = audit.chosen(audit.corpus.mutants)
    outcomes = audit.grade([audit.trial_for(mutant, _checks_for(audit, mutant)) for mutant in mutants], "mutants  ")
    # What a batch calls wrong may be a fault of manners alone, whatever its author calls it.
    over_all = set(checks_of(judged_over_all(audit.course), audit.course))
    unnoticed = [
        audit.trial_for(mutant, over_all & audit.noticing(mutant))
        for mutant in mutants
        if mutant.batch and not judge_mutant(mutant, outcomes[mutant.id], audit.course).killed
    ]
    outcomes |= audit.grade(unnoticed, "manners  ")
    verdicts = [judge_mutant(mutant, outcomes[mutant.id], audit.course) for mutant in mutants]
    killed = [verdict for verdict in verdicts if verdict.killed]
    audit.findings["mutants"] = {
        "total": len(verdicts),
        "killed": len(killed),
        "survivors": [verdict.id for verdict in verdicts if not verdict.killed],
        "by_kind": {
            kind: {
                "total": sum(mutant.kind == kind for mutant in mutants),
                "killed": sum(
                    verdict.killed for mutant, verdict in zip(mutants, verdicts, strict=True) if mutant.kind == kind
                ),
            }
            for kind in KINDS
        },
        "only_own_task": sum(not verdict.elsewhere for verdict in verdicts),
        "blamed_elsewhere": {verdict.id: list(verdict.elsewhere) for verdict in verdicts if verdict.elsewhere},
        "batches": by_batch("mutants", mutants, {verdict.id for verdict in killed}),
    }
    said = {hint: [verdict.id for verdict in killed if verdict.hint == hint] for hint in HINTS}
    audit.findings["hints"] = {
        "right": len(said["right"]),
        "right_share": round(share(len(said["right"]), len(killed)), 4),
        "by_hint": said,
    }
    for verdict in verdicts:
        _tell(audit, verdict)
    _compare_hints(audit, {hint: len(ids) for hint, ids in said.items()})


def _checks_for(audit: Audit, mutant: Mutant) -> set[str]:
    """Ids of the checks that grade a mutant.

    Rows about all files take most of the time, and say nothing about a number that is wrong.
    """
    over_all = checks_of(judged_over_all(audit.course), audit.course)
    spared = set(over_all) if mutant.kind in ("value", "unstable") else set()
    return audit.noticing(mutant) - spared | set(mutant.checks)


def _tell(audit: Audit, verdict: Verdict) -> None:
    """Record what is wrong with the grader's treatment of a mutant; with --only, show what a student reads, too."""
    if not verdict.killed:
        audit.problems.append(f"mutant {verdict.id} survives: {verdict.note}")
    elif verdict.not_failed:
        audit.problems.append(f"mutant {verdict.id}: these checks should fail: {', '.join(verdict.not_failed)}")
    if verdict.elsewhere:
        audit.problems.append(f"mutant {verdict.id} loses points of other tasks: {', '.join(verdict.elsewhere)}")
    if audit.only:
        tqdm.write(f"\n{verdict.id}: {verdict.note}   ({HINTS[verdict.hint]})")
        for check, message in verdict.messages.items():
            tqdm.write(f"  {check}\n    " + message.strip().replace("\n", "\n    "))


def audit_automatic(audit: Audit) -> None:
    """mutmut's mutants: each is noticed by the checks of its own task, or explained."""
    _audit_made(audit, "automatic", _written(audit, automatic_mutants), partial(_own_checks, course=audit.course))


def audit_twice(audit: Audit) -> None:
    """Two of mutmut's changes at once: the same."""
    made = partial(mutants_made_twice, explained=explanations())
    _audit_made(audit, "twice", _written(audit, made), partial(_own_checks, course=audit.course))


def audit_provided(audit: Audit) -> None:
    """mutmut's mutants of functions that students are given: any check that executes them may notice them."""
    spared = unjudged()
    mutants = [
        mutant
        for file in audit.sources
        for mutant in provided_mutants(file, (SOLUTION / file).read_text(encoding="utf-8"))
        if (file, mutant.function) not in spared and audit.noticing(_change(mutant))
    ]
    _audit_made(audit, "provided", mutants, lambda mutant: audit.noticing(_change(mutant)))


def _written(audit: Audit, made: Callable[[str, str], Iterable[AutomaticMutant]]) -> list[AutomaticMutant]:
    """The mutants that are made of the code of the course's tasks."""
    return [
        mutant
        for file in audit.sources
        for mutant in made(file, (SOLUTION / file).read_text(encoding="utf-8"))
        if any(is_of(_change(mutant), task) for task in audit.course.tasks)
    ]


def _own_checks(mutant: AutomaticMutant, course: Course) -> Collection[str]:
    return checks_of([task_of(_change(mutant), course).name, *judged_over_all(course)], course)


def _audit_made(
    audit: Audit, part: str, every: Sequence[AutomaticMutant], checks: Callable[[AutomaticMutant], Collection[str]]
) -> None:
    """Each of them is noticed by one of its checks, or explained."""
    mutants = audit.chosen(every)
    trials = [
        Trial(mutant.id, {mutant.file: mutant.text}, tuple(checks(mutant)), stop_at_first_failure=True)
        for mutant in mutants
    ]
    outcomes = audit.grade(trials, f"{part:<9}")
    survivors = [mutant for mutant in mutants if not outcomes[mutant.id].failed]
    known = explanations()
    unexplained = [mutant for mutant in survivors if mutant.key not in known]
    audit.findings[part] = {
        "total": len(mutants),
        "killed": len(mutants) - len(survivors),
        "explained": len(survivors) - len(unexplained),
        "survivors": [f"{mutant.file}: {mutant.before} -> {mutant.after}" for mutant in unexplained],
    }
    for mutant in unexplained:
        audit.problems.append(
            f"{part} mutant survives, unexplained: {mutant.file}: {mutant.before}\n      {mutant.after}"
        )
    if not (audit.only or audit.quick):
        superfluous = known.keys() & {mutant.key for mutant in mutants} - {mutant.key for mutant in survivors}
        audit.problems += [f"survivors.toml explains what does not survive: {key}" for key in sorted(superfluous)]


def _change(mutant: AutomaticMutant) -> Change:
    return Change(mutant.file, "", mutant.function)


def audit_variants(audit: Audit) -> None:
    """Correct code must pass, every check that can notice it."""
    variants = audit.chosen(audit.corpus.variants)
    outcomes = audit.grade([audit.trial_for(variant, audit.noticing(variant)) for variant in variants], "variants ")
    rejected = [variant for variant in variants if outcomes[variant.id].failed]
    audit.findings["variants"] = {
        "total": len(variants),
        "accepted": len(variants) - len(rejected),
        "rejected": [variant.id for variant in rejected],
        "batches": by_batch("variants", variants, {variant.id for variant in variants} - {v.id for v in rejected}),
    }
    for variant in rejected:
        audit.problems.append(f"variant {variant.id} is refused: {variant.note}")
        for check, message in outcomes[variant.id].messages.items():
            audit.problems.append(f"    {check}: {message}")


def audit_secrets(audit: Audit) -> None:
    """The verdict on every mutant and variant is the same under five secrets; under each, true causes are named."""
    mutants = [mutant for mutant in audit.chosen(audit.corpus.mutants) if not mutant.worthless]
    variants = audit.chosen(audit.corpus.variants)
    verdicts, failing = _under_secrets(audit, mutants, variants)
    failing |= {place for place, verdict in verdicts.items() if verdict.killed}
    of_each: dict[str, Sequence[str]] = {variant.id: SECRETS for variant in variants}
    for mutant in mutants:
        of_each[mutant.id] = [secret for secret in SECRETS if (mutant.id, secret) in verdicts]
    fails = {id: [secret for secret in secrets if (id, secret) in failing] for id, secrets in of_each.items()}
    differing = {id: secrets for id, secrets in fails.items() if 0 < len(secrets) < len(of_each[id])}
    hints: dict[str, Counter[str]] = {
        secret: Counter(verdict.hint for (_, under), verdict in verdicts.items() if under == secret and verdict.killed)
        for secret in SECRETS
    }
    audit.findings["secrets"] = {
        "total": len(mutants) + len(variants),
        "secrets": len(SECRETS),
        "caught_by_public_checks": sum(len(of_each[mutant.id]) == 1 for mutant in mutants),
        "differing": differing,
        "hints": hints,
    }
    for id, secrets in differing.items():
        audit.problems.append(f"{id} fails under some secrets only: {', '.join(secrets)}")
    for (id, secret), verdict in verdicts.items():
        if verdict.killed and verdict.hint != "right":
            tqdm.write(f"\n{id}, secret {secret!r}: {HINTS[verdict.hint]}")
    for secret, counts in hints.items():
        _compare_hints(audit, counts, f" under the secret {secret!r}")


def _under_secrets(
    audit: Audit, mutants: Sequence[Mutant], variants: Sequence[Variant]
) -> tuple[dict[tuple[str, str], Verdict], set[tuple[str, str]]]:
    """Verdicts on mutants by (id, secret), and the (id, secret) under which a variant fails.

    Public checks look at the same whatever the secret is, so they grade each mutant once. What they catch is caught
    under every secret: there only the causes are looked at, under one of the five, each in its turn. A variant is
    graded by the checks of its own task.
    """
    hidden = {check.id for check in audit.course.checks if check.hidden_inputs}
    checks = {mutant.id: _checks_for(audit, mutant) for mutant in mutants}
    public = audit.grade([audit.trial_for(mutant, checks[mutant.id] - hidden) for mutant in mutants], "public   ")
    trials = {}
    for place, mutant in enumerate(mutants):
        seen = judge_mutant(mutant, public[mutant.id], audit.course).killed
        trial = audit.trial_for(mutant, checks[mutant.id] & hidden)
        for secret in SECRETS[place % len(SECRETS) :][:1] if seen else SECRETS:
            trials[mutant.id, secret] = trial
    for variant in variants:
        trial = audit.trial_for(variant, hidden.intersection(_own_checks_of(variant, audit)))
        trials |= {(variant.id, secret): replace(trial, stop_at_first_failure=True) for secret in SECRETS}
    again = [replace(trial, id=f"{id} {secret}", secret=secret) for (id, secret), trial in trials.items()]
    outcomes = audit.grade([trial for trial in again if trial.checks], "secrets  ")
    found = {(id, secret): outcomes.get(f"{id} {secret}", TrialOutcome("", {}, {})) for id, secret in trials}
    wrong = {mutant.id: mutant for mutant in mutants}
    verdicts = {
        (id, secret): judge_mutant(wrong[id], public[id].with_checks_of(outcome), audit.course)
        for (id, secret), outcome in found.items()
        if id in wrong
    }
    failing = {(id, secret) for (id, secret), outcome in found.items() if id not in wrong and outcome.failed}
    return verdicts, failing


def _compare_hints(audit: Audit, counts: Mapping[str, int], where: str = "") -> None:
    """Record a share of right or false causes that misses its target."""
    killed = sum(counts.values())
    if share(counts["right"], killed) < RIGHT_HINTS:
        audit.problems.append(f"the right cause is named for only {counts['right']} of {killed} mutants{where}")
    if killed and counts["false"] > FALSE_HINTS * killed:
        audit.problems.append(f"a false cause is named for {counts['false']} of {killed} mutants{where}")


def audit_flakes(audit: Audit) -> None:
    """The reference and all variants, again and again, under other seeds and numbers of threads: nothing may change.

    Each grading runs the checks of the variant's own task, the reference's those of all tasks. After two rounds of all
    of them the quicker half goes on: a loop over single images takes half a minute, most variants a second.
    """
    variants = audit.chosen(audit.corpus.variants)
    submissions = [audit.trial_for(variant, _own_checks_of(variant, audit)) for variant in variants]
    every_check = checks_of([task.name for task in audit.course.tasks], audit.course)
    # The longest first, so that the others run beside it.
    submissions.insert(0, Trial("reference", {}, every_check))
    total = QUICK_FLAKES if audit.quick else audit.flakes
    trials = list(islice(_repetitions(submissions), min(total, ROUNDS_OF_ALL * len(submissions))))
    outcomes = audit.grade(trials, "flakes   ")
    if total > len(trials):
        seconds = {trial.id: outcomes[f"{trial.id} #0"].seconds for trial in submissions}
        quicker = sorted(submissions, key=lambda trial: seconds[trial.id])[: math.ceil(len(submissions) / 2)]
        more = list(islice(_repetitions(quicker, ROUNDS_OF_ALL), total - len(trials)))
        outcomes |= audit.grade(more, "flakes   ")
    differing = [outcome for outcome in outcomes.values() if outcome.failed]
    levels = audit.execution().levels
    if sum(levels) > FALSE_ALARM_BOUND:
        audit.problems.append(f"the levels of a grading's laws add up to {sum(levels):.1e}, above {FALSE_ALARM_BOUND}")
    audit.findings["flakes"] = {
        "gradings": len(outcomes),
        "differing": len(differing),
        "checks": sum(len(outcome.kinds) for outcome in outcomes.values()),
        "of_each_at_least": min(len(trials) // len(submissions), ROUNDS_OF_ALL),
        "whole_reference_gradings": sum(id.startswith("reference") for id in outcomes),
        "laws": len(levels),
        # By design, for one whole grading; and what the count alone says at 95 % confidence (rule of three).
        "false_alarm_bound": FALSE_ALARM_BOUND,
        "false_alarm_bound_from_count": round(3 / len(outcomes), 5) if outcomes and not differing else None,
    }
    for outcome in differing:
        audit.problems.append(f"flake: {outcome.id} fails {', '.join(outcome.failed)}")


def _repetitions(submissions: Sequence[Trial], first_round: int = 0) -> Iterator[Trial]:
    """Round after round of them, for ever, each with a secret and a name of its own, on one or two threads."""
    for repetition in count(first_round):
        for place, trial in enumerate(submissions):
            id = f"{trial.id} #{repetition}"
            yield replace(trial, id=id, secret=f"audit {id}", threads=1 + (repetition + place) % 2)


def _own_checks_of(change: Change, audit: Audit) -> Collection[str]:
    """The checks of the tasks of the changed definition, or of the whole file."""
    course = audit.course
    if change.function and not change.tasks:
        return checks_of([task_of(change, course).name], course)
    return checks_of([task.name for task in course.tasks if is_of(change, task)], course)


def audit_submissions(audit: Audit) -> None:
    """Whole submissions, through the real command."""
    chosen = audit.chosen(whole_submissions())
    # Each waits for a process of its own.
    with temporary_folder("audit") as folder, ThreadPoolExecutor(audit.processes) as threads:
        graded = threads.map(partial(_results_of, folder=folder), chosen)
        bar = tqdm(graded, "submissions", total=len(chosen), unit=" gradings", dynamic_ncols=True)
        documents = dict(zip((submission.id for submission in chosen), bar, strict=True))
    for id, document in documents.items():
        for row in document["tests"]:
            if row["status"] != "passed":
                audit.problems.append(f"submission {id}: {row['extra_data']['id']}: {row['output']}")
    scores = {id: document["score"] for id, document in documents.items()}
    audit.findings["submissions"] = {
        "total": len(scores),
        "full_marks": sum(score == audit.course.graded for score in scores.values()),
        "scores": scores,
    }


def _results_of(submission: WholeSubmission, folder: Path) -> dict[str, Any]:
    """The results.json of a submission, packed and graded in a folder."""
    archive, out = folder / f"{submission.id}.zip", folder / f"{submission.id}.json"
    pack(submission, archive)
    command = [sys.executable, "-m", "autograder", "grade", str(archive), "--out", str(out)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode not in (Exit.DONE, Exit.LEFT_OUT):
        raise SystemExit(f"audit: {submission.id} could not be graded:\n{run.stderr}")
    return json.loads(out.read_text())


RUN: dict[str, Callable[[Audit], None]] = {
    "automatic": audit_automatic,
    "twice": audit_twice,
    "provided": audit_provided,
    "mutants": audit_mutants,
    "variants": audit_variants,
    "secrets": audit_secrets,
    "submissions": audit_submissions,
    "flakes": audit_flakes,
}


def table(findings: Mapping[str, Any]) -> str:
    """The findings for people; parts that were not run are left out."""
    rows: list[tuple[str, int, int]] = []  # what, how many, of how many
    if "mutants" in findings:
        found, hints = findings["mutants"], findings["hints"]
        rows.append(("mutants killed", found["killed"], found["total"]))
        rows += [(f"  {kind}", numbers["killed"], numbers["total"]) for kind, numbers in found["by_kind"].items()]
        rows += _rows_of_batches(found, "caught")
        rows.append(("  points lost in their own task only", found["only_own_task"], found["total"]))
        rows.append(("  right cause named", hints["right"], found["killed"]))
        rows.append(("  false cause named", len(hints["by_hint"]["false"]), found["killed"]))
        for number, then in first_hints().items():
            rows.append((f"  batch {number}, right cause when written", then["right"], sum(then.values())))
            rows.append((f"  batch {number}, false cause when written", then["false"], sum(then.values())))
    for part, what in MADE.items():
        if part in findings:
            found = findings[part]
            rows.append((f"mutants {what} killed", found["killed"], found["total"]))
            rows.append(("  survivors explained as correct", found["explained"], found["total"] - found["killed"]))
    if "variants" in findings:
        found = findings["variants"]
        rows.append(("correct variants accepted", found["accepted"], found["total"]))
        rows += _rows_of_batches(found, "accepted")
    if "secrets" in findings:
        found = findings["secrets"]
        rows.append(
            (
                f"the same verdict under {found['secrets']} secrets",
                found["total"] - len(found["differing"]),
                found["total"],
            )
        )
        for secret, counts in found["hints"].items():
            rows.append((f"  right cause, secret {secret!r}", counts["right"], sum(counts.values())))
            rows.append((f"  false cause, secret {secret!r}", counts["false"], sum(counts.values())))
    if "submissions" in findings:
        found = findings["submissions"]
        rows.append(("whole submissions with full marks", found["full_marks"], found["total"]))
    if "flakes" in findings:
        rows.append(("gradings with another result", findings["flakes"]["differing"], findings["flakes"]["gradings"]))
    return "\n".join(f"{what:<38}{part:>5} of {whole}" for what, part, whole in rows)


def _rows_of_batches(found: Mapping[str, Any], right: str) -> Iterator[tuple[str, int, int]]:
    """What was written without sight of the checks: how many verdicts were right at once, and how many are now."""
    for number, counts in found.get("batches", {}).items():
        yield f"  batch {number}, {right} when written", counts["when_written"], counts["total"]
        yield f"  batch {number}, {right} now", counts["now"], counts["total"]


def badge(findings: Mapping[str, Any]) -> str:
    """The README's line, about the parts that were run."""
    parts = []
    if "mutants" in findings:
        parts.append(f"mutants killed {findings['mutants']['killed']}/{findings['mutants']['total']}")
    if "automatic" in findings:
        found = findings["automatic"]
        parts.append(f"made by machine {found['killed']}/{found['total'] - found['explained']}")
    if "variants" in findings:
        parts.append(f"correct accepted {findings['variants']['accepted']}/{findings['variants']['total']}")
    if "flakes" in findings:
        parts.append(f"flakes {findings['flakes']['differing']}/{findings['flakes']['gradings']}")
    return " · ".join(parts)


def main(arguments: Sequence[str]) -> int:
    """The subcommand. It fails when a target is not met."""
    options = _parser().parse_args(arguments)
    course = load_course()
    sources = {name: text.decode() for name, text in hand_in(course).items() if name.endswith(".py")}
    whole = list(PARTS) if options.batch is None else ["mutants", "variants"]
    parts = options.parts.split(",") if options.parts else whole
    if unknown := set(parts) - set(PARTS):
        print(f"audit: no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return Exit.NOTHING
    # A sample says nothing about the whole.
    sample = options.only or options.quick or options.batch is not None
    out = options.out.resolve() if options.out else None if sample else REPORT
    if out is not None:
        make_place(out)
    try:
        # In the background: the automatic mutants, which take a while to make, do not need it.
        with open_pool(options.processes) as pool, ThreadPoolExecutor(1) as background:
            execution = background.submit(executed if NEED_EXECUTION & set(parts) else Execution)
            audit = Audit(
                course,
                asked(load(), course),
                sources,
                pool,
                execution.result,
                options.processes,
                tuple(options.only),
                options.batch,
                options.quick,
                options.flakes,
            )
            for part in parts:
                began, told = time.monotonic(), len(audit.problems)
                RUN[part](audit)
                print("\n".join(audit.problems[told:]), flush=True)
                audit.findings[part] |= {"date": date.today().isoformat(), "seconds": round(time.monotonic() - began)}
                if out is not None:
                    _save(out, audit.findings, options.processes)
            if options.batch is not None and not (options.only or options.quick):
                keep(options.batch, audit.corpus, audit.findings)
    except CorpusError as error:
        print(f"audit: {error}", file=sys.stderr)
        return Exit.FAILED
    except KeyboardInterrupt:
        print("audit: interrupted; the parts that ended are in the report", file=sys.stderr)
        return Exit.INTERRUPTED
    minutes = sum(found["seconds"] for found in audit.findings.values() if "seconds" in found) / 60
    print(f"\n{table(audit.findings)}\n\n{minutes:.1f} min with {options.processes} processes")
    if out is not None:
        print(f"\nwrote {out}")
    return Exit.FAILED if audit.problems else Exit.DONE


def _save(out: Path, findings: Mapping[str, Any], processes: int) -> None:
    """Put the findings of the parts that were run into the report; the others stay as they were."""
    known = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    found = {
        **known,
        **findings,
        "processes": processes,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in RECORDED},
    }
    write_atomically(out, json.dumps(found, indent=1, ensure_ascii=False) + "\n", mode=0o644)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autograder audit",
        description="Measure the grader: wrong code must fail, correct code must pass, always.",
    )
    parser.add_argument("--parts", metavar="PART,...", help=f"what to run (default: {','.join(PARTS)})")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="changes with TEXT in their name")
    parser.add_argument("--batch", type=int, metavar="N", help="the changes of batch N; its first run is kept for good")
    parser.add_argument("--quick", action="store_true", help=f"every {QUICK_STEP}th change, {QUICK_FLAKES} repetitions")
    parser.add_argument("--flakes", type=int, default=FLAKES, metavar="N", help="repeated gradings (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="gradings at a time (%(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="default: tests/corpus/audit.json, unless only a sample is run",
    )
    return parser
