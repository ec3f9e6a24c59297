"""What a grading of a changed submission says about the grader. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.evidence.audit.corpus import Mutant, is_of, judged_over_all
from autograder.evidence.audit.laboratory import TrialOutcome
from autograder.tasks import Course

Hint = Literal["right", "none", "false"]


@dataclass(frozen=True)
class Verdict:
    """About one mutant.

    Attributes:
        lost: ids of the checks worth points that its own tasks lost (those of the checks that the corpus says must
            fail; else those whose code it changes, and those that are judged over all files); none, and the mutant
            survived.
        not_failed: checks that the corpus says must fail, and did not.
        elsewhere: numbers of other tasks that lost points: blame in the wrong place.
        hint: "right" if what its own tasks' checks say has one of the right words; "false" if one of them names a cause
            that has not; else "none". With both a right and a false one it is false: a student would follow either.
        messages: of the lost checks.
    """

    id: str
    note: str
    lost: tuple[str, ...]
    not_failed: tuple[str, ...]
    elsewhere: tuple[str, ...]
    hint: Hint
    messages: Mapping[str, str]

    @property
    def killed(self) -> bool:
        return bool(self.lost)


def judge_mutant(mutant: Mutant, outcome: TrialOutcome, course: Course) -> Verdict:
    """Compare what happened to a mutant with what should have."""
    worth = {check.id: check.task for check in course.checks if check.points > 0 or mutant.worthless}
    changed = {task.name for task in course.tasks if is_of(mutant, task)} | set(judged_over_all(course))
    own_tasks = {worth[id] for id in mutant.checks if id in worth} if mutant.checks else changed
    lost = [id for id in outcome.failed if id in worth]
    own = tuple(id for id in lost if worth[id] in own_tasks)
    read = " ".join(outcome.messages[id] for id in own)
    causes = [outcome.causes[id] for id in own if id in outcome.causes]
    return Verdict(
        id=mutant.id,
        note=mutant.note,
        lost=own,
        not_failed=tuple(id for id in mutant.checks if id not in outcome.failed),
        elsewhere=tuple(sorted({worth[id] for id in lost} - own_tasks)),
        hint=judge_hint(mutant.hint, read, causes),
        messages={id: outcome.messages[id] for id in own},
    )


def judge_hint(words: Sequence[str], read: str, causes: Sequence[str]) -> Hint:
    """What a student is told of a mistake: see Verdict.

    Args:
        words: one of them is in a text that tells the true cause.
        read: all that the checks say.
        causes: those that they name.
    """

    def true(text: str) -> bool:
        return any(word.casefold() in text.casefold() for word in words)

    if not all(map(true, causes)):
        return "false"
    return "right" if true(read) else "none"


def share(part: int, whole: int) -> float:
    """A share, 1 of nothing at all."""
    return part / whole if whole else 1.0
