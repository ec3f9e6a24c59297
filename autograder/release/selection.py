"""Cuts out of files of code what a course does not ask for and nothing that it asks for needs.

Three rules, in this order:

- What stands between `# FOR name ...` and `# END FOR`, each alone on its line, stays if the course asks for one of the
  named tasks or questions; between `# UNLESS name ...` and `# END UNLESS`, if it asks for none of them. The two lines
  themselves never reach students.
- A module stays if something that stays uses it; so does a function, a class or a constant at the top of a module. A
  text "module:function" uses that function, as pkgutil.resolve_name reads it.
  What stays for certain: the programs that people start, and what the course's tasks ask for. A function that nothing
  anywhere uses is there for students, and stays in a file that they work on.
- An import stays while what it binds is used.

Everything is decided on the solution as it is written; release/starter.py takes the answers out afterwards.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from autograder.release.starter import DEFINITIONS, Problem, SourceError, first_line, used_names

REGION = re.compile(r"\s*# (?P<kind>FOR|UNLESS)(?P<names>(?: \w+)+)")
END = re.compile(r"\s*# END (?P<kind>FOR|UNLESS)\s*")
# Names that somebody else looks for: they stay with their file.
READ_BY_OTHERS = ("pytestmark", "__all__")
INDENTED_COMMENT = re.compile(r"\s+#")
LONGEST_LINE = 120


class Line(NamedTuple):
    """A line of code and its number in the file that people edit."""

    text: str
    number: int


class Node(NamedTuple):
    """A definition at the top of a module; with the name "", the statements that run when it is imported."""

    module: str
    name: str


@dataclass
class Module:
    """A file of code.

    Attributes:
        path: what to call it in messages.
        name: dotted, as it is imported.
        lines: without the regions that are left out.
        tree: of these lines.
        used: every name that the whole file uses, regions included.
        definitions: name to statement of functions, classes and constants at the top.
        bindings: what its imports at the top bind, each name to a module and a name in it ("" for the module itself).
        foreign: names that its imports at the top bind to something that is not ours.
    """

    path: str
    name: str
    lines: list[Line]
    tree: ast.Module
    used: set[str]
    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    bindings: dict[str, Node] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        return text_of(self.lines)


def text_of(lines: Iterable[Line]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def numbered(text: str) -> list[Line]:
    return [Line(line, number) for number, line in enumerate(text.splitlines(), start=1)]


def without_regions(text: str, asked: Collection[str] | None, path: str) -> list[Line]:
    """The lines of a file without the regions that are for nothing that is asked for.

    Args:
        asked: names of tasks and questions; None for all.

    Raises:
        SourceError: for an unclosed, nested or stray marker.
    """
    lines = numbered(text)
    markers: set[int] = set()
    unwanted: set[int] = set()
    begin, wanted, kind = 0, True, ""
    for line in lines:
        region, end = REGION.fullmatch(line.text), END.fullmatch(line.text)
        if region is not None:
            if begin:
                raise SourceError([Problem(path, line.number, f"nested region: the one of line {begin} is still open")])
            begin, kind = line.number, region["kind"]
            named = asked is not None and any(name in asked for name in region["names"].split())
            wanted = asked is None or named == (kind == "FOR")
            markers.add(line.number)
        elif end is not None:
            if not begin or end["kind"] != kind:
                raise SourceError([Problem(path, line.number, f"stray '# END {end['kind']}': no such region is open")])
            markers.add(line.number)
            begin, wanted = 0, True
        if not wanted:
            unwanted |= {line.number, line.number + 1}  # the last one is the marker
    if begin:
        raise SourceError([Problem(path, begin, f"unclosed region: no '# END {kind}' follows")])
    return [line for line in without(lines, unwanted) if line.number not in markers]


def without(lines: Iterable[Line], numbers: Collection[int]) -> list[Line]:
    """The lines but those of some numbers; where a block goes, the larger of the two gaps around it stays, not both."""
    kept: list[Line] = []
    above = 0  # empty lines above the block that has just gone
    after = False  # nothing but empty lines has followed it
    for line in lines:
        if line.number in numbers:
            above, after = _empty_at_end(kept), True
        elif after and not line.text.strip() and above:
            above -= 1
        else:
            after = after and not line.text.strip()
            kept.append(line)
    if after:
        del kept[len(kept) - _empty_at_end(kept) :]
    return kept


def _empty_at_end(lines: Sequence[Line]) -> int:
    return next((count for count, line in enumerate(reversed(lines)) if line.text.strip()), len(lines))


def region_names(text: str) -> Iterator[tuple[int, str]]:
    """Every name that a region of a file is for, with its line."""
    for line in numbered(text):
        region = REGION.fullmatch(line.text)
        for name in region["names"].split() if region else ():
            yield line.number, name


def module_name(path: str) -> str:
    """ "lab.parts" of lab/parts/__init__.py, "lab.parts.one" of lab/parts/one.py."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def read_modules(sources: Mapping[str, str], asked: Collection[str] | None, shown: str = "") -> dict[str, Module]:
    """The modules of a folder by their dotted names.

    Args:
        sources: path below the folder to text.
        asked: names of tasks and questions; None for all.
        shown: what to put before a path in messages.

    Raises:
        SourceError: a file is not valid Python, as it is or without what is left out.
    """
    modules: dict[str, Module] = {}
    problems: list[Problem] = []
    for path, text in sources.items():
        lines = numbered(text)
        try:
            used = used_names(ast.parse(text))
            lines = without_regions(text, asked, shown + path)
            tree = ast.parse(text_of(lines))
        except SourceError as error:
            problems += error.problems
            continue
        except SyntaxError as error:
            at = lines[min(error.lineno or 1, len(lines)) - 1].number if lines else 1
            problems.append(Problem(shown + path, at, f"this is not valid Python: {error.msg}"))
            continue
        name = module_name(path)
        modules[name] = Module(shown + path, name, lines, tree, used)
    if problems:
        raise SourceError(problems)
    for module in modules.values():
        module.definitions = dict(_definitions(module.tree))
        for statement in _imports(module.tree.body):
            module.bindings |= _bound(statement, modules)
            module.foreign |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        module.foreign -= module.bindings.keys()
    return modules


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for statement in tree.body:
        if isinstance(statement, DEFINITIONS):
            yield statement.name, statement
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            yield from ((name, statement) for name in names if name not in READ_BY_OTHERS)


