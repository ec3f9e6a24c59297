"""Numbers and points exist only in what a course generates: sources name a task, and the numbers are put in here.

{{task:area}}        "4.1"                     {{points:area}}    "3 points", also of a section, or of the total
{{section:discs}}    "4"                       {{link:discs}}     "#4-discs-and-circles"
{{question:why_pi}}  "W4"                      {{points:2}}       those of sections 2.1, 2.2, ... together

Points are a task's, a question's, a section's, those of all questions of a kind ("W"), or "total", "code", "written".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from autograder.release.starter import Problem
from autograder.tasks import Course

PLACEHOLDER = re.compile(r"\{\{(\w+):([\w.]+)\}\}")


def anchor(heading: str) -> str:
    """What Markdown renderers make of a heading: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def worth(points: float) -> str:
    """ "3 points", "1 point"."""
    return f"{round(points, 6):g} point{'' if points == 1 else 's'}"


def values(course: Course) -> dict[str, str]:
    """The text for each placeholder: "task:area" to "4.1", and so on."""
    points = {"total": course.total, "code": course.total - course.written, "written": course.written}
    for question in course.questions:
        points[question.kind] = points.get(question.kind, 0.0) + question.points
    points |= {section.name: course.of_section(section.name) for section in course.sections}
    points |= {item.name: item.points for item in course.items}
    for section in course.sections:
        parts = section.number.split(".")
        for length in range(1, len(parts)):
            group = ".".join(parts[:length])
            points[group] = points.get(group, 0.0) + course.of_section(section.name)
    headings = {section.name: section.heading for section in course.sections}
    return {
        **{f"task:{task.name}": task.number for task in course.tasks},
        **{f"question:{question.name}": question.label for question in course.questions},
        **{f"section:{section.name}": section.number for section in course.sections},
        **{f"link:{name}": "#" + anchor(heading) for name, heading in headings.items()},
        **{f"points:{name}": worth(number) for name, number in points.items()},
    }


def put_in(text: str, path: str, known: Mapping[str, str], problems: list[Problem]) -> str:
    """The text with every placeholder replaced.

    Args:
        path: what to call the text in messages.
        known: see `values`.
        problems: a placeholder that names nothing of this course is added here.
    """

    def value(match: re.Match[str]) -> str:
        found = known.get(f"{match.group(1)}:{match.group(2)}")
        if found is None:
            line = text.count("\n", 0, match.start()) + 1
            problems.append(Problem(path, line, f"{match.group(0)}: the course has no such task or section"))
        return match.group(0) if found is None else found

    return PLACEHOLDER.sub(value, text)
