"""Item analysis: what a class's results say about the students, the tasks, and the checks themselves."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.classroom.grading import out_of_time
from autograder.grading.results import Kind
from autograder.tasks import Check, Course

# Not mistakes: work that was not handed in, or a consequence of something else.
NOT_ATTEMPTED: tuple[Kind, ...] = ("not_implemented", "missing", "not_run", "grader")
COUNT = re.compile(r"\b(all|\d+) of \d+ values(?: is\b)?")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
CHANCE = 2.0  # standard deviations, which a correlation of nothing hardly exceeds: 1 over the root of the number each
FEW = 5  # with fewer submissions a correlation says nothing
BANDS = ("all points", "half or more", "less than half", "none", "not tried")


@dataclass(frozen=True)
class Failure:
    """Why a submission has not passed a check.

    Attributes:
        kind, cause: as in results.Row.
        text: what the student reads, without examples and prints.
    """

    kind: Kind
    cause: str
    text: str


@dataclass(frozen=True)
class Graded:
    """What is needed of one submission's results.

    Attributes:
        slug: its name in files.
        score: points.
        shares: check id -> share of its points, 1 for a check that passed.
        failures: check id -> why it has not passed.
        leader: name and value of its entry on the leaderboard, smaller is better; None without one.
        slow: whether it lost a task because it took too long.
        remarks: what is said of its code that no points depend on.
        set_aside: files of it that were not graded, by name.
    """

    slug: str
    score: float
    shares: dict[str, float]
    failures: dict[str, Failure]
    leader: tuple[str, float] | None
    slow: bool = False
    remarks: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskResult:
    """How a class did on one task.

    Attributes:
        number, title, points: as in the course.
        mean: mean share of the points.
        bands: how many got what, in the order of BANDS.
        count: how many were graded.
        strong, weak: mean shares of the third that is best in all other tasks, and of the third that is worst; None
            where there are too few.
    """

    number: str
    title: str
    points: float
    mean: float
    bands: tuple[tuple[str, int], ...]
    count: int
    strong: float | None
    weak: float | None

    @property
    def gap(self) -> float | None:
        """How much better the strong third is."""
        return None if self.strong is None or self.weak is None else self.strong - self.weak


@dataclass(frozen=True)
class Item:
    """How a class did on one check.

    Attributes:
        passed: share of the submissions that pass it.
        attempted: share of the submissions that have written something for it.
        discrimination: correlation of passing it with the score in all other checks; None where it says nothing.
        remark: what is odd about the check; "" if nothing is.
    """

    check: Check
    passed: float
    attempted: float
    discrimination: float | None
    remark: str


@dataclass
class Mistake:
    """A diagnosis that several submissions got.

    Attributes:
        text: as one of them reads it; "" where nobody's words are wanted.
        task: number of its task.
        kind, cause: as in results.Row.
        check: title of a check that says so.
        slugs: who got it.
        example: the one of them with the highest score: little else is wrong there.
    """

    text: str
    task: str
    kind: Kind
    cause: str
    check: str
    slugs: list[str] = field(default_factory=list)
    example: str = ""


def reduce(slug: str, document: dict[str, Any]) -> Graded:
    """What is needed of a results.json."""
    shares, failures = {}, {}
    for row in document["tests"]:
        about = row["extra_data"]
        id = about["id"]
        passed = row["status"] == "passed"
        shares[id] = 1.0 if passed else row["score"] / row["max_score"] if row["max_score"] else 0.0
        if not passed:
            text = about["diagnosis"] if "diagnosis" in about else row["output"]
            failures[id] = Failure(about["kind"], about["cause"], text)
    leader = next(((entry["name"], entry["value"]) for entry in document["leaderboard"]), None)
    remarks = tuple(row["extra_data"]["remark"] for row in document["tests"] if "remark" in row["extra_data"])
    aside = tuple(document.get("extra_data", {}).get("submission", {}).get("left_out", ()))
    return Graded(slug, document["score"], shares, failures, leader, out_of_time(document), remarks, aside)


def attempted(failure: Failure | None) -> bool:
    """Whether a check has passed, or failed because of work that was handed in."""
    return failure is None or failure.kind not in NOT_ATTEMPTED


def analyse(graded: Sequence[Graded], course: Course) -> list[Item]:
    """Every check that is worth points."""
    return [_item(check, graded) for check in course.checks if check.points]


def _item(check: Check, graded: Sequence[Graded]) -> Item:
    shares = [one.shares.get(check.id, 0.0) for one in graded]
    passed = [share == 1.0 for share in shares]
    # Where nothing could be graded, there is no row for the check.
    tried = [check.id in one.shares and attempted(one.failures.get(check.id)) for one in graded]
    rest = [one.score - share * check.points for one, share in zip(graded, shares, strict=True)]
    rate = _mean(passed)
    discrimination = correlation(shares, rest) if len(graded) >= FEW else None
    return Item(check, rate, _mean(tried), discrimination, _remark(passed, tried, discrimination))


def _remark(passed: Sequence[bool], tried: Sequence[bool], discrimination: float | None) -> str:
    if not any(tried):
        return "nobody tried it"
    if not any(passed):
        return "everyone who tried fails: is it right?"
    if all(passed):
        return "everyone passes"
    if discrimination is not None and discrimination < -CHANCE / math.sqrt(len(passed)):
        return "weaker students pass rather than stronger ones: is it right?"
    return ""


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's correlation; None where one of them does not vary."""
    mean_first, mean_second = _mean(first), _mean(second)
    var_first = math.fsum((x - mean_first) ** 2 for x in first)
    var_second = math.fsum((y - mean_second) ** 2 for y in second)
    if var_first < 1e-12 or var_second < 1e-12:
        return None
    covariance = math.fsum((x - mean_first) * (y - mean_second) for x, y in zip(first, second, strict=True))
    return covariance / math.sqrt(var_first * var_second)