def _imports(statements: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports at the top of a module, those that only a type checker reads included."""
    for statement in statements:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement
        elif isinstance(statement, ast.If) and not isinstance(statement.test, ast.Compare):
            yield from _imports(statement.body)


def _bound(statement: ast.Import | ast.ImportFrom, modules: Collection[str]) -> dict[str, Node]:
    """What an import binds, as far as it is a module of ours."""
    found = {}
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            if alias.name in modules:
                found[alias.asname or alias.name] = Node(alias.name, "")
        elif f"{statement.module}.{alias.name}" in modules:
            found[alias.asname or alias.name] = Node(f"{statement.module}.{alias.name}", "")
        elif statement.module in modules:
            found[alias.asname or alias.name] = Node(statement.module or "", alias.name)
    return found


def users_of(modules: Mapping[str, Module]) -> dict[Node, set[Node]]:
    """What each definition uses, and what the other statements of each module use."""
    used: dict[Node, set[Node]] = {}
    for module in modules.values():
        for name, statement in module.definitions.items():
            used[Node(module.name, name)] = _uses(statement, module, modules)
        own = set(map(id, module.definitions.values()))
        rest = [statement for statement in module.tree.body if id(statement) not in own]
        others = [statement for statement in rest if not isinstance(statement, (ast.Import, ast.ImportFrom))]
        used[Node(module.name, "")] = set().union(*(_uses(statement, module, modules) for statement in others))
    return used


def _uses(tree: ast.stmt, module: Module, modules: Mapping[str, Module]) -> set[Node]:
    """The definitions, of this module and of others, that a statement names."""
    bindings = dict(module.bindings)
    found: set[Node] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound = _bound(node, modules)
            bindings |= bound
            found |= {_resolved(target, modules) for target in bound.values()}
    attributes: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = bindings.get(node.value.id)
            if target is not None and not target.name:
                attributes.add(id(node.value))
                found |= _attribute(target.module, node.attr, modules)
    package = module.name.rpartition(".")[0]
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    for text in (value for value in constants if isinstance(value, str)):
        # A file that is read by its name is used as a whole.
        if text.endswith(".py"):
            named = ".".join(filter(None, (package, text.removesuffix(".py"))))
            if named in modules and named != module.name:
                found |= {Node(named, name) for name in ("", *modules[named].definitions)}
        named, _, function = text.partition(":")
        if named in modules and function in modules[named].definitions:
            found.add(Node(named, function))
    # A check's arguments are fixtures, which may stand in the same file.
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names = used_names(tree) | (arguments & module.definitions.keys())
    bare = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in attributes}
    for name in names:
        target = bindings.get(name)
        if target is None and name in module.definitions:
            found.add(Node(module.name, name))
        elif target is not None and target.name:
            found.add(_resolved(target, modules))
        elif target is not None and name in bare:
            # The module itself is passed on: nobody knows what is used of it.
            found |= {Node(target.module, name) for name in modules[target.module].definitions}
    return found


def _attribute(module: str, name: str, modules: Mapping[str, Module]) -> set[Node]:
    inner = f"{module}.{name}"
    return {Node(inner, "")} if inner in modules else {_resolved(Node(module, name), modules)}


def _resolved(node: Node, modules: Mapping[str, Module]) -> Node:
    """Where a name is defined that a module may itself only import; if that is not ours, where it is imported."""
    seen = set()
    while node.name and node not in seen and node.name not in modules[node.module].definitions:
        seen.add(node)
        if node.name in modules[node.module].foreign:
            break
        node = modules[node.module].bindings.get(node.name, Node(node.module, ""))
    return node


def reach(used: Mapping[Node, Collection[Node]], roots: Iterable[Node]) -> set[Node]:
    """Everything that the roots use, directly or through each other."""
    found: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found.add(node)
        # Whatever is used of a module, its statements run, and those of the packages around it.
        parts = node.module.split(".")
        bodies = (Node(".".join(parts[:length]), "") for length in range(1, len(parts) + 1))
        waiting += [*used.get(node, ()), *(body for body in bodies if body in used)]
    return found


def definition_of(module: Module, function: str) -> str | None:
    """The definition at the top of a module that holds a task's function: itself, or the class with that method."""
    first, _, method = function.partition(".")
    if first in module.definitions:
        return first
    for name, statement in module.definitions.items():
        if isinstance(statement, ast.ClassDef):
            methods = {item.name for item in statement.body if isinstance(item, DEFINITIONS)}
            if (method or first) in methods:
                return name
    return None


def cut(module: Module, kept: Collection[str]) -> list[Line]:
    """The lines of a module without the definitions that are not kept, and without the imports that served only them.

    Args:
        kept: names of definitions, and of imports that other modules use.
    """
    stay = {id(module.definitions[name]) for name in module.definitions.keys() & kept}
    gone = [statement for statement in module.definitions.values() if id(statement) not in stay]
    drop: set[int] = set()
    for statement in gone:
        first = first_line(statement)
        while first > 1 and module.lines[first - 2].text.startswith("#"):
            first -= 1
        last = statement.end_lineno or statement.lineno
        while last < len(module.lines) and INDENTED_COMMENT.match(module.lines[last].text):
            last += 1
        drop |= set(range(first, last + 1))
    unused = module.used - _used_without(module.tree, gone) - {*kept}
    for statement in module.tree.body:
        # What only a type checker imports, for nothing that stays.
        if isinstance(statement, ast.If) and _imported(statement) and _imported(statement) <= unused:
            drop |= set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
            gone.append(statement)
    unused = module.used - _used_without(module.tree, gone) - {*kept}
    replaced: dict[int, list[str]] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node.lineno not in drop:
            _shorten(node, module, unused, drop, replaced)
    left = without(module.lines, {module.lines[place - 1].number for place in drop - replaced.keys()})
    new = {module.lines[place - 1].number: texts for place, texts in replaced.items()}
    return [Line(text, line.number) for line in left for text in new.get(line.number, [line.text])]


def _used_without(tree: ast.Module, gone: Collection[ast.stmt]) -> set[str]:
    return used_names(ast.Module([statement for statement in tree.body if statement not in gone], []))


def _imported(block: ast.If) -> set[str]:
    """The names that a block of imports binds; none if there is something else in it."""
    imports = [one for one in block.body if isinstance(one, (ast.Import, ast.ImportFrom))]
    if len(imports) < len(block.body) or block.orelse:
        return set()
    return {(alias.asname or alias.name).split(".")[0] for one in imports for alias in one.names}


def _shorten(
    node: ast.Import | ast.ImportFrom,
    module: Module,
    unused: Collection[str],
    drop: set[int],
    new: dict[int, list[str]],
) -> None:
    """Note the lines of an import that go, and what stands there instead."""
    names = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] not in unused]
    if len(names) == len(node.names):
        return
    drop |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    if not names:
        return
    last = module.lines[(node.end_lineno or node.lineno) - 1].text
    comment = last[last.index("  #") :] if "  #" in last else ""
    shorter: ast.stmt = (
        ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)
    )
    indent = " " * node.col_offset
    line = f"{indent}{ast.unparse(shorter)}"
    if len(line) > LONGEST_LINE:
        head, _, listed = line.partition(" import ")
        new[node.lineno] = [
            f"{head} import ({comment}",
            *(f"{indent}    {name}," for name in listed.split(", ")),
            f"{indent})",
        ]
    else:
        new[node.lineno] = [line + comment]


