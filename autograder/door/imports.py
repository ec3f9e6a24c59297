"""Which file's import had not come to its end, of the calls that were under way when code was stopped."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.door.library_use import syntax_tree


@dataclass(frozen=True)
class Import:
    """An import that was under way.

    Attributes:
        file: "helper.py", or "tools/helper.py".
        line: of the statement at the file's top level that was being executed; 0 if it is not known.
    """

    file: str
    line: int = 0

    @property
    def module(self) -> str:
        """What is imported: "helper", or "tools.helper"."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else self.file


def import_under_way(calls: Iterable[tuple[str, int, str]], folder: Path) -> Import | None:
    """The innermost import of a file of the submission; None if there is none.

    Args:
        calls: file, line and function of each, the innermost first; nothing is believed of what they say.
        folder: where the submission's modules lie.
    """
    top = folder.resolve()
    for name, line, function in calls:
        path = Path(name)
        inside = path.suffix == ".py" and top in path.parents and ".." not in path.parts
        if function == "<module>" and inside and path.is_file() and not path.is_symlink():
            return Import(path.relative_to(top).as_posix(), _beginning(path.read_bytes(), line))
    return None


def _beginning(source: bytes, line: int) -> int:
    """Where the statement begins that a line belongs to: which of its lines is executed may differ from run to run."""
    tree = syntax_tree(source)
    around = [node for node in tree.body if node.lineno <= line <= (node.end_lineno or 0)] if tree else []
    return around[0].lineno if around else min(line, source.count(b"\n") + 1)