def task_results(graded: Sequence[Graded], course: Course) -> list[TaskResult]:
    """Every task that is worth points."""
    found = []
    for task in course.tasks:
        checks = [check for check in course.checks if check.task == task.name and check.points]
        if checks:
            found.append(_task_result(task.number, task.title, checks, graded))
    return found


def _task_result(number: str, title: str, checks: Sequence[Check], graded: Sequence[Graded]) -> TaskResult:
    points = sum(check.points for check in checks)
    earned = [sum(one.shares.get(check.id, 0.0) * check.points for check in checks) for one in graded]
    shares = [value / points for value in earned]
    bands = Counter(_band(share, checks, one) for share, one in zip(shares, graded, strict=True))
    strong = weak = None
    if len(graded) >= FEW:
        order = sorted(range(len(graded)), key=lambda place: graded[place].score - earned[place])
        third = len(graded) // 3
        weak, strong = (_mean([shares[place] for place in part]) for part in (order[:third], order[-third:]))
    counts = tuple((band, bands[band]) for band in BANDS)
    return TaskResult(number, title, points, _mean(shares), counts, len(graded), strong, weak)


def _band(share: float, checks: Sequence[Check], one: Graded) -> str:
    """Which of BANDS a submission is in."""
    if share > 1 - 1e-9:
        return BANDS[0]
    if share > 0:
        return BANDS[1] if share >= 0.5 else BANDS[2]
    tried = any(check.id in one.shares and attempted(one.failures.get(check.id)) for check in checks)
    return BANDS[3] if tried else BANDS[4]


def mistakes(graded: Sequence[Graded], course: Course, words: bool = True) -> list[Mistake]:
    """Diagnoses by how many submissions got them, the commonest first; one that fails several checks counts once.

    Where a check has named the cause, that is the diagnosis; else its text is.

    Args:
        words: whether to tell texts apart, which may have words of the code under test in them; else what has no cause
            is told apart by its kind alone, and no text is shown.
    """
    checks = {check.id: check for check in course.checks}
    scores = {one.slug: one.score for one in graded}
    found: dict[tuple[str, Kind, str], Mistake] = {}
    texts: dict[tuple[str, Kind, str], Counter[str]] = defaultdict(Counter)
    for one in graded:
        seen = set()
        for id, failure in one.failures.items():
            if not failure.text or not attempted(failure) or id not in checks:
                continue
            task = checks[id].number
            key = task, failure.kind, failure.cause or (without_numbers(failure.text) if words else "")
            texts[key][failure.text] += 1
            if key not in seen:
                seen.add(key)
                mistake = Mistake("", task, failure.kind, failure.cause, checks[id].title)
                found.setdefault(key, mistake).slugs.append(one.slug)
    for key, mistake in found.items():
        mistake.text = texts[key].most_common(1)[0][0] if words else ""
        mistake.example = max(mistake.slugs, key=lambda slug: (scores[slug], slug))
    return sorted(found.values(), key=lambda mistake: (-len(mistake.slugs), mistake.task, mistake.cause, mistake.text))


def without_numbers(text: str) -> str:
    """A diagnosis without what differs from one submission to the next: counts of wrong values, and shapes."""
    return NUMBER.sub("#", COUNT.sub("some values", text))


def leaderboard(graded: Iterable[Graded]) -> list[Graded]:
    """Submissions with an entry on it, the smallest value first."""
    return sorted((one for one in graded if one.leader), key=lambda one: (one.leader and one.leader[1], one.slug))


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
