"""`python -m autograder new-course NAME` (`make new-course NAME=...`): begins a course as a copy of the default one.

It writes courses/NAME.toml, with a comment on every setting and all there is to ask for, and the handout's page,
solution/handout/NAME.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from autograder.exits import Exit
from autograder.release import questions
from autograder.release.contents import read
from autograder.release.handout import INCLUDE, shared_texts
from autograder.release.numbers import values
from autograder.release.student import reporting
from autograder.repository import DEFAULT_COURSE
from autograder.tasks import Course, Question, Task, chosen
from autograder.writing import write_atomically

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
HANDOUT = Path("solution", "handout")


@reporting
def main(arguments: list[str], root: Path) -> int:
    """Write the two files, and print what to do next."""
    parser = argparse.ArgumentParser(
        prog="python -m autograder new-course", description="Begin a course as a copy of the default one."
    )
    parser.add_argument("name", help="of the course: small letters, digits, hyphens and underscores")
    name = parser.parse_args(arguments).name
    refused = refusal(name, root)
    if refused:
        print(f"new-course: {refused}", file=sys.stderr)
        return Exit.NOTHING
    course = chosen("", root)
    page, settings = page_of(name, course), settings_of(name, course)
    write_atomically(root / HANDOUT / f"{name}.md", page, mode=0o644)
    write_atomically(root / "courses" / f"{name}.toml", settings, mode=0o644)
    print(render("next.txt.j2", name=name, default=DEFAULT_COURSE), end="")
    return Exit.DONE


def refusal(name: str, root: Path) -> str:
    """Why no course can have this name, a sentence; "" if one can."""
    if not NAME.fullmatch(name):
        return f"{name!r} is no name of a course: take small letters, digits, - and _, such as spring-2027"
    for path in (Path("courses", f"{name}.toml"), HANDOUT / f"{name}.md"):
        if (root / path).exists():
            return f"{path.as_posix()} is there already: take another name"
    return ""


def settings_of(name: str, course: Course) -> str:
    """The text of courses/NAME.toml: what `course` says, and what else there is to ask for.

    Raises:
        SourceError, CourseError: a question or the table of tasks is not as it should be.
    """
    files, known = questions.read(course.root / questions.FOLDER), values(course)
    asked = {name: questions.filled(file, known, []) for name, file in files.items()}
    tasks, kinds = course.known, dict[str, int]()
    sections = []
    for position, section in enumerate(course.sections, start=1):
        listed: dict[str, list[dict[str, Any]]] = {"tasks": [], "questions": []}
        chosen_tasks, chosen_questions = course.asked_in(section)
        for place, task in enumerate(chosen_tasks, start=1):
            listed["tasks"].append(_entry(task, task.number, f"{section.number}.{place}", task.title))
        for question in chosen_questions:
            kinds[question.kind] = kinds.get(question.kind, 0) + 1
            usual = f"{question.kind}{kinds[question.kind]}"
            listed["questions"].append(_entry(question, question.label, usual, asked[question.name].title))
        number = "" if section.number == str(position) else section.number
        sections.append({"name": section.name, "title": section.title, "number": number, **listed})
    others = {
        "tasks": [_further(one.name, one.title) for one in tasks.values() if one.name not in course.names],
        "questions": [_further(one.name, one.title) for one in asked.values() if one.name not in course.names],
    }
    due = course.due.astimezone(ZoneInfo(course.timezone)).replace(tzinfo=None).isoformat() if course.due else ""
    late = {key: value for key, value in dataclasses.asdict(course.late).items() if value is not None}
    return render("course.toml.j2", name=name, course=course, sections=sections, others=others, due=due, late=late)


def _entry(item: Task | Question, number: str, usual: str, title: str) -> dict[str, Any]:
    """A line of a section; a number only where it is not what the place gives."""
    return {"name": item.name, "number": "" if number == usual else number, "points": item.points, "title": title}


def _further(name: str, title: str) -> dict[str, Any]:
    return {"name": name, "number": "", "points": 1, "title": title}


def page_of(name: str, course: Course) -> str:
    """The text of solution/handout/NAME.md: the default course's page, with what it does not include named on top.

    Raises:
        ReleaseError: there is no page of the default course.
    """
    folder = course.root / HANDOUT
    page = read(folder / f"{DEFAULT_COURSE}.md")
    unused = sorted(shared_texts(course, folder).keys() - set(INCLUDE.findall(page)))
    return render("page.md.j2", name=name, original=f"{DEFAULT_COURSE}.md", unused=unused, page=page.strip("\n"))


def render(template: str, **values: Any) -> str:
    """One of the templates beside this file."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"toml": toml, "points": lambda points: f"{points:.12g}"}
    return environment.get_template(template).render(values)


def toml(value: Any) -> str:
    """A value as TOML writes it: text, numbers, dates, lists, tables in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key, ensure_ascii=False)
