"""Results with a course's new points, where nothing has changed that a check can see: no code runs again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autograder.grading.results import NOTHING, rounded
from autograder.tasks import Check, Course


def reweighed(document: Mapping[str, Any], course: Course) -> dict[str, Any] | None:
    """The document as a grading for `course` would give it; None if that needs a grading.

    It does where a row is missing, and where a judge has given part of a file's points, which have changed: what share
    that was is known only roughly. The release that it was graded for stays as it is.
    """
    rows = {row["extra_data"]["id"]: row for row in document["tests"]}
    if rows.keys() == {NOTHING}:
        return {**document, "tests": [{**rows[NOTHING], "max_score": rounded(course.graded)}]}
    if rows.keys() != {check.id for check in course.checks}:
        return None
    scores = {check.id: _score(rows[check.id], check) for check in course.checks}
    earned = [score for score in scores.values() if score is not None]
    if len(earned) < len(scores):
        return None
    tests = [{**rows[check.id], **_about(check), "score": rounded(scores[check.id] or 0.0)} for check in course.checks]
    return {**document, "score": rounded(math.fsum(earned)), "tests": tests}


def _score(row: Mapping[str, Any], check: Check) -> float | None:
    """What a row earns with the check's points of today; None if that cannot be told."""
    if row["extra_data"]["kind"] == "passed":
        return check.points
    if check.by_pytest or (row["max_score"] and not row["score"]):  # a test passes as a whole or not at all
        return 0.0
    return float(row["score"]) if row["max_score"] == rounded(check.points) else None


def _about(check: Check) -> dict[str, Any]:
    return {
        "max_score": rounded(check.points),
        "name": check.title,
        "number": check.number,
        "visibility": check.visibility,
    }
