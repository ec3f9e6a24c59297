"""Mutants made by machine: mutmut's operators on the reference solution.

There are three kinds: one operator on a line that a student has to write; two of these on different lines of one
function, a sample; and one on a line of a function that students are given in a file that they hand in.

A mutant that the checks do not notice must be explained in `survivors.toml`, or it counts as a hole:

    [[survivor]]
    file = "disc.py"
    before = "return 3.0, 4.0, 5.0"         the changed lines, without indentation, joined by " / "
    after = "return 6.0, 8.0, 10.0"
    why = "any sides of a right triangle are right"

A given function that no check judges, such as one that draws, makes no mutants:

    [[unjudged]]
    file = "disc.py"
    function = "draw_disc"
    why = "nobody judges how a picture looks"
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.evidence.audit.corpus import CorpusError
from autograder.release.starter import BEGIN, END
from autograder.repository import CORPUS, read_toml

if TYPE_CHECKING:
    from libcst import CSTNode

SURVIVORS = CORPUS / "survivors.toml"
WORD = re.compile(r"\w+")
ONE_PAIR_FOR = 3  # mutants of a function: so many make one that is changed twice

# What stands in the place of which lines: the first, counted from 0, the one after the last, and the new ones.
Edit = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True)
class AutomaticMutant:
    """One file of the reference solution after an operator of mutmut, or two.

    Attributes:
        function: the definition at the top of the file in which it is ("Disc.area" for a method).
        edits: what differs from the file without markers, from top to bottom.
        before, after: the changed lines, without indentation, joined by " / ".
        text: the whole changed file.
        kind: "" for one operator on a student's line, "twice" for two, "provided" for one on a given line.
    """

    file: str
    function: str
    edits: tuple[Edit, ...]
    before: str
    after: str
    text: str
    number: int
    kind: str = ""

    @property
    def id(self) -> str:
        return ".".join(filter(None, (Path(self.file).stem, self.kind, str(self.number))))

    @property
    def key(self) -> tuple[str, str, str]:
        """What an explanation in survivors.toml refers to."""
        return self.file, self.before, self.after


@functools.cache
def automatic_mutants(file: str, marked: str) -> tuple[AutomaticMutant, ...]:
    """All mutants of one file by one operator on a student's line, in the order of its lines, each text once.

    Args:
        marked: the solution's file, with the markers of its regions.
    """
    source, lines = _regions(marked)
    return _mutants(file, source, lines, "")


@functools.cache
def provided_mutants(file: str, marked: str) -> tuple[AutomaticMutant, ...]:
    """The same of the functions without such lines: students are given them."""
    source, lines = _regions(marked)
    functions = _functions(source)
    written = {functions[line] for line in lines if line in functions}
    return _mutants(file, source, {line for line, function in functions.items() if function not in written}, "provided")


def mutants_made_twice(file: str, marked: str, explained: Collection[tuple[str, str, str]]) -> list[AutomaticMutant]:
    """Of each function, a sample of pairs of its mutants that change different lines: both changes at once.

    The sample depends on nothing but the changes. Those that are likely to raise come last: they would hide the other.

    Args:
        explained: keys of mutants that are as right as the original, and take no part.
    """
    source, _ = _regions(marked)
    found: list[AutomaticMutant] = []
    for function, group in groupby(automatic_mutants(file, marked), key=lambda mutant: mutant.function):
        mutants = [mutant for mutant in group if mutant.key not in explained]
        pairs = [pair for pair in combinations(mutants, 2) if _apart(*pair)]
        for pair in sorted(pairs, key=_place)[: round(len(mutants) / ONE_PAIR_FOR)]:
            edits = tuple(sorted(edit for mutant in pair for edit in mutant.edits))
            text = _edited(source, edits)
            if _parses(text):
                found.append(_mutant(file, function, source, edits, text, len(found), "twice"))
    return found


def _apart(one: AutomaticMutant, other: AutomaticMutant) -> bool:
    """Whether two mutants change different lines."""
    return all(a[1] <= b[0] or b[1] <= a[0] for a in one.edits for b in other.edits)


def _place(pair: tuple[AutomaticMutant, AutomaticMutant]) -> tuple[int, str]:
    """Where a pair stands among all pairs: among those as likely to raise as good as chance, and always the same."""
    words = [(WORD.findall(mutant.before), WORD.findall(mutant.after)) for mutant in pair]
    # An argument is gone, or None.
    loud = sum(len(after) < len(before) or after.count("None") > before.count("None") for before, after in words)
    return loud, hashlib.sha256(repr([mutant.key for mutant in pair]).encode()).hexdigest()


def _mutants(file: str, source: str, lines: set[int], kind: str) -> tuple[AutomaticMutant, ...]:
    """The mutants by one operator on some lines, counted from 1."""
    from mutmut.mutation.file_mutation import create_mutations

    if not lines:  # of which mutmut would think that all are meant
        return ()
    module, mutations, _, _ = create_mutations(file, source, covered_lines=lines)
    functions = _functions(source)
    found: dict[str, AutomaticMutant] = {}
    # Only the definition around a mutation is written anew: the whole module every time takes four times as long.
    around = {
        id(node): (definition, code)
        for definition in module.body
        for code in [module.code_for_node(definition)]
        for node in _nodes(definition)
    }
    for mutation in mutations:
        definition, code = around[id(mutation.original_node)]
        changed = definition.deep_replace(mutation.original_node, mutation.mutated_node)
        text = source.replace(code, module.code_for_node(changed), 1)
        if text != source and text not in found and _parses(text):
            edits = _edits(source, text)
            function = functions[edits[0][0] + 1]
            found[text] = _mutant(file, function, source, edits, text, len(found), kind)
    return tuple(found.values())


def explanations(path: Path = SURVIVORS) -> dict[tuple[str, str, str], str]:
    """survivors.toml: (file, before, after) -> why the mutant is as good as the original.

    Raises:
        CorpusError: the file cannot be read, or an entry is incomplete.
    """
    entries = _entries(path, "survivor", "file", "before", "after", "why")
    return {(file, before, after): why for file, before, after, why in entries}


def unjudged(path: Path = SURVIVORS) -> dict[tuple[str, str], str]:
    """survivors.toml: (file, function) -> why no check judges a function that students are given.

    Raises:
        CorpusError: as for `explanations`.
    """
    return {(file, function): why for file, function, why in _entries(path, "unjudged", "file", "function", "why")}


def _entries(path: Path, kind: str, *keys: str) -> list[tuple[str, ...]]:
    try:
        return [tuple(entry[key] for key in keys) for entry in read_toml(path).get(kind, [])]
    except KeyError as error:
        raise CorpusError(f"{path}: an entry without {error}") from None
    except ValueError as error:
        raise CorpusError(str(error)) from None


def _nodes(node: CSTNode) -> Iterator[CSTNode]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from _nodes(child)


def _regions(marked: str) -> tuple[str, set[int]]:
    """The file without markers, and the numbers of the lines that were between them."""
    kept: list[str] = []
    inside: set[int] = set()
    between = False
    for line in marked.splitlines(keepends=True):
        if line.strip() in (BEGIN, END):
            between = line.strip() == BEGIN
            continue
        kept.append(line)
        if between:
            inside.add(len(kept))
    return "".join(kept), inside


def _parses(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _functions(source: str) -> dict[int, str]:
    """Line number -> the function, or the class and method, that it is in."""
    found: dict[int, str] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.update(dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), prefix + node.name))
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(source).body, "")
    return found


def _edits(source: str, text: str) -> tuple[Edit, ...]:
    """What differs between two texts."""
    old, new = source.splitlines(), text.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple((begin, end, tuple(new[first:last])) for what, begin, end, first, last in blocks if what != "equal")


def _edited(source: str, edits: tuple[Edit, ...]) -> str:
    """A text after some edits, which are in order and do not overlap."""
    lines = source.splitlines()
    for begin, end, new in reversed(edits):
        lines[begin:end] = new
    return "\n".join(lines) + "\n"


def _mutant(
    file: str, function: str, source: str, edits: tuple[Edit, ...], text: str, number: int, kind: str
) -> AutomaticMutant:
    old = source.splitlines()
    before = [line.strip() for begin, end, _ in edits for line in old[begin:end]]
    after = [line.strip() for _, _, new in edits for line in new]
    return AutomaticMutant(file, function, edits, " / ".join(before), " / ".join(after), text, number, kind)
