"""selfgrade.csv: the table in which students grade themselves, given to them with the model answers."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.release import numbers, questions
from autograder.release.starter import Problem, SourceError
from autograder.tables import csv_text
from autograder.tasks import Course

FILE = "selfgrade.csv"
# Students fill in the last two.
COLUMNS = ("question", "title", "points", "own points", "why")


@dataclass(frozen=True)
class Asked:
    """A task or a question of a course.

    Attributes:
        label: its number, such as "4.1" or "W2".
        title: what people call it.
        points: what it is worth.
    """

    label: str
    title: str
    points: float


def items(course: Course) -> list[Asked]:
    """What students of a course give themselves points for, as the handout has it: in each section, tasks first.

    Raises:
        SourceError: a question is not in order.
    """
    files = questions.read(course.root / questions.FOLDER) if course.questions else {}
    problems: list[Problem] = questions.course_problems(course, files)
    known = numbers.values(course)
    found = []
    for section in course.sections:
        tasks, asked = course.asked_in(section)
        found += [Asked(task.number, task.title, task.points) for task in tasks]
        for question in asked:
            if question.name in files:
                file = questions.filled(files[question.name], known, problems)
                found.append(Asked(question.label, file.title, question.points))
    if problems:
        raise SourceError(problems)
    return found


def table(course: Course) -> bytes:
    """The empty table, in UTF-8 with the mark by which spreadsheets know it.

    Raises:
        SourceError: a question is not in order.
    """
    rows = [[item.label, item.title, f"{round(item.points, 6):g}", "", ""] for item in items(course)]
    return csv_text([COLUMNS, *rows]).encode("utf-8-sig")
