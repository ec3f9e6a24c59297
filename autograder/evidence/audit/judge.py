"""What a grading of a changed submission says about the grader. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autograder.evidence.audit.corpus import Mutant, is_of, judged_over_all
from autograder.evidence.audit.laboratory import TrialOutcome
from autograder.tasks import Course


@dataclass(frozen=True)
class Verdict:
    """About one mutant.

    Attributes:
        lost: ids of the checks worth points that its own tasks lost (those of the checks that the corpus says must
            fail; else those whose code it changes, and those that are judged over all files); none, and the mutant
            survived.
        not_failed: checks that the corpus says must fail, and did not.
        elsewhere: numbers of other tasks that lost points: blame in the wrong place.
        hinted: whether a message of its own tasks has the right words.
        messages: of the lost checks.
    """

    id: str
    note: str
    lost: tuple[str, ...]
    not_failed: tuple[str, ...]
    elsewhere: tuple[str, ...]
    hinted: bool
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
    read = " ".join(outcome.messages[id] for id in own).casefold()
    return Verdict(
        id=mutant.id,
        note=mutant.note,
        lost=own,
        not_failed=tuple(id for id in mutant.checks if id not in outcome.failed),
        elsewhere=tuple(sorted({worth[id] for id in lost} - own_tasks)),
        hinted=any(words.casefold() in read for words in mutant.hint),
        messages={id: outcome.messages[id] for id in own},
    )


def share(part: int, whole: int) -> float:
    """A share, 1 of nothing at all."""
    return part / whole if whole else 1.0
