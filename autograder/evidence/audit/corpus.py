"""The audit's submissions: the reference solution with one thing changed, wrong (a mutant) or as good (a variant).

They are data: `mutants/NAME.toml` and `variants/NAME.toml` hold the changes of NAME.py, one table each:

    [[mutant]]
    name = "square_lost"                    once per function
    function = "area"                       or "Class", or "Class.method"
    kind = "value"                          one of KINDS
    wrong = "the square is lost"            what is wrong with it, for people
    checks = ["public/test_disc.py::test_..."]   these must fail, whatever else does
    hint = ["square"]                       a student who lost points must read one of these words
    find = "radius**2"                      text that occurs once in the function ...
    put = "radius"                          ... and what stands there instead

    [[variant]]
    name, function                          as above
    differs = "radius * radius"             in what

Instead of `find` and `put`, `source` may give the whole new definition. `imports` are lines that the new code needs;
they are put at the top of the file. A change without `function` has the whole file as its `source`.

An entry with `batch = N` was written without sight of the checks; any check of its task will do. What became of it at
first is in `first/N.json`. If it was changed since, `amended` says why; if it is gone, `first/withdrawn.toml` does.
`tasks` names the tasks whose checks judge a function that students get ready-made; with `worthless = true` nothing that
is graded leans on it, so that a row without points is all that it can lose.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.exits import Exit
from autograder.repository import CORPUS, read_toml
from autograder.tasks import Course, CourseError, Task, TaskRecord, the_course

# value: a wrong number comes out. unstable: only for some inputs. protocol: the right number in a way that is not
# allowed (no gradient, a global seed, inputs written to, ...). training, plotting: in such code.
KINDS = ("value", "unstable", "protocol", "training", "plotting")


class CorpusError(ValueError):
    """A change of the corpus cannot be used; the message says which, and why."""


@dataclass(frozen=True)
class Change:
    """One file of the reference solution, changed in one place.

    Attributes:
        file: "disc.py".
        name: unique among the changes of a function.
        function: the changed definition, "" for the whole file.
        note: what is wrong (a mutant), or in what it differs (a variant).
        find, put: text that occurs once in the definition, and its replacement; or else
        source: the whole new definition or file.
        imports: lines for the top of the file.
        batch: in which batch it was written, 0 for those that were written beside the checks.
        tasks: names of the tasks that lean on provided code, if that is what is changed.
        amended: why it was changed after its first verdict.
    """

    file: str
    name: str
    function: str = ""
    note: str = ""
    find: str = ""
    put: str = ""
    source: str = ""
    imports: str = ""
    batch: int = 0
    tasks: tuple[str, ...] = ()
    amended: str = ""

    @property
    def id(self) -> str:
        """Unique in the corpus: "disc.area.square_lost"."""
        return ".".join(filter(None, (Path(self.file).stem, self.function, self.name)))

    @property
    def digest(self) -> str:
        """Stands for the changed code."""
        parts = [self.file, self.function, self.find, self.put, self.source, self.imports]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def apply(self, original: str) -> str:
        """The changed file.

        Raises:
            CorpusError: the change does not fit the file, changes nothing, or does not parse.
        """
        begin, end = self.lines_of_definition(original)
        lines = original.splitlines(keepends=True)
        lines[begin:end] = [self._changed("".join(lines[begin:end]))]
        changed = "".join(lines)
        if changed == original:
            raise CorpusError(f"{self.id}: nothing is changed")
        if self.imports:
            changed = _after_docstring(changed, self.imports.strip("\n") + "\n")
        try:
            ast.parse(changed)
        except SyntaxError as error:
            raise CorpusError(f"{self.id}: the changed file does not parse: {error}") from None
        return changed

    def _changed(self, definition: str) -> str:
        if self.source:
            indent = definition[: len(definition) - len(definition.lstrip(" "))]
            lines = self.source.strip("\n").splitlines()
            return "".join(f"{indent}{line}\n" if line else "\n" for line in lines)
        occurrences = definition.count(self.find)
        if occurrences != 1:
            raise CorpusError(f"{self.id}: `find` occurs {occurrences} times in {self.function}, not once")
        return definition.replace(self.find, self.put)

    def lines_of_definition(self, original: str) -> tuple[int, int]:
        """First line of the definition, decorators included, counted from 0, and the one after its last."""
        if not self.function:
            return 0, len(original.splitlines())
        body: Iterable[ast.stmt] = ast.parse(original).body
        node = None
        for part in self.function.split("."):
            node = next((node for node in body if getattr(node, "name", None) == part), None)
            if node is None:
                raise CorpusError(f"{self.id}: {self.file} has no {self.function}")
            body = node.body  # type: ignore[attr-defined]
        decorators = [decorator.lineno for decorator in node.decorator_list]  # type: ignore[union-attr]
        return min([node.lineno, *decorators]) - 1, node.end_lineno  # type: ignore[union-attr, return-value]


@dataclass(frozen=True)
class Mutant(Change):
    """A change that makes the solution wrong.

    Attributes:
        kind: one of KINDS.
        checks: ids of checks that must fail; none of a batch, where any of its task will do.
        hint: words of which the right message has at least one, in any case.
        worthless: only rows without points can notice it.
    """

    kind: str = "value"
    checks: tuple[str, ...] = ()
    hint: tuple[str, ...] = ()
    worthless: bool = False


@dataclass(frozen=True)
class Variant(Change):
    """A change that leaves the solution correct."""


@dataclass(frozen=True)
class Corpus:
    """All changes."""

    mutants: tuple[Mutant, ...] = field(default=())
    variants: tuple[Variant, ...] = field(default=())


def load(folder: Path = CORPUS) -> Corpus:
    """Read mutants/*.toml and variants/*.toml.

    Raises:
        CorpusError: a file cannot be read, a table is incomplete, or a name appears twice.
    """
    mutants = [_mutant(file, table) for file, table in _tables(folder / "mutants", "mutant")]
    variants = [_variant(file, table) for file, table in _tables(folder / "variants", "variant")]
    for changes in (mutants, variants):
        twice = [id for id, count in Counter(change.id for change in changes).items() if count > 1]
        if twice:
            raise CorpusError(f"names that appear more than once: {', '.join(twice)}")
    return Corpus(tuple(mutants), tuple(variants))


def is_of(change: Change, task: Task | TaskRecord) -> bool:
    """Whether a change is of a task's code, of its whole file, or of provided code that the task leans on."""
    if change.tasks:
        return task.name in change.tasks
    # A task may name a function, a class, or a method of a class that is provided.
    known_as = {change.function, *change.function.split(".")}
    return task.file == change.file and (not change.function or not known_as.isdisjoint(task.functions))


def asked(corpus: Corpus, course: Course) -> Corpus:
    """The changes of what a course asks for."""

    def kept(change: Change) -> bool:
        return any(is_of(change, task) for task in course.tasks)

    return Corpus(tuple(filter(kept, corpus.mutants)), tuple(filter(kept, corpus.variants)))


def lacking(corpus: Corpus, tasks: Iterable[Task | TaskRecord]) -> list[str]:
    """Where a task with code has no mutant or no variant: "tests/corpus/mutants/disc.toml has none of area"."""
    return [
        f"tests/corpus/{kind}/{Path(task.file).stem}.toml has none of {task.name}"
        for task in tasks
        for kind, changes in (("mutants", corpus.mutants), ("variants", corpus.variants))
        if task.file.endswith(".py") and not any(is_of(change, task) for change in changes)
    ]


def main(arguments: list[str]) -> int:
    """The subcommand `lacking`: names the files in which something is still to be written for the audit."""
    try:
        course = the_course("lacking", "Name the tasks of a course for which the audit has no code.", arguments)
        found = lacking(load(course.tests / "corpus"), course.tasks)
    except (CourseError, CorpusError) as error:
        print(error, file=sys.stderr)
        return Exit.FAILED
    for line in found:
        print(f"still to be written: {line}")
    return Exit.DONE


def task_of(change: Change, course: Course) -> Task:
    """The task whose code is changed: the one that names the definition, the class around it, or its method.

    Raises:
        CorpusError: none does, or the change is of a whole file with several tasks.
    """
    for task in course.tasks:
        if is_of(change, task):
            return task
    raise CorpusError(f"{change.id}: no task has {change.function} in {change.file}")


def checks_of(tasks: Collection[str], course: Course) -> tuple[str, ...]:
    """Ids of the checks of code that tasks have, given by name."""
    code = {task.name for task in course.tasks if task.file.endswith(".py") or not task.file}
    return tuple(check.id for check in course.checks if check.task in code and check.task in tasks)


def judged_over_all(course: Course) -> tuple[str, ...]:
    """Names of the tasks that are judged over all files."""
    return tuple(task.name for task in course.tasks if not task.file)


def _after_docstring(source: str, addition: str) -> str:
    """Put lines before a module's first statement, its docstring and `from __future__` aside."""
    first = 0
    for node in ast.parse(source).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        first = node.end_lineno or 0
    lines = source.splitlines(keepends=True)
    return "".join([*lines[:first], addition, *lines[first:]])


def _tables(folder: Path, key: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Every table of every file of a folder, with the name of the changed file."""
    for path in sorted(folder.glob("*.toml")):
        try:
            document = read_toml(path)
        except ValueError as error:
            raise CorpusError(str(error)) from None
        unknown = set(document) - {key}
        if unknown:
            raise CorpusError(f"{path}: unknown tables: {', '.join(sorted(unknown))}; write [[{key}]]")
        for table in document.get(key, []):
            yield f"{path.stem}.py", table


def _mutant(file: str, table: dict[str, Any]) -> Mutant:
    table = dict(table)
    for name in ("checks", "hint"):
        table[name] = tuple(table.get(name, ()))
    mutant = _change(Mutant, "wrong", file, table)
    if mutant.kind not in KINDS:
        raise CorpusError(f"{mutant.id}: kind must be one of {', '.join(KINDS)}")
    if not ((mutant.checks or mutant.batch) and mutant.hint and mutant.function):
        raise CorpusError(f"{mutant.id}: a mutant has a function, checks that must fail (or a batch), and a hint")
    return mutant


def _variant(file: str, table: dict[str, Any]) -> Variant:
    return _change(Variant, "differs", file, dict(table))


def _change(kind: type, note: str, file: str, table: dict[str, Any]) -> Any:
    table["tasks"] = tuple(table.get("tasks", ()))
    try:
        change = kind(file=file, note=table.pop(note), **table)
    except KeyError:
        raise CorpusError(f"{file}, {table.get('name')}: {note} is missing") from None
    except TypeError as error:
        raise CorpusError(f"{file}, {table.get('name')}: {error}") from None
    if bool(change.source) == bool(change.find):
        raise CorpusError(f"{change.id}: give either source, or find and put")
    return change
