"""Turns a file of the reference solution into the starter file that students receive.

Code between the two marker comments is the solution. Inside a function it becomes a stub that names the task of the
nearest docstring that begins with "Task {{task:NAME}}"; anywhere else (a helper function, an import) it disappears.
All else stays as it is: signatures, docstrings, hints, and the code after a region, which may use names that the region
assigns. A task that the course does not ask for stays solved, and its docstring begins with "Provided".

Everything is checked with `ast`, and every complaint has a file and a line of the reference solution.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
# Anything that somebody may have meant as a marker.
MARKER_LIKE = re.compile(r"\b(BEGIN|END)[ _-]*SOLUTION\b", re.IGNORECASE)
TASK_DOCSTRING = re.compile(r"Task \{\{task:(\w+)\}\}")
# The same where it stands in a file.
TASK_OPENING = re.compile(r'"""Task \{\{task:(\w+)\}\}')
# An import that only the solution uses, given to students on purpose. It also keeps the linter of both copies quiet.
GIVEN_IMPORT = re.compile(r"#\s*noqa:\s*F401\b")

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Problem(NamedTuple):
    """Something to be put right, with its place.

    Attributes:
        lacks: whether nothing is wrong with the text, but a run's metrics have no such number.
    """

    path: str
    line: int
    text: str
    lacks: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class SourceError(Exception):
    """A file cannot become a starter file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Region:
    """One region of the solution: the line numbers, counted from 1, of its two markers."""

    begin: int
    end: int


@dataclass(frozen=True)
class Starter:
    """A starter file.

    Attributes:
        text: what students receive.
        tasks: name of every task that has a stub here, with the line of its region in the solution.
        solution_lines: (line number in the solution, text) of every line that was taken out.
        origin: for each line of the text, the line of the solution that it comes from.
    """

    text: str
    tasks: dict[str, int]
    solution_lines: list[tuple[int, str]]
    origin: list[int]


def make_starter(source: str, path: str, asked: Collection[str] | None = None) -> Starter:
    """Make the starter file of one file of the solution.

    Args:
        source: the text of the solution file.
        path: what to call it in messages.
        asked: names of the tasks of which students get no solution; None for all.

    Raises:
        SourceError: with everything that is wrong, as far as it can be told.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise SourceError([Problem(path, error.lineno or 1, f"this is not valid Python: {error.msg}")]) from None
    lines = source.splitlines()
    regions = find_regions(lines, path)
    taken: list[Region] = []
    kept: list[tuple[str, int]] = []  # every line of the starter with the line of the solution that it comes from
    tasks: dict[str, int] = {}
    problems: list[Problem] = []
    position = 0
    for region in regions:
        kept += [(lines[i], i + 1) for i in range(position, region.begin - 1)]
        position = region.end
        try:
            stub = make_stub(tree, lines, region, path, tasks, asked)
        except SourceError as error:
            problems += error.problems
            continue
        if stub is None:
            kept += [(lines[i], i + 1) for i in range(region.begin, region.end - 1)]
            continue
        taken.append(region)
        kept += [(line, region.begin) for line in stub]
        if not stub:
            position = close_gap(kept, lines, position)
    if problems:
        raise SourceError(problems)
    kept += [(lines[i], i + 1) for i in range(position, len(lines))]
    if asked is not None:
        kept = [(_provided(line, asked), number) for line, number in kept]
    text = "".join(f"{line}\n" for line, _ in kept)
    origin = [number for _, number in kept]
    check_starter(tree, text, lines, origin, path)
    removed = [(n, lines[n - 1]) for region in taken for n in range(region.begin + 1, region.end)]
    return Starter(text, tasks, removed, origin)


def _provided(line: str, asked: Collection[str]) -> str:
    """A line in which the docstring of a task that is not asked for begins like that of provided code."""
    found = TASK_OPENING.search(line)
    return line if found is None or found.group(1) in asked else TASK_OPENING.sub('"""Provided', line)


