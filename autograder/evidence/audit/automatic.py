"""Mutants made by machine: mutmut's operators on every line of the reference solution that a student has to write.

A mutant that the checks do not notice must be explained in `survivors.toml`, or it counts as a hole:

    [[survivor]]
    file = "disc.py"
    before = "return 3.0, 4.0, 5.0"         the changed line, without indentation
    after = "return 6.0, 8.0, 10.0"
    why = "any sides of a right triangle are right"
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.evidence.audit.corpus import CorpusError
from autograder.release.starter import BEGIN, END
from autograder.repository import CORPUS, read_toml

if TYPE_CHECKING:
    from libcst import CSTNode

SURVIVORS = CORPUS / "survivors.toml"


@dataclass(frozen=True)
class AutomaticMutant:
    """One file of the reference solution after one operator of mutmut.

    Attributes:
        function: the definition at the top of the file in which it is ("Disc.area" for a method).
        before, after: the changed lines, without indentation, joined by " / ".
        text: the whole changed file.
    """

    file: str
    function: str
    before: str
    after: str
    text: str
    number: int

    @property
    def id(self) -> str:
        return f"{Path(self.file).stem}.{self.number}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What an explanation in survivors.toml refers to."""
        return self.file, self.before, self.after


def automatic_mutants(file: str, marked: str) -> list[AutomaticMutant]:
    """All mutants of one file, in the order of its lines, each text once.

    Args:
        marked: the solution's file, with the markers of its regions.
    """
    from mutmut.mutation.file_mutation import create_mutations

    source, lines = _regions(marked)
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
            line, before, after = _changed_lines(source, text)
            found[text] = AutomaticMutant(file, functions[line], before, after, text, number=len(found))
    return list(found.values())


def explanations(path: Path = SURVIVORS) -> dict[tuple[str, str, str], str]:
    """survivors.toml: (file, before, after) -> why the mutant is as good as the original.

    Raises:
        CorpusError: the file cannot be read, or an entry is incomplete.
    """
    try:
        entries = read_toml(path).get("survivor", [])
        return {(entry["file"], entry["before"], entry["after"]): entry["why"] for entry in entries}
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


def _changed_lines(source: str, text: str) -> tuple[int, str, str]:
    """Number of the first changed line, the changed lines before, and after."""
    old, new = source.splitlines(), text.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    before = [line.strip() for _, begin, end, _, _ in changed for line in old[begin:end]]
    after = [line.strip() for _, _, _, begin, end in changed for line in new[begin:end]]
    return changed[0][1] + 1, " / ".join(before), " / ".join(after)
