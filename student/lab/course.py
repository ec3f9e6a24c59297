"""What this course asks for, as lab/tasks.json says (provided)."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.files import HERE, TASKS, read_json


def unwritten(error: BaseException) -> bool:
    """Whether an exception is that of a stub, which names its task; a library may raise NotImplementedError, too."""
    return isinstance(error, NotImplementedError) and str(error).startswith("Task ")


@dataclass(frozen=True)
class Course:
    """What tasks.json holds, as the programs here need it.

    Attributes:
        title: of the course.
        sections: heading of every section by its name, in their order, such as "4. Variational autoencoder".
        asked: the section's name for every task and question of the course.
        task_numbers: of all tasks, in their order.
        options: the course's own choices.
        dataset: its name and folder, and what the texts call what it shows.
        files: names of the files to hand in, in the order of the tasks.
        provided: names of the files in the same folder that are not handed in.
    """

    title: str
    sections: dict[str, str]
    asked: dict[str, str]
    task_numbers: tuple[str, ...]
    options: dict[str, Any]
    dataset: dict[str, str]
    files: tuple[str, ...]
    provided: tuple[str, ...]

    def heading(self, section: str, names: Iterable[str]) -> str | None:
        """The heading under which to show what is for some tasks and questions; None if the course asks none of them.

        Args:
            section: whose heading it is, if the course has that section; else it is that of the first name asked.
        """
        asked = [self.asked[name] for name in names if name in self.asked]
        return self.sections[section if section in self.sections else asked[0]] if asked else None


def read_course(path: Path) -> Course:
    """Read tasks.json.

    Raises:
        ValueError: it is missing or damaged; says what to do.
    """
    document = read_json(path)
    try:
        by_title = {section["title"]: section["name"] for section in document["sections"]}
        entries = [*document["tasks"], *document["questions"]]
        return Course(
            document["course"]["title"],
            {section["name"]: section["heading"] for section in document["sections"]},
            {entry["name"]: by_title[entry["section"]] for entry in entries},
            tuple(task["number"] for task in document["tasks"]),
            document["course"].get("options", {}),
            document["course"].get("dataset", {}),
            tuple(dict.fromkeys(task["file"] for task in document["tasks"] if task["file"])),
            tuple(document["provided"]),
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is missing or damaged: take it from the assignment again") from None


@functools.cache
def course() -> Course:
    """The course that this folder belongs to, read once."""
    return read_course(HERE / TASKS)
