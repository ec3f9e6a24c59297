"""What a result follows from, each part with a hash of its own: so that a result is taken over where nothing has
changed, weighed anew where only points have, and so that people can be told why two gradings differ.

What a check says of a submission follows from the grader, its libraries, the checks, the course, the secret and the
limits. Points, titles and visibility are put onto that afterwards (reweighing.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.classroom.grading import grader_parts
from autograder.grading.session import Session
from autograder.repository import read_toml
from autograder.tasks import SUITES, Check, Course

# Settings of a course, its sections, tasks, questions and checks that no check can see.
UNSEEN = {
    "course": ("title", "total", "timezone", "due", "late", "per_day"),
    "section": ("title",),
    "task": ("points",),
    "question": ("points",),
    "check": ("weight", "visibility"),
}

Origin = dict[str, Any]  # as `origin` makes it; JSON


@dataclass(frozen=True)
class Keys:
    """What the result of one submission follows from, as SHA-256.

    Attributes:
        result: of everything: the same key, the same result.
        judged: of everything but points, titles and visibility.
        submission: of what was handed in.
    """

    result: str
    judged: str = ""
    submission: str = ""


def origin(session: Session, course: Course) -> Origin:
    """What all results of a session follow from: plain data without secrets or places of this machine.

    "judged" has what decides on the verdicts, "weighed" what is put onto them; "rules" are for people.
    """
    unseen = ("course", "provided", "secret")
    limits = {name: value for name, value in session.to_json().items() if name not in unseen}
    return {
        "judged": {
            **grader_parts(session.tests, session.provided),
            "secret": digest(session.secret),
            "limits": limits,
            "course": digest(as_judged(read_toml(session.course), read_toml(session.tests / "tasks.toml"))),
        },
        "weighed": {
            "course": [course.name, course.title],
            "sections": {section.name: section.heading for section in course.sections},
            "tasks": {task.name: [task.label, task.section, task.points] for task in course.tasks},
            "checks": {check.id: {**asdict(check), "file": source_of(check, course)} for check in course.checks},
        },
        "rules": {
            "due": course.due.isoformat() if course.due else "",
            "late": asdict(course.late),
            "timezone": course.timezone,
        },
    }


def keys(about: Origin, content: bytes) -> Keys:
    """The keys of a submission's result.

    Args:
        content: bytes of its parcel.
    """
    submission = hashlib.sha256(content).hexdigest()
    judged = digest([about["judged"], submission])
    return Keys(digest([about["weighed"], judged]), judged, submission)


def digest(value: Any) -> str:
    """SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def source_of(check: Check, course: Course) -> str:
    """The file that a check is written in, below the root; "" if that is not known."""
    if check.by_pytest:
        return f"tests/{check.id.split('::')[0]}"
    judge = course.known[check.task].judge if check.task in course.known else ""
    return f"tests/{judge.split(':')[0].replace('.', '/')}.py" if judge else ""


def as_judged(course: Mapping[str, Any], registry: Mapping[str, Any]) -> Any:
    """A course and tests/tasks.toml without what no check can see; what is not known to be of that kind stays."""
    sections = []
    for section in _tables(course.get("section")):
        kinds = {kind: [_without(kind, item) for item in _tables(section.get(kind))] for kind in ("task", "question")}
        sections.append({**_without("section", section), **kinds})
    tasks = []
    for task in _tables(registry.get("task")):
        suites = {suite: _cases(task.get(suite, {})) for suite in SUITES}
        tasks.append({**task, **suites})
    return [{**_without("course", course), "section": sections}, {**registry, "task": tasks}]


def _cases(checks: Mapping[str, Any]) -> list[Any]:
    """Names of checks, in their order, with what is written of them besides their weights."""
    return [[name, _without("check", entry) if isinstance(entry, dict) else {}] for name, entry in checks.items()]


def _without(kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in UNSEEN[kind]}


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return value if isinstance(value, list) else []


def read_origin(folder: Path, name: str) -> Origin | None:
    """The origin of a record, from the folder graders/; None where there is none that can be read."""
    try:
        found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"judged", "weighed", "rules"} <= found.keys() else None
