"""A TOML file that people write: what it says, and what is wrong with it, every complaint with its line."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.repository import read_toml

AT_LINE = re.compile(r" \(at line (\d+), column \d+\)")
QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')


class TomlSource:
    """A file and the complaints about it.

    Lines are found by their text, since a TOML reader gives none: comments do not count, and lines are searched from
    `first` to before `end`.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ValueError: it cannot be read or is not TOML; the message has the file, and the line where there is one.
        """
        self.path, self.problems = path, list[str]()
        try:
            self.document = read_toml(path)
        except ValueError as error:
            line = AT_LINE.search(str(error))
            what = AT_LINE.sub("", str(error)).removeprefix(f"{path}: ")
            place = f":{line.group(1)}: this is not TOML:" if line else ":"
            raise ValueError(f"{shown(path)}{place} {what}") from None
        self._lines = [without_comment(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def complain(self, text: str, line: int = 1) -> None:
        self.problems.append(f"{shown(self.path)}:{line}: {text}")

    def line_of(self, value: Any, first: int = 1, end: int | None = None) -> int:
        """Where a string stands between quotes; `first` if nowhere."""
        return self._search(re.compile(rf"""(["']){re.escape(str(value))}\1"""), first, end)

    def line_of_key(self, key: str, first: int = 1, end: int | None = None) -> int:
        """Where a key gets its value, or a table its heading; `first` if nowhere."""
        return self._search(re.compile(rf"(?<![\w-]){re.escape(key)}\s*(=|\])"), first, end)

    def lines_of_tables(self, name: str) -> list[int]:
        """The lines of the headings [[name]]."""
        return [number for number, line in enumerate(self._lines, start=1) if line.strip() == f"[[{name}]]"]

    def _search(self, pattern: re.Pattern[str], first: int, end: int | None) -> int:
        numbered = list(enumerate(self._lines, start=1))[first - 1 : None if end is None else end - 1]
        return next((number for number, line in numbered if pattern.search(line)), first)

    def tables(self, tables: Any, name: str) -> list[dict[str, Any]]:
        """The tables of a list, such as [[task]]; none, with a complaint, if it is not a list of tables."""
        if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
            return tables
        self.complain(f"write [[{name}]], not [{name}]", self.line_of_key(name.rpartition(".")[2]))
        return []

    def record(self, kind: type, table: dict[str, Any], what: str, line: int) -> Any:
        """A table as a dataclass; None, with complaints, if it does not fit."""
        fields = {one.name: one for one in dataclasses.fields(kind)}
        before = len(self.problems)
        for key in table.keys() - fields.keys():
            self.complain(f"{what}: there is no {key!r}{meant(key, fields)}", self.line_of_key(key, line))
        for name, one in fields.items():
            if name not in table and one.default is one.default_factory is dataclasses.MISSING:
                self.complain(f"{what}: {name} is missing", line)
        return None if len(self.problems) > before else kind(**table)


def shown(path: Path) -> str:
    """A path as people read it: below the working directory, if it is."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def without_comment(line: str) -> str:
    """A line of TOML without the comment at its end."""
    blanked = QUOTED.sub(lambda match: " " * len(match.group()), line)
    return line[: blanked.index("#")] if "#" in blanked else line


def meant(name: str, known: Iterable[str]) -> str:
    """ ": did you mean area?", for a name that is nearly a known one, else ""."""
    near = difflib.get_close_matches(name, [*known], n=1)
    return f": did you mean {near[0]}?" if near else ""