def select(
    sources: Mapping[str, str],
    asked: Collection[str],
    roots: Iterable[tuple[str, str | None]],
    ours: Mapping[str, Collection[str]] | None = None,
    shown: str = "",
) -> dict[str, list[Line]]:
    """What stays of a folder of code: path to lines.

    Args:
        sources: path below the folder to text.
        asked: names of tasks and questions.
        roots: path and function of what stays for certain; None instead of a function stands for the whole file, ""
            for what runs when it is imported.
        ours: paths of the files that students work on, where what nothing uses stays, too, each with the functions of
            its tasks, for which that does not hold.
        shown: what to put before a path in messages.

    Raises:
        SourceError: with file and line.
    """
    modules = read_modules(sources, asked, shown)
    starts: list[Node] = []
    for path, function in roots:
        module = modules[module_name(path)]
        if function is None:
            starts += [Node(module.name, name) for name in (*module.definitions, "")]
        else:
            found = definition_of(module, function) if function else ""
            if found is None:
                raise SourceError([Problem(module.path, 1, f"there is no {function} in this file")])
            starts.append(Node(module.name, found))
    if ours:
        everything = read_modules(sources, None, shown)
        uses = users_of(everything)
        somewhere = set[Node]().union(*(targets - {node} for node, targets in uses.items()))
        for path, functions in ours.items():
            module = modules[module_name(path)]
            tasks = {definition_of(module, function) for function in functions}
            nodes = [Node(module.name, name) for name in module.definitions if name not in tasks]
            starts += [node for node in nodes if node not in somewhere]
    reached = reach(users_of(modules), starts)
    kept: dict[str, list[Line]] = {}
    for path in sources:
        module = modules[module_name(path)]
        if Node(module.name, "") in reached:
            kept[path] = cut(module, {node.name for node in reached if node.module == module.name and node.name})
    return kept
