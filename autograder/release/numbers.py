"""Numbers and points exist only in what a course generates: sources name a task, and the numbers are put in here.

{{task:area}}        "4.1"                     {{points:area}}    "3 points", also of a section, or of the total
{{section:discs}}    "4"                       {{link:discs}}     "#4-discs-and-circles"
{{question:why_pi}}  "W4"                      {{points:2}}       those of sections 2.1, 2.2, ... together

{{course:due}}       when it is due               {{course:late}}    what late work loses
{{course:attempts}}  how often one may submit: each a sentence, from the course's settings

{{dataset:things}}   "coins": what the course, or tests/tasks.toml, says of its data

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
    return _count(round(points, 6), "point")


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
        **{f"dataset:{key}": text for key, text in course.dataset.items()},
        **{"course:due": due(course), "course:late": late(course), "course:attempts": attempts(course)},
    }


def due(course: Course) -> str:
    """When the work is due, as a sentence: the course's own date, or that the course says so elsewhere."""
    if course.due is None:
        return "Your course says when it is due."
    day = f"{course.due:%A}, {course.due.day} {course.due:%B %Y}"
    return f"Due on {day}, at {course.due:%H:%M} ({course.timezone})."


def late(course: Course) -> str:
    """What late work loses, as sentences that follow others; "" if it loses nothing."""
    rule, said = course.late, []
    if rule.percent_a_day:
        said.append(f"late work loses {rule.percent_a_day:g} % of its points for every day, or part of one")
    if rule.days is not None:
        said.append(f"work that is more than {_count(rule.days, 'day')} late earns nothing")
    if not said:
        return ""
    grace = f" The first {_count(rule.grace_minutes, 'minute')} do not count." if rule.grace_minutes else ""
    text = "; ".join(said)
    return f" {text[0].upper()}{text[1:]}.{grace}"


def attempts(course: Course) -> str:
    """How often one may submit, as a sentence."""
    if not course.per_day:
        return "You may submit as often as you like until the deadline."
    verb = "is" if course.per_day == 1 else "are"
    return f"No more than {_count(course.per_day, 'submission')} within 24 hours {verb} graded."


def _count(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"


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
