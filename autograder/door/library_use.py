"""Where code uses a library that its task forbids: found in the syntax tree, and nothing is run.

What counts is what the task's functions can reach in their own file: themselves, and the functions, classes and values
of that file that they name. A library that is named in a string only, or used through another file, is not found: so
this makes a remark, and no points depend on it.
"""

from __future__ import annotations

import ast
import builtins
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LARGEST = 64 * 1024  # bytes; the tree of a larger file may take a thousand times as many
LONGEST_CHAIN = 12  # parts of a.b.c
FOLLOWED = 100  # steps from a name to what it stands for: those of strangers' code may go in circles
BINDINGS = 20  # of one name
WIDTH = 80

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)


@dataclass(frozen=True, order=True)
class Use:
    """A line, counted from 1, and the library, as the course calls it."""

    line: int
    library: str


def remark(file: str, source: bytes, task: str, functions: Sequence[str], forbidden: Sequence[str]) -> str:
    """What to say of a task's file, in lines of at most 80 characters; "" if nothing.

    Args:
        task: its number.
        functions: what the task asks for in the file: "area", "Disc", "Disc.area".
        forbidden: names of libraries, or of what is in them.
    """
    if len(source) > LARGEST:
        text = f"{file} is too large to be searched for {' and '.join(forbidden)}, which task {task} forbids."
    elif use := first_use(source, functions, forbidden):
        text = f"{file}, line {use.line}, uses {use.library}, which task {task} forbids."
    else:
        return ""
    return textwrap.fill(f"Remark: {text} No points are taken for this by machine.", WIDTH)


def first_use(source: bytes, functions: Sequence[str], forbidden: Sequence[str]) -> Use | None:
    """The first line at which a task's functions, or what they reach in their file, use a forbidden library.

    None, too, if the file is not valid Python: its checks say so.
    """
    tree = syntax_tree(source)
    return None if tree is None else min(_uses(tree, functions, forbidden), default=None)


def syntax_tree(source: bytes) -> ast.Module | None:
    """The syntax tree of a stranger's file; None if it is larger than LARGEST, or not valid Python."""
    if len(source) > LARGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(eq=False)
