"""Puts the handout together: a page for the course, a section for each task, numbers and points from the course.

    solution/handout/COURSE.md          the page; {{sections}} stands where the tasks and questions go
    solution/handout/common/NAME.md     what several pages share; {{include:NAME}} stands where it goes
    solution/handout/DATASET/NAME.md    the same of one dataset, such as two-coins; nothing stands there with another
    solution/handout/sections/NAME.md   what a section begins with, if there is something to say
    solution/handout/NAME.md            a task: a heading, which gets the task's number, and its text

- `<!-- ... -->` is for instructors; students do not get it.
- `<!-- INSTRUCTOR: ... -->` is something to decide; `make release` lists what is left of these.
- Placeholders: see numbers.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from autograder.release.numbers import anchor, put_in
from autograder.release.questions import QuestionFile, filled, handout_item
from autograder.release.starter import Problem
from autograder.tasks import Course, Task

SECTIONS, FILES = "{{sections}}", "{{files}}"
COMMON = "common"
INCLUDE = re.compile(r"\{\{include:(\w+)\}\}")
COMMENT = re.compile(r"<!--(.*?)-->[ \t]*\n?", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def sources(course: Course, folder: Path) -> list[str]:
    """Paths below solution/handout/ of what a handout is made of: the page, sections and tasks, then shared texts."""
    found = [f"{course.name}.md"]
    for section in course.sections:
        opening = f"sections/{section.name}.md"
        found += [opening] if (folder / opening).is_file() else []
        found += [f"{task.name}.md" for task in course.asked_in(section)[0]]
    shared = shared_texts(course, folder)
    for path in [folder / name for name in found]:
        if path.is_file():
            names = INCLUDE.findall(path.read_text(encoding="utf-8"))
            found += filter(None, (shared.get(name, f"{COMMON}/{name}.md") for name in names))
    return list(dict.fromkeys(found))


def shared_texts(course: Course, folder: Path) -> dict[str, str]:
    """Each text that pages can include: name to path below solution/handout, "" if it is said of another dataset."""
    usual, own = (anchor(data.get("name", "")) or COMMON for data in (course.assignment.dataset, course.dataset))
    found = {path.stem: "" for path in (folder / usual).glob("*.md")}
    for place in (COMMON, own):
        found |= {path.stem: f"{place}/{path.name}" for path in (folder / place).glob("*.md")}
    return found


def assemble(
    course: Course,
    folder: Path,
    questions: Mapping[str, QuestionFile],
    known: Mapping[str, str],
    problems: list[Problem],
) -> str:
    """What students read.

    Args:
        folder: solution/handout.
        questions: those of the course, by name.
        known: see `numbers.values`.
        problems: what is wrong is added here, with file and line.
    """
    texts: dict[str, str] = {}
    included = {f"include:{name}": "" for name, path in shared_texts(course, folder).items() if not path}
    for name in reversed(sources(course, folder)):  # what is included comes first
        is_shared = Path(name).parent.name not in ("", "sections")
        if is_shared:
            included[f"include:{Path(name).stem}"] = ""
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            problems.append(Problem(f"solution/handout/{name}", 1, "this file is missing: the handout needs it"))
            continue
        # Comments go, their lines stay until the placeholders are in, so that complaints have the right line.
        blank = COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), text)
        blank = blank.replace(FILES, _files(course))
        texts[name] = put_in(blank, f"solution/handout/{name}", {**known, **included}, problems)
        if is_shared:
            included[f"include:{Path(name).stem}"] = texts[name].strip("\n")
    page = texts.get(f"{course.name}.md", "")
    if page.count(SECTIONS) != 1:
        problems.append(Problem(f"solution/handout/{course.name}.md", 1, f"{SECTIONS} must stand here, once"))
    parts = []
    seen: set[str] = set()  # pictures
    for section in course.sections:
        opening = texts.get(f"sections/{section.name}.md", "")
        parts.append(f"## {section.heading}\n\n{opening}")
        tasks, asked = course.asked_in(section)
        for task in tasks:
            parts.append(_task(task, texts.get(f"{task.name}.md", ""), known, problems))
        items = [
            handout_item(filled(questions[question.name], known, problems), question.label, question.points, seen)
            for question in asked
            if question.name in questions
        ]
        parts.append("".join(items))
    text = page.replace(SECTIONS, "\n\n".join(part.strip("\n") for part in parts))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def _files(course: Course) -> str:
    """The files to hand in, in the order of the tasks: "`a.py`, `b.py`"."""
    return ", ".join(f"`{name}`" for name in dict.fromkeys(task.file for task in course.tasks if task.file))


def _task(task: Task, text: str, known: Mapping[str, str], problems: list[Problem]) -> str:
    """A task's section with its number in the heading, and at its end what its code must not use."""
    heading, _, body = text.partition("\n")
    path = f"solution/handout/{task.name}.md"
    if text and not heading.startswith("# "):
        problems.append(Problem(path, 1, 'the first line is the heading: "# `area`"'))
    if text and known[f"points:{task.name}"] not in body:
        problems.append(Problem(path, 1, f"{{{{points:{task.name}}}}} is missing: say what the task is worth"))
    libraries = " or ".join(f"`{name}`" for name in task.forbids)
    rule = f"\nYour code for this task must not use {libraries}.\n" if libraries else ""
    return f"### {task.number} {heading.removeprefix('# ')}\n{body.rstrip()}\n{rule}"


def check_links(text: str, path: str, shipped: Collection[str]) -> list[Problem]:
    """Relative links of the finished handout that lead to nothing that students get."""
    problems = []
    for match in LINK.finditer(text):
        target, line = match.group(1).rstrip("/"), text.count("\n", 0, match.start()) + 1
        if "://" not in target and target not in shipped:
            problems.append(Problem(path, line, f"students get no {target}, to which this links"))
    return problems


def decisions_left(course: Course, folder: Path) -> list[tuple[str, int, str]]:
    """File, line number and text of every <!-- INSTRUCTOR: ... --> comment."""
    found = []
    for name in sources(course, folder):
        source = (folder / name).read_text(encoding="utf-8")
        for match in COMMENT.finditer(source):
            text = " ".join(match.group(1).split())
            if text.startswith("INSTRUCTOR:"):
                line = source.count("\n", 0, match.start()) + 1
                found.append((f"solution/handout/{name}", line, text.removeprefix("INSTRUCTOR:").strip()))
    return found
