"""Which submissions are suspiciously alike: fingerprints by winnowing, for a person to judge, never as a score.

The method is that of Schleimer, Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting" (SIGMOD
2003), which MOSS uses too: every run of K tokens is hashed, of each window of W hashes the smallest is kept, and so
every passage of W + K - 1 tokens that two files share is found. All names that a student chooses count as the same;
comments and docstrings are ignored. What the starter files have, and what many submissions share, is not evidence and
is removed first.

Why not a library: copydetect, the one of this kind, compares every pair (50 million in a class of 10,000; the index
below looks only at pairs that share something rare), and subtracts only the starter's winnowed hashes, not all of them.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import keyword
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from autograder.grading.intake import code_of

K = 20  # tokens a hash covers: two or three lines
W = 8  # of so many neighbouring hashes at least one is kept
# What more submissions than this share is how everybody writes it: ten, as in MOSS, or a tenth of a large class.
COMMON, COMMON_SHARE = 10, 0.1
LEAST_SHARED = 5  # fingerprints; fewer are chance
# Characters of a submission that are looked at, and of a line: Python's own tokenizer takes time that grows with the
# square of a line's length, and memory of a hundred times what it reads.
LONGEST, LONGEST_LINE = 200_000, 1_000
KEPT_NAMES = {*keyword.kwlist, *dir(builtins), "self", "torch", "np", "math"}
LONG_LINE = re.compile(rf"[^\n]{{{LONGEST_LINE},}}")
LEFT_OUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Pair:
    """Two submissions that have more in common than chance.

    Attributes:
        first, second: their slugs.
        shared: fingerprints that both have, and few others.
        first_share, second_share: what part of each one's own fingerprints that is.
        files: where most of it lies.
        identical: whether all of their code, starter's part included, is the same, token by token.
    """

    first: str
    second: str
    shared: int
    first_share: float
    second_share: float
    files: tuple[str, ...]
    identical: bool


class Place(NamedTuple):
    """Where a fingerprint is from: a file and its lines, first and last, counted from 1."""

    file: str
    first: int
    last: int


class Passage(NamedTuple):
    """The same passage in two submissions: where it is in each, and how many fingerprints lie in it."""

    one: Place
    other: Place
    shared: int = 1


@dataclass(frozen=True)
class Fingerprints:
    """A submission as this module sees it.

    Attributes:
        own: fingerprint -> place that it is from, the starter's left out.
        whole: hash of all its tokens; "" where there are none.
        left_out: files that were too long to be compared, or parts of which were.
    """

    own: Mapping[int, Place]
    whole: str
    left_out: tuple[str, ...] = ()


def tokens(source: str) -> list[tuple[str, int]]:
    """A file's tokens with their lines, as far as it can be read.

    Chosen names are "N", strings "S"; layout and comments are left out.
    """
    found: list[tuple[str, int]] = []
    after_dot = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in LEFT_OUT:
                continue
            text = shown = token.string
            # What follows a dot is mostly a library's name and says what is done.
            if token.type == tokenize.NAME and not after_dot and text not in KEPT_NAMES:
                shown = "N"
            elif token.type == tokenize.STRING:
                shown = "S"
            elif token.type in (tokenize.INDENT, tokenize.DEDENT):
                shown = "<" if token.type == tokenize.INDENT else ">"
            found.append((shown, token.start[0]))
            after_dot = text == "."
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass  # the file breaks off here, for Python too
    return found


def words_of(source: str) -> list[str]:
    """A file's tokens without their lines."""
    return [word for word, _ in tokens(source)]


def hashes(words: list[str], k: int = K) -> list[int]:
    """A hash of every run of k tokens; the same on every machine."""
    encoded = [word.encode("utf-8", "replace") + b"\0" for word in words]
    return [
        int.from_bytes(hashlib.blake2b(b"".join(encoded[place : place + k]), digest_size=8).digest(), "big")
        for place in range(len(encoded) - k + 1)
    ]


def winnow(found: list[int], w: int = W) -> set[int]:
    """The smallest hash of every window of w; of the whole, where it is shorter than a window."""
    if not found:
        return set()
    return {min(found[place : place + w]) for place in range(max(1, len(found) - w + 1))}