def without_markers(text: str) -> str:
    """A file of the solution without the lines that mark its regions: a perfect student's file has none."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in (BEGIN, END))


def find_regions(lines: list[str], path: str) -> list[Region]:
    """The regions of a file, in order.

    Raises:
        SourceError: for an unclosed, nested, stray or misspelt marker.
    """
    regions: list[Region] = []
    problems: list[Problem] = []
    begin = 0
    for number, line in enumerate(lines, start=1):
        marker = line.strip()
        if marker not in (BEGIN, END):
            if MARKER_LIKE.search(line):
                problems.append(Problem(path, number, f"a marker is exactly {BEGIN!r} or {END!r}, alone on its line"))
        elif marker == BEGIN:
            if begin:
                problems.append(Problem(path, number, f"nested marker: the region of line {begin} is still open"))
            begin = begin or number
        elif not begin:
            problems.append(Problem(path, number, f"stray marker: nothing is open that {END!r} could close"))
        else:
            regions.append(Region(begin, number))
            begin = 0
    if begin:
        problems.append(Problem(path, begin, f"unclosed marker: no {END!r} follows"))
    if problems:
        raise SourceError(problems)
    return regions


def make_stub(
    tree: ast.Module,
    lines: list[str],
    region: Region,
    path: str,
    tasks: dict[str, int],
    asked: Collection[str] | None = None,
) -> list[str] | None:
    """The lines that replace a region in the starter: no lines outside functions, None if the region stays.

    Args:
        tasks: gains the name of the region's task.
        asked: names of the tasks of which students get no solution; None for all.

    Raises:
        SourceError: the markers cut through a statement, or no docstring says which task this is.
    """
    statements, owners = enclosed_statements(tree, region, path)
    indent = lines[region.begin - 1][: -len(BEGIN)]
    for number in (region.begin, region.end):
        if len(lines[number - 1]) - len(lines[number - 1].lstrip()) != statements[0].col_offset:
            text = "indent both markers like the statements between them"
            raise SourceError([Problem(path, number, text)])
    if not owners or not isinstance(owners[-1], FUNCTIONS):
        return []
    task, name = task_of(owners, region, path)
    if asked is not None and task not in asked:
        return None
    tasks.setdefault(task, region.begin)
    between = [line.strip() for line in lines[region.begin : region.end - 1]]
    count = sum(bool(line) and not line.startswith("#") for line in between)
    used_below = names_used_below(owners[-1], region)
    amount = f"the reference solution has {count} line{'s' if count > 1 else ''} here"
    numbered = f"{{{{task:{task}}}}}"  # put in when the course is known
    stub = [f'{indent}raise NotImplementedError("Task {numbered}: {name}, see README section {numbered}")']
    if not used_below:
        return [f"{indent}# YOUR CODE HERE ({amount})", *stub]
    *most, last = (f"`{name}`" for name in used_below)
    listed = f"{', '.join(most)} and {last}" if most else last
    return [f"{indent}# YOUR CODE HERE: assign {listed} ({amount})", f"{indent}{' = '.join(used_below)} = ...", *stub]


def enclosed_statements(tree: ast.Module, region: Region, path: str) -> tuple[list[ast.stmt], list[Definition]]:
    """The statements between two markers, and the definitions around them, outermost first.

    Raises:
        SourceError: there are none, or the markers cut through one, or take some from either side of an `else`.
    """
    found: list[tuple[ast.stmt, list[ast.stmt], list[Definition]]] = []
    for statement, siblings, owners in statements_of(tree, []):
        first, last = first_line(statement), statement.end_lineno or statement.lineno
        starts, ends = region.begin < first < region.end, region.begin < last < region.end
        has_body = any(statement_lists(statement))
        if starts != ends and (starts or not has_body) or first < region.begin and region.end < last and not has_body:
            text = "the markers cut through this statement: put whole statements between them"
            raise SourceError([Problem(path, first, text)])
        # What lies inside a statement that is already found is part of it.
        if starts and not (found and first <= (found[-1][0].end_lineno or 0)):
            found.append((statement, siblings, owners))
    if not found:
        raise SourceError([Problem(path, region.begin, "no whole statement lies between the markers")])
    if any(siblings is not found[0][1] for _, siblings, _ in found):
        text = "the statements between the markers do not belong to one block"
        raise SourceError([Problem(path, region.begin, text)])
    return [statement for statement, _, _ in found], found[0][2]


def statements_of(
    node: ast.AST, owners: list[Definition]
) -> Iterator[tuple[ast.stmt, list[ast.stmt], list[Definition]]]:
    """Every statement below a node in the order of the file, with the list that it is in and the definitions around."""
    for siblings in statement_lists(node):
        for statement in siblings:
            yield statement, siblings, owners
            inner = [*owners, statement] if isinstance(statement, DEFINITIONS) else owners
            yield from statements_of(statement, inner)


def statement_lists(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every non-empty list of statements directly below a node: its body, its `else` branch, its handlers' bodies."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value:
            if isinstance(value[0], ast.stmt):
                yield value
            elif isinstance(value[0], (ast.ExceptHandler, ast.match_case)):
                for child in value:
                    yield from statement_lists(child)


def first_line(statement: ast.stmt) -> int:
    """The first line of a statement, decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def task_of(owners: list[Definition], region: Region, path: str) -> tuple[str, str]:
    """Name of the task that a region belongs to, and what its stub calls it."""
    for depth in range(len(owners) - 1, -1, -1):
        found = TASK_DOCSTRING.match(ast.get_docstring(owners[depth]) or "")
        if found:
            # "area" when the function says so itself, "Disc.area" when its class does.
            return found.group(1), ".".join(owner.name for owner in owners[depth:])
    text = 'no docstring around this region begins with "Task {{task:NAME}}"'
    raise SourceError([Problem(path, region.begin, text)])


