"""A part of the main job: what it depends on, where its results lie, and when they are still good (provided)."""

import ast
import functools
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from lab.files import HERE, read_json, write_json

PART_FILE = "part.json"
# Parts work in here and move out when they are finished, so that what lies outside is always whole.
UNFINISHED = ".unfinished"

# Called as report(iteration, total, text) to show progress.
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Figure:
    """A picture: its file name in the part's folder, and a caption that says what to look for.

    Attributes:
        wide: as wide as the gallery, because a sheet of many small pictures is illegible otherwise.
    """

    file: str
    title: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A table: rows of numbers and words under column names."""

    title: str
    columns: list[str]
    rows: list[list[Any]]
    caption: str


@dataclass
class Result:
    """What a part found: numbers (a tree of dictionaries, merged into metrics.json), pictures and tables."""

    metrics: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Workplace:
    """What a part's function gets.

    Attributes:
        folder: where it writes its files.
        settings: the part's own settings, among them "seed" and "device".
        results: the folder in which the finished parts lie, each under its name.
        data: the folder of the data, None for the one beside the assignment.
        report: shows progress.
    """

    folder: Path
    settings: dict[str, Any]
    results: Path
    data: Path | None
    report: Report

    def mnist(self):
        """The images as tensors; a worker reads it once, however many parts it runs."""
        return cached_mnist(self.data)

    def finished(self, name: str) -> Path:
        """Folder of a finished part that this one needs."""
        return self.results / name

    def metrics(self, name: str) -> dict[str, Any]:
        """The numbers of a finished part that this one needs."""
        return read_json(self.finished(name) / PART_FILE)["metrics"]


@dataclass(frozen=True)
class Part:
    """A piece of the main job that is run, kept and shown by itself.

    Attributes:
        name: also the name of its folder.
        section: of the gallery.
        function: what does the work, "module:function"; it is imported in a worker, since PyTorch takes seconds.
        settings: everything besides code and data that its results depend on.
        needs: names of the parts whose files it reads.
        seconds: rough duration, to start the long ones first.
        made_from: what makes its results stale when it changes, see `origin`.
    """

    name: str
    section: str
    function: str
    settings: dict[str, Any]
    needs: tuple[str, ...]
    seconds: float
    made_from: dict[str, str]
    results: Path
    data: Path | None

    @property
    def folder(self) -> Path:
        return self.results / self.name

    def is_finished(self) -> bool:
        """Whether the results that lie there come from these settings and this code."""
        return (self.read() or {}).get("made_from") == self.made_from

    def stale_because(self) -> str:
        """What has changed since the results that lie there; "" if there are none."""
        before = (self.read() or {}).get("made_from")
        if not isinstance(before, dict):
            return ""
        return " and ".join(name for name in self.made_from if self.made_from[name] != before.get(name))

    @property
    def key(self) -> str:
        """A checksum of all that it is made from."""
        return digest(json.dumps(self.made_from))

    def read(self) -> dict[str, Any] | None:
        """What the part recorded when it was finished, with whatever settings; None if there is nothing to be read."""
        return read_json(self.folder / PART_FILE)

    def run(self, report: Report) -> None:
        """Do the work from a seed of its own; its folder appears, or is replaced, when all of it is done."""
        import torch

        folder = self.results / UNFINISHED / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        torch.manual_seed(part_seed(self.settings["seed"], self.name))
        result = resolve_name(self.function)(Workplace(folder, self.settings, self.results, self.data, report))
        record = {"part": self.name, "section": self.section, "settings": self.settings}
        record |= {"made_from": self.made_from}
        write_json(folder / PART_FILE, record | asdict(result))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.replace(folder, self.folder)


@dataclass(frozen=True)
class Outcome:
    """How a part ended.

    Attributes:
        status: "done", "todo" (a student's function is still to be written), "failed" or "skipped" (a part that it
            needs did not finish).
        message: for "todo" the task that comes next, for "failed" a traceback, for "skipped" what was missing.
    """

    status: str
    message: str = ""
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """The outcome in a few words."""
        return {
            "done": f"done in {self.seconds:.1f} s",
            "todo": self.message,
            "failed": "stopped with an error",
            "skipped": f"waits for {self.message}",
        }[self.status]


@functools.lru_cache(maxsize=1)
def cached_mnist(data: Path | None):
    """The images, kept in memory."""
    from mnist import load_mnist

    return load_mnist(data)


def part_seed(seed: int, name: str) -> int:
    """A seed for a part that depends on nothing else: not on other parts, their order, or the number of processes."""
    return zlib.crc32(f"{seed}:{name}".encode())


def origin(settings: dict[str, Any], sources: tuple[str, ...], needs: list[Part]) -> dict[str, str]:
    """What a part's results are made from, each with a checksum: its settings, files, and the parts that it needs."""
    files = {name: digest(code_of((HERE / name).read_bytes())) for name in sources}
    return {
        "a setting": digest(json.dumps(settings, sort_keys=True)),
        **files,
        **{part.name: part.key for part in needs},
    }


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def code_of(source: bytes) -> str:
    """What a Python file does, in one form: without comments and docstrings; the text itself if it is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source.decode("utf-8", "replace")
    for node in ast.walk(tree):
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
