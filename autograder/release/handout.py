"""Turns solution/README.md, the source of the handout, into what students read.

- `{{points:4.2}}`, `{{points:4}}` and `{{points:total}}` become "3 points", summed from points.toml, so that no number
  is written twice. `{{points:written}}` are those of the report's source.
- `<!-- ... -->` is for instructors; students do not get it.
- `<!-- INSTRUCTOR: ... -->` is something to decide; `make release` lists what is left of these.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from autograder.release.starter import Problem
from autograder.tasks import Points

PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")
COMMENT = re.compile(r"<!--(.*?)-->[ \t]*\n?", re.DOTALL)
SECTION = re.compile(r"^#+ (\d+\.\d+)\b", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def render(source: str, points: Points, written: float | None = None) -> str:
    """What students read.

    Args:
        written: points of the written part, None if there is none.
    """

    def fill_in(match: re.Match[str]) -> str:
        value = points_of(match.group(1), points, written)
        # What is no placeholder stays, for `check` to complain about.
        return match.group(0) if value is None else f"{value:g} point{'' if value == 1 else 's'}"

    # A comment that was a paragraph of its own leaves two blank lines behind.
    text = re.sub(r"\n{3,}", "\n\n", COMMENT.sub("", source))
    return PLACEHOLDER.sub(fill_in, text).strip("\n") + "\n"


def check(
    source: str,
    path: str,
    points: Points,
    stubs: Collection[str],
    shipped: Collection[str],
    written: float | None = None,
) -> list[Problem]:
    """Everything that is wrong with the source.

    Args:
        source: its text.
        path: what to call it in messages.
        stubs: numbers of the tasks that have a stub, which sends students to "README section N.M".
        shipped: every path that a relative link may lead to.
        written: points of the written part, None if there is none.
    """
    text = COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), source)  # lines keep their numbers
    tasks = {task.number for task in points.tasks}
    placeholders = {match.group(1): text.count("\n", 0, match.start()) + 1 for match in PLACEHOLDER.finditer(text)}
    problems = [
        Problem(path, line, f"{{{{{name}}}}} is no placeholder, or points.toml has no such task")
        for name, line in placeholders.items()
        if points_of(name, points, written) is None
    ]
    for task in sorted(tasks - set(SECTION.findall(text))):
        problems.append(Problem(path, 1, f"no heading begins with the number of task {task}"))
    for task in sorted(task for task in tasks if f"points:{task}" not in placeholders):
        problems.append(Problem(path, 1, f"{{{{points:{task}}}}} is missing: say what task {task} is worth"))
    for task in sorted(set(stubs) - tasks):
        problems.append(Problem(path, 1, f"courses/full.toml has no task {task}, but a stub names it"))
    for match in LINK.finditer(text):
        target, line = match.group(1).rstrip("/"), text.count("\n", 0, match.start()) + 1
        if "://" not in target and target not in shipped:
            problems.append(Problem(path, line, f"students get no {target}, to which this links"))
    return problems


def points_of(placeholder: str, points: Points, written: float | None = None) -> float | None:
    """What a placeholder such as "points:4.2" is worth; None when there is no such task."""
    keyword, _, number = placeholder.partition(":")
    if keyword != "points":
        return None
    if number == "written":
        return written
    if number == "total":
        value = sum(check.points for check in points.checks)
    elif number in {task.number for task in points.tasks}:
        value = points.of_task(number)
    elif number in {str(group.number) for group in points.groups}:
        value = points.of_group(int(number))
    else:
        return None
    return round(value, 6)


def decisions_left(source: str) -> list[tuple[int, str]]:
    """Line number and text of every <!-- INSTRUCTOR: ... --> comment."""
    found = []
    for match in COMMENT.finditer(source):
        text = " ".join(match.group(1).split())
        if text.startswith("INSTRUCTOR:"):
            found.append((source.count("\n", 0, match.start()) + 1, text.removeprefix("INSTRUCTOR:").strip()))
    return found
