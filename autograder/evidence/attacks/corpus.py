"""The attacks as data: read from the docstrings of code/, files/ and models/."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("code", "files", "models")
GOALS = ("forge", "leak", "deny")
FIELD = re.compile(r"^([A-Z][a-z]+): (.*(?:\n {4}.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    Attributes:
        name: of its file.
        kind: one of KINDS, the folder that it is in.
        title: what it tries, one line.
        goal: one of GOALS.
        means, expected: by what, and what should come of it.
        ends: how the worker may end, of judge.ENDS.
        scratch: whether it needs the checks that hand out a scratch folder and a callback, and that look at figures.
        row: kind that the row of the trained model must have ("" for any).
        text: the whole file.
    """

    name: str
    kind: str
    title: str
    goal: str
    means: str
    expected: str
    ends: tuple[str, ...]
    scratch: bool
    row: str
    text: str

    @property
    def build(self) -> Callable[..., Path | None]:
        """Its `build`, for an attack of a kind other than "code".

        files: build(submission) makes a folder hostile; it returns a zip to hand in instead, or None.
        models: build(file, example) writes a hostile model to `file`; `example` is one that the grader accepts.
        """
        spec = importlib.util.spec_from_file_location(self.name, HERE / self.kind / f"{self.name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.build


@cache
def load() -> tuple[Attack, ...]:
    """Every attack, in the order of the goals and then of the names.

    Raises:
        ValueError: a docstring lacks a field or has an unknown one.
    """
    found = [_read(path) for kind in KINDS for path in (HERE / kind).glob("*.py")]
    return tuple(sorted(found, key=lambda attack: (GOALS.index(attack.goal), attack.name)))


def support() -> dict[str, str]:
    """Name to content of the modules that travel with every attack."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((HERE / "support").glob("*.py"))}


def _read(path: Path) -> Attack:
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    fields = {name.lower(): " ".join(value.split()) for name, value in FIELD.findall(docstring)}
    unknown = set(fields) - {"goal", "means", "expected", "ends", "scratch", "row"}
    if unknown or not {"goal", "means", "expected"} <= set(fields) or fields["goal"] not in GOALS:
        raise ValueError(f"{path}: a docstring needs the fields Goal, Means and Expected; unknown are {unknown}")
    return Attack(
        name=path.stem,
        kind=path.parent.name,
        title=docstring.splitlines()[0],
        goal=fields["goal"],
        means=fields["means"],
        expected=fields["expected"],
        ends=tuple(fields.get("ends", "answers").split(", ")),
        scratch=fields.get("scratch") == "yes",
        row=fields.get("row", ""),
        text=text,
    )