def names_used_below(function: ast.AST, region: Region) -> list[str]:
    """Local names that only the region assigns and that code below it, which students keep, reads."""
    names = sorted(
        (node for node in ast.walk(function) if isinstance(node, ast.Name)), key=lambda n: (n.lineno, n.col_offset)
    )
    stored = [node for node in names if isinstance(node.ctx, ast.Store)]
    above = {node.id for node in stored if node.lineno < region.begin}
    above |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    below = {node.id for node in names if isinstance(node.ctx, ast.Load) and node.lineno > region.end}
    assigned = dict.fromkeys(node.id for node in stored if region.begin < node.lineno < region.end)
    return [name for name in assigned if name in below - above]


def close_gap(kept: list[tuple[str, int]], lines: list[str], position: int) -> int:
    """Where a region disappears, keep the larger of the two gaps around it, not both; return the new position."""
    above = below = 0
    while above < len(kept) and not kept[-1 - above][0].strip():
        above += 1
    while position + below < len(lines) and not lines[position + below].strip():
        below += 1
    return position + min(above, below)


def check_starter(tree: ast.Module, text: str, lines: list[str], origin: list[int], path: str) -> None:
    """Raise SourceError when a starter does not parse, or when names do not fit what was taken out."""
    try:
        starter = ast.parse(text)
    except SyntaxError as error:
        at = origin[min((error.lineno or 1), len(origin)) - 1] if origin else 1
        raise SourceError([Problem(path, at, f"the starter file does not parse: {error.msg}")]) from None
    problems = []
    used_before, used_after = used_names(tree), used_names(starter)
    for name, node in imported_names(starter):
        number, further = origin[node.lineno - 1], (node.end_lineno or node.lineno) - node.lineno
        given = any(GIVEN_IMPORT.search(line) for line in lines[number - 1 : number + further])
        if name in used_before and name not in used_after and not given:
            text = (
                f"only the solution uses the import {name!r}: move it into a region, "
                "or give it to students with `# noqa: F401` at the end of the line"
            )
            problems.append(Problem(path, number, text))
    gone = top_level_names(tree).keys() - top_level_names(starter).keys()
    problems += [
        Problem(path, number, f"{name!r} disappears with a region, but code that students keep uses it")
        for name, number in top_level_names(tree).items()
        if name in gone & used_after
    ]
    if problems:
        raise SourceError(problems)


def imported_names(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    """Every name that an import statement binds, with the statement."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield (alias.asname or alias.name).split(".")[0], node


def used_names(tree: ast.AST) -> set[str]:
    """Every name that is read anywhere, annotations in quotes and `__all__` included."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            used.add(node.id)
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            used.update(strings_in(node.value))
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            for text in strings_in(annotation):
                # A string that does not parse as an expression is an ordinary one, as in Literal["not a name"].
                with contextlib.suppress(SyntaxError):
                    used |= used_names(ast.parse(text, mode="eval"))
    return used


def strings_in(tree: ast.AST | None) -> list[str]:
    """The string constants in an expression."""
    nodes = ast.walk(tree) if tree is not None else ()
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def top_level_names(tree: ast.Module) -> dict[str, int]:
    """Names that a module defines at its top level, with their lines."""
    names: dict[str, int] = {}
    for statement in tree.body:
        if isinstance(statement, DEFINITIONS):
            names[statement.name] = statement.lineno
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update({name: statement.lineno for name, _ in imported_names(statement)})
        else:
            stored = (n for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            names.update({node.id: node.lineno for node in stored})
    return names
