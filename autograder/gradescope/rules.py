"""What course and settings make of a grading: who may be graded again today, and what results.json says in the end.

Pure functions of the course, the settings, Gradescope's submission_metadata.json and the grader's results. Nothing here
raises over odd metadata: Gradescope may change that file, and a grade must not depend on it more than the course asks
for.
"""

from __future__ import annotations

import copy
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder import clock
from autograder.clock import DAY
from autograder.gradescope.settings import BY_CHECK, Settings
from autograder.tasks import Course

Document = dict[str, Any]

# In extra_data: marks a submission that the limit refused, so that it does not count against the next ones.
REFUSED = "refused_by_submission_limit"


def read_metadata(path: Path) -> Document:
    """Gradescope's submission_metadata.json; {} if it is missing or not JSON."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def refusal(course: Course, metadata: Document) -> Document | None:
    """results.json for a submission over the day's limit; None for one that is to be graded.

    It keeps the score of the last graded submission: Gradescope makes the newest submission the active one, and a
    student must not lose points by asking too often.
    """
    limit = course.per_day
    now = _time(metadata.get("created_at"))
    if not limit or now is None:
        return None
    graded = [entry for entry in _previous(metadata) if _was_graded(entry[1])]
    recent = [time for time, _ in graded if now - DAY < time <= now]
    if len(recent) < limit:
        return None
    # The next one is possible once fewer than `limit` are less than a day old.
    again = sorted(recent)[len(recent) - limit] + DAY
    last = max(graded, key=lambda entry: entry[0])[1]
    text = (
        f"Not graded: {_times(len(recent))} graded within 24 hours, and the limit is {limit}. "
        f"The next submission is possible from {again:%Y-%m-%d %H:%M} ({again:%z}). "
        "Until then the score of your last graded submission stands."
    )
    results = last.get("results")
    kept = results if isinstance(results, dict) else {}
    document: Document = {
        "score": number(last.get("score")),
        "output": text,
        "output_format": "text",
        "visibility": kept.get("visibility", "visible"),
        "stdout_visibility": "hidden",
        "extra_data": {REFUSED: True},
        # Without the earlier rows, students would see a score and nothing that explains it.
        "tests": kept.get("tests") if isinstance(kept.get("tests"), list) else [],
        "leaderboard": kept.get("leaderboard") if isinstance(kept.get("leaderboard"), list) else [],
    }
    return document


def publish(document: Document, course: Course, settings: Settings, metadata: Document) -> Document:
    """The grader's results as Gradescope gets them: visibility, leaderboard and late rule applied."""
    document = copy.deepcopy(document)
    if settings.visibility.hidden_checks != BY_CHECK:
        for row in document["tests"]:
            if "hidden" in row.get("tags", ()):
                row["visibility"] = settings.visibility.hidden_checks
    if not settings.leaderboard.show:
        document["leaderboard"] = []
    late = days_late(course, metadata)
    days = math.ceil(late)
    percent = course.late.percent(late)
    if course.late.days is not None and late > course.late.days:
        text = f"Handed in more than {_days(course.late.days)} late: it earns no points."
        document["score"] = 0
    elif percent:
        penalty = document["score"] * percent / 100
        text = f"Handed in late, within {_days(days)}: {percent:g} % of the score, {penalty:.2f} points, taken off."
        document["score"] = number(document["score"] - penalty)
    else:
        return document
    document["output"] = "\n\n".join(filter(None, [text, document.get("output", "")]))
    return document


def days_late(course: Course, metadata: Document) -> float:
    """Days of the course's clock after the due date and its grace; 0 when in time, or when there is no due date."""
    handed_in, due = _time(metadata.get("created_at")), due_date(course, metadata)
    if handed_in is None or due is None:
        return 0.0
    return clock.days_late(handed_in, due, ZoneInfo(course.timezone), course.late.grace_minutes)


def due_date(course: Course, metadata: Document) -> datetime | None:
    """When this submission was due: the latest extension of its students, else Gradescope's date, else the course's."""
    users = metadata.get("users")
    own = [
        _time(user["assignment"].get("due_date"))
        for user in (users if isinstance(users, list) else ())
        if isinstance(user, dict) and isinstance(user.get("assignment"), dict)
    ]
    found = [time for time in own if time is not None]
    if found:
        return max(found)
    assignment = metadata.get("assignment")
    return (_time(assignment.get("due_date")) if isinstance(assignment, dict) else None) or course.due


def _previous(metadata: Document) -> list[tuple[datetime, Document]]:
    """Time and entry of every earlier submission that has a time."""
    entries = metadata.get("previous_submissions")
    found = []
    for entry in entries if isinstance(entries, list) else ():
        time = _time(entry.get("submission_time")) if isinstance(entry, dict) else None
        if time is not None:
            found.append((time, entry))
    return found


def _was_graded(entry: Document) -> bool:
    """Whether an earlier submission used up an attempt: not if it was refused, or if the grader had a problem."""
    results = entry.get("results")
    extra = results.get("extra_data") if isinstance(results, dict) else None
    return not isinstance(extra, dict) or not (extra.get(REFUSED) is True or "problem" in extra)


def _time(text: Any) -> datetime | None:
    """A moment as Gradescope writes it, "2026-11-20T08:00:00.000000-08:00"; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        # Python 3.10 knows no "Z".
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def number(value: Any) -> float | int:
    """A score without floating-point dust; 0 for anything else."""
    try:
        rounded = round(float(value), 6)
    except (TypeError, ValueError):
        return 0
    if not math.isfinite(rounded):
        return 0
    return int(rounded) if rounded.is_integer() else rounded


def _times(count: int) -> str:
    return "one submission was" if count == 1 else f"{count} submissions were"


def _days(count: float) -> str:
    return "1 day" if count == 1 else f"{count:g} days"