class _Scope:
    """The names of a file or a function.

    Attributes:
        bound: name -> what it may stand for: the path of something imported ("torch.nn"), or code (a definition, an
            assigned expression); nothing for arguments, loop variables and the like.
        outer: the scope around it; None for a file.
        stars: modules of which everything is imported.
    """

    bound: dict[str, list[str | ast.AST]] = field(default_factory=dict)
    outer: _Scope | None = None
    stars: list[str] = field(default_factory=list)
    _known: dict[str, set[str]] = field(default_factory=dict)

    def bind(self, name: str, *values: str | ast.AST) -> None:
        found = self.bound.setdefault(name, [])
        found += values[: BINDINGS - len(found)]

    def home(self, name: str) -> _Scope | None:
        """The innermost scope that has a name."""
        scope: _Scope | None = self
        while scope is not None and name not in scope.bound:
            scope = scope.outer
        return scope

    def paths(self, node: ast.AST) -> set[str]:
        """What an expression may stand for, if that is something imported: {"torch.nn.Linear"}."""
        name, rest = _chain(node)
        if name and name not in self._known:
            self._known[name] = set(self._follow(name))
        return {path + rest for path in self._known[name]} if name else set()

    def _follow(self, name: str) -> Iterator[str]:
        work, seen = [(self, name, "")], set[tuple[_Scope, str, str]]()
        while work and len(seen) < FOLLOWED:
            scope, name, rest = step = work.pop()
            home = scope.home(name)
            if step in seen:
                continue
            seen.add(step)
            if home is None and not hasattr(builtins, name):
                yield from (f"{module}.{name}{rest}" for module in scope._only_star())
            for value in home.bound[name] if home else ():
                if isinstance(value, str):
                    yield value + rest
                elif (chain := _chain(value))[0]:
                    work.append((home or scope, chain[0], chain[1] + rest))

    def _only_star(self) -> list[str]:
        """The module that a name without a home comes from; nobody can tell which if there are several."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope.stars if len(scope.stars) == 1 else []


def _chain(node: ast.AST) -> tuple[str, str]:
    """("torch", ".nn.Linear") of `torch.nn.Linear`; "" twice of other code."""
    rest = ""
    for _ in range(LONGEST_CHAIN):
        if isinstance(node, ast.Name):
            return node.id, rest
        if not isinstance(node, ast.Attribute):
            break
        rest, node = f".{node.attr}{rest}", node.value
    return "", ""


def _scope(node: ast.AST, outer: _Scope | None = None) -> _Scope:
    """The scope that a file or a function makes."""
    scope = _Scope(outer=outer)
    for below in _own(node):
        if isinstance(below, ast.Import):
            for alias in below.names:
                top = alias.name.partition(".")[0]
                scope.bind(alias.asname or top, alias.name if alias.asname else top)
        elif isinstance(below, ast.ImportFrom):
            module = "." * below.level + (below.module or "")
            for alias in below.names:
                if alias.name == "*":
                    scope.stars.append(module)
                else:
                    scope.bind(alias.asname or alias.name, f"{module}.{alias.name}")
        elif isinstance(below, DEFINITIONS):
            scope.bind(below.name, below)
        elif isinstance(below, ASSIGNMENTS) and below.value is not None:
            for name in (found for target in _targets(below) for found in ast.walk(target)):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    scope.bind(name.id, below.value)
        elif isinstance(below, ast.Name) and isinstance(below.ctx, ast.Store):
            scope.bind(below.id)
        elif isinstance(below, ast.arg):
            scope.bind(below.arg)
    return scope


def _targets(node: ast.AST) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node but the insides of the functions and classes there."""
    work = list(_children(node))
    while work:
        below = work.pop()
        yield below
        if not isinstance(below, (*FUNCTIONS, ast.ClassDef)):
            work += _children(below)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is directly below a node, but annotations: they compute nothing."""
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield item


_Members = dict[str, list[tuple[ast.AST, _Scope]]]


def _members(definition: ast.ClassDef, scope: _Scope) -> _Members:
    """What `self.NAME` may stand for in a class: methods, and what is assigned in its body or to self."""
    found: _Members = {}

    def add(name: str, value: ast.AST, inside: _Scope) -> None:
        values = found.setdefault(name, [])
        if len(values) < BINDINGS:
            values.append((value, inside))

    for node in definition.body:
        inside = scope
        if isinstance(node, DEFINITIONS):
            add(node.name, node, scope)
            inside = _scope(node, scope)
        for below in [node, *_own(node)]:
            if isinstance(below, ASSIGNMENTS) and below.value is not None:
                for target in _targets(below):
                    add(getattr(target, "attr", getattr(target, "id", "")), below.value, inside)
    return found


def _uses(tree: ast.Module, functions: Sequence[str], forbidden: Sequence[str]) -> Iterator[Use]:
    """Every use of a forbidden library that the functions reach."""
    top = _scope(tree)
    work: list[tuple[ast.AST, _Scope, _Members]] = []
    for function in functions:
        name, _, method = function.partition(".")
        for value in top.bound.get(name, ()):
            members = _members(value, top) if method and isinstance(value, ast.ClassDef) else {}
            if method in members:
                work += [(node, scope, members) for node, scope in members[method]]
            elif isinstance(value, ast.AST):
                work.append((value, top, {}))
    seen: set[int] = set()
    while work:
        node, scope, members = work.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, FUNCTIONS):
            scope = _scope(node, scope)
        elif isinstance(node, ast.ClassDef):
            members = _members(node, scope)
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            paths = scope.paths(node)
            for library in forbidden:
                if any(path == library or path.startswith(f"{library}.") for path in paths):
                    yield Use(node.lineno, library)
        if isinstance(node, ast.Name) and scope.home(node.id) is top:
            work += [(value, top, {}) for value in top.bound[node.id] if isinstance(value, ast.AST)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            work += [(value, inside, members) for value, inside in members.get(node.attr, ())]
        work += [(child, scope, members) for child in _children(node)]
