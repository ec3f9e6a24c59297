"""Finds lines of the solution in what students are given.

A line counts when it is long enough to say something. It is found wherever it stands, inside a longer line too, however
it is spaced. This holds for provided code too: where it shares a line with a solution, one of the two must be reworded,
because a reader could not tell the two cases apart either.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograder.release.starter import MARKER_LIKE, Problem

# Characters of code, not counting white space, and words of prose. Formulas are not words: the handout states many.
SHORTEST_CODE, SHORTEST_PROSE = 12, 6
WORD = re.compile(r"(?<![\\\w])[A-Za-z]{2,}")
SPACE = re.compile(r"\s+")
TRAILING_COMMENT = re.compile(r"\s+#\s.*$")
# A keyword and names, or a call without arguments, say nothing, however long they are: `return x, component`,
# `optimizer.zero_grad()`, `if on_step is not None:`. Nor does entering a context: `with evaluating(model):`.
TRIVIAL = re.compile(
    r"(?:(?:return|except|if|elif|while|else|try)\b)?\s*[\w.]*(?:, [\w.]+)*(?:\(\))?(?: is (?:not )?None)?:?"
    r"|with [\w.]+\(\w*\):"
)


@dataclass(frozen=True)
class SecretLine:
    """One line that students must not get: where it stands, what it says, and that without white space."""

    path: str
    line: int
    text: str
    key: str


def secret_code(path: str, lines: Iterable[tuple[int, str]]) -> list[SecretLine]:
    """The lines of solution regions, given with their numbers, that are worth looking for."""
    secrets = []
    for number, line in lines:
        code = TRAILING_COMMENT.sub("", line).strip() or line.strip()
        key = SPACE.sub("", code).rstrip(",")
        if len(key) >= SHORTEST_CODE and not TRIVIAL.fullmatch(code):
            secrets.append(SecretLine(path, number, code, key))
    return secrets


def secret_prose(path: str, text: str) -> list[SecretLine]:
    """The lines of written answers that are worth looking for."""
    return [
        SecretLine(path, number, line.strip(), SPACE.sub("", line))
        for number, line in enumerate(text.splitlines(), start=1)
        if len(WORD.findall(line)) >= SHORTEST_PROSE
    ]


def readable_text(path: str, content: bytes) -> str:
    """What a person could read in a file: of a notebook the sources, outputs and metadata, without JSON's escapes.

    Raises:
        UnicodeDecodeError: it is not text.
    """
    text = content.decode("utf-8")
    if not path.endswith(".ipynb"):
        return text
    try:
        return "\n".join(texts_in(json.loads(text)))
    except ValueError:
        return text


def readable_texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Path and text of each file that is text."""
    for path, content in files.items():
        with contextlib.suppress(UnicodeDecodeError):
            yield path, readable_text(path, content)


def texts_in(value: object) -> Iterator[str]:
    """Every string in a JSON document, keys included; a list of strings, as notebooks have, is one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_in(item)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            yield "".join(value)
        else:
            for item in value:
                yield from texts_in(item)


def find_leaks(secrets: Iterable[SecretLine], files: Mapping[str, bytes]) -> list[Problem]:
    """Every line of the given files that contains a secret line or what looks like a marker.

    Args:
        files: path to content; what is not UTF-8 text is passed over.
    """
    by_key = {secret.key: secret for secret in secrets}
    problems = []
    for path, text in readable_texts(files):
        lines = text.splitlines()
        # Most files contain no secret at all: one look at the whole file says so.
        everything = SPACE.sub("", text)
        present = {key: secret for key, secret in by_key.items() if key in everything}
        for number, line in enumerate(lines, start=1):
            if MARKER_LIKE.search(line):
                problems.append(Problem(path, number, "a solution marker is left over"))
            squeezed = SPACE.sub("", line)
            for key, secret in present.items():
                if key in squeezed:
                    found = f"repeats the solution, {secret.path} line {secret.line}: {secret.text}"
                    problems.append(Problem(path, number, found))
    return problems


def find_words(words: Collection[str], files: Mapping[str, bytes]) -> list[Problem]:
    """Every line of the given files that has one of the words in it: names of what students do not get.

    Args:
        files: path to content; what is not UTF-8 text is passed over.
    """
    if not words:
        return []
    pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, sorted(words))) + r")(?![\w-])")
    problems = []
    for path, text in readable_texts(files):
        for number, line in enumerate(text.splitlines(), start=1):
            for word in dict.fromkeys(pattern.findall(line)):
                problems.append(Problem(path, number, f"mentions {word}, which students of this course do not get"))
    return problems
