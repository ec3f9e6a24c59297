"""Turns solution/README.md, the source of the handout, into what students read.

- `{{points:4.2}}`, `{{points:4}}` and `{{points:total}}` become "3 points", summed from points.toml, so that no number
  is written twice.
- `<!-- ... -->` is for instructors; students do not get it.
- `<!-- INSTRUCTOR: ... -->` is something to decide; `make release` lists what is left of these.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from autograder.points import Points
from autograder.starter import Problem

PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
COMMENT = re.compile(r"<!--(.*?)-->[ \t]*\n?", re.DOTALL)
SECTION = re.compile(r"^#+ (\d+\.\d+)\b", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def render(source: str, path: str, points: Points) -> tuple[str, list[Problem]]:
    """The students' text and what is wrong with the source.

    Args:
        source: text of the handout's source.
        path: what to call it in messages.
    """
    problems = []

    def fill_in(match: re.Match[str]) -> str:
        value = points_of(match.group(1).strip(), points)
        if value is None:
            text = f"{match.group(0)} is no placeholder, or points.toml has no such task"
            problems.append(Problem(path, line_of(source, match.start()), text))
            return match.group(0)
        return f"{value:g} point{'' if value == 1 else 's'}"

    # Placeholders first: their lines are lines of the source. Comments may hold some, which does no harm.
    text = COMMENT.sub("", PLACEHOLDER.sub(fill_in, source))
    return text.strip("\n") + "\n", problems


def points_of(placeholder: str, points: Points) -> float | None:
    """What a placeholder such as "points:4.2" is worth; None when there is no such task."""
    keyword, _, number = placeholder.partition(":")
    if keyword != "points":
        return None
    if number == "total":
        value = sum(check.points for check in points.checks)
    elif number in {task.number for task in points.tasks}:
        value = points.of_task(number)
    elif number in {str(group.number) for group in points.groups}:
        value = points.of_group(int(number))
    else:
        return None
    return round(value, 6)


def check_sections(source: str, path: str, points: Points, stubs: Collection[str]) -> list[Problem]:
    """Tasks that the handout does not explain or whose points it does not say.

    Args:
        stubs: numbers of the tasks that have a stub, which sends students to "README section N.M".
    """
    tasks = {task.number for task in points.tasks}
    sections = set(SECTION.findall(source))
    placeholders = {match.group(1).strip() for match in PLACEHOLDER.finditer(source)}
    return [
        *(Problem(path, 1, f"no heading begins with the number of task {task}") for task in missing(tasks, sections)),
        *(
            Problem(path, 1, f"{{{{points:{task}}}}} is missing: say what task {task} is worth")
            for task in sorted(tasks)
            if f"points:{task}" not in placeholders
        ),
        *(Problem(path, 1, f"points.toml has no task {task}, but a stub names it") for task in missing(stubs, tasks)),
    ]


def check_links(source: str, path: str, shipped: Collection[str]) -> list[Problem]:
    """Relative links to files that students do not get."""
    return [
        Problem(path, line_of(source, match.start()), f"students get no {match.group(1)}, to which this links")
        for match in LINK.finditer(source)
        if "://" not in match.group(1) and match.group(1).rstrip("/") not in shipped
    ]


def decisions_left(source: str) -> list[tuple[int, str]]:
    """Line number and text of every <!-- INSTRUCTOR: ... --> comment."""
    found = ((match.start(), " ".join(match.group(1).split())) for match in COMMENT.finditer(source))
    return [
        (line_of(source, start), text.removeprefix("INSTRUCTOR:").strip())
        for start, text in found
        if text.startswith("INSTRUCTOR:")
    ]


def missing(wanted: Collection[str], there: Collection[str]) -> list[str]:
    return sorted(set(wanted) - set(there))


def line_of(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1
