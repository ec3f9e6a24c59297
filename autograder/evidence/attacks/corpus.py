"""The attacks as data: read from the docstrings of code/ and files/."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOALS = ("forge", "leak", "deny")
# Where all attacks are tried before a release; the outcomes are kept in outcomes/, for the table of README.md.
SETTINGS = ("root", "user", "docker")
FIELD = re.compile(r"^([A-Z][a-z]+): (.*(?:\n {4}.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """One hostile submission.

    Attributes:
        name: of its file.
        kind: "code" or "files", the folder that it is in.
        title: what it tries, one line.
        goal: one of GOALS.
        means, expected: by what, and what should come of it.
        ends: how the worker may end: "answers", "timeout", "crash", "protocol", "flood".
        scratch: whether it needs the checks that hand out a scratch folder.
        row: what the row of the trained weights must say ("" for anything).
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

    def builder(self) -> Callable[[Path], Path | None]:
        """`build` of an attack by files: makes a folder hostile; returns a zip to hand in instead, or None."""
        spec = importlib.util.spec_from_file_location(self.name, HERE / "files" / f"{self.name}.py")
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
    found = [_read(path) for kind in ("code", "files") for path in (HERE / kind).glob("*.py")]
    return tuple(sorted(found, key=lambda attack: (GOALS.index(attack.goal), attack.name)))


def outcomes() -> dict[str, dict[str, str]]:
    """Setting -> attack -> outcome in words, as last saved."""
    files = {setting: HERE / "outcomes" / f"{setting}.json" for setting in SETTINGS}
    return {setting: json.loads(path.read_text(encoding="utf-8")) for setting, path in files.items() if path.exists()}


def save_outcomes(setting: str, found: dict[str, str]) -> None:
    """Keep the outcomes for the table, those of earlier runs for attacks that were not tried now included."""
    merged = {**outcomes().get(setting, {}), **found}
    path = HERE / "outcomes" / f"{setting}.json"
    path.parent.mkdir(exist_ok=True)
    kept = {attack.name: merged[attack.name] for attack in load() if attack.name in merged}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


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