def starter_hashes(folder: Path) -> frozenset[int]:
    """Every hash of the starter files, not only the winnowed: whichever a submission keeps is recognised."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("*.py"))
    return frozenset(value for text in texts for value in hashes(words_of(text)))


def fingerprint(content: bytes, expected: Collection[str], starter: Collection[int]) -> Fingerprints:
    """Fingerprints of a parcel, of the same files that would be graded."""
    own: dict[int, Place] = {}
    whole = hashlib.sha256()
    count, room = 0, LONGEST
    left_out = []
    # The files to hand in first: no other file can take the room from them.
    for name, code in sorted(code_of(content, expected).items(), key=lambda item: (item[0] not in expected, item[0])):
        text = text_of(code, room + 1)
        source = LONG_LINE.sub("", text[:room])
        room -= len(source)
        if source != text:
            left_out.append(name)
        found = tokens(source)
        words = [word for word, _ in found]
        count += len(words)
        whole.update("\0".join([name, *words, ""]).encode("utf-8", "replace"))
        values = hashes(words)
        kept = winnow(values) - set(starter)
        for place, value in enumerate(values):
            if value in kept:
                own.setdefault(value, Place(name, found[place][1], found[place + K - 1][1]))
    return Fingerprints(own, whole.hexdigest() if count else "", tuple(left_out))


def text_of(code: bytes, most: int) -> str:
    """The first characters of a file; line endings are made equal, as in files that are opened as text."""
    return io.TextIOWrapper(io.BytesIO(code), "utf-8", "replace").read(most)


def rare(submissions: Mapping[str, Fingerprints]) -> dict[str, Fingerprints]:
    """The submissions without the fingerprints that many of them share."""
    holders = Counter(value for prints in submissions.values() for value in prints.own)
    most = max(COMMON, COMMON_SHARE * len(submissions))
    return {
        slug: replace(prints, own={value: place for value, place in prints.own.items() if holders[value] <= most})
        for slug, prints in submissions.items()
    }


def pairs(submissions: Mapping[str, Fingerprints]) -> list[Pair]:
    """Pairs that share rare fingerprints, or everything; the most alike first.

    Args:
        submissions: slug -> fingerprints.
    """
    holders: dict[int, list[str]] = defaultdict(list)
    few = rare(submissions)
    for slug, prints in few.items():
        for value in prints.own:
            holders[value].append(slug)
    shared: Counter[tuple[str, str]] = Counter()
    files: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for value, slugs in holders.items():
        for pair in combinations(sorted(slugs), 2):
            shared[pair] += 1
            files[pair][few[pair[0]].own[value].file] += 1
    found = {
        pair: Pair(
            first=pair[0],
            second=pair[1],
            shared=count,
            first_share=count / len(few[pair[0]].own),
            second_share=count / len(few[pair[1]].own),
            files=tuple(name for name, _ in files[pair].most_common(3)),
            identical=False,
        )
        for pair, count in shared.items()
        if count >= LEAST_SHARED
    }
    for pair in _identical(submissions):
        found[pair] = Pair(
            *pair, shared.get(pair, 0), 1.0, 1.0, tuple(name for name, _ in files[pair].most_common(3)), True
        )
    return sorted(found.values(), key=lambda pair: (-pair.identical, -_likeness(pair), -pair.shared, pair.first))


def passages(one: Fingerprints, other: Fingerprints) -> list[Passage]:
    """The passages that two submissions share, the longest first; fingerprints of neighbouring lines are one passage.

    Args:
        one, other: as `rare` gives them.
    """
    both = [Passage(one.own[value], other.own[value]) for value in one.own.keys() & other.own.keys()]
    both.sort(key=lambda each: (each.one.file, each.other.file, each.one.first, each.other.first))
    found: list[Passage] = []
    for passage in both:
        if found and _meets(found[-1].one, passage.one) and _meets(found[-1].other, passage.other):
            joined = (_joined(found[-1].one, passage.one), _joined(found[-1].other, passage.other))
            found[-1] = Passage(*joined, found[-1].shared + 1)
        else:
            found.append(passage)
    return sorted(found, key=lambda each: (-each.shared, each.one.file, each.one.first))


def _meets(before: Place, place: Place) -> bool:
    """Whether a place follows another one, with at most a line between them."""
    return before.file == place.file and before.first - 1 <= place.first <= before.last + 2


def _joined(one: Place, other: Place) -> Place:
    return Place(one.file, min(one.first, other.first), max(one.last, other.last))


def _identical(submissions: Mapping[str, Fingerprints]) -> Iterable[tuple[str, str]]:
    """Neighbours among submissions with the same tokens: a chain, since all pairs of a large group say no more."""
    groups: dict[str, list[str]] = defaultdict(list)
    for slug in sorted(submissions):
        whole = submissions[slug].whole
        if whole and submissions[slug].own:
            groups[whole].append(slug)
    for slugs in groups.values():
        yield from zip(slugs, slugs[1:], strict=False)


def _likeness(pair: Pair) -> float:
    return max(pair.first_share, pair.second_share)
