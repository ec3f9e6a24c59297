"""Whole submissions (tests/corpus/submissions/submissions.toml), put together and packed as students pack them.

A change of the corpus differs from the reference solution in one function; these differ in all of them. The starter is
completed by a right variant of every function, and files that a student has written by hand replace it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.evidence.audit.corpus import CorpusError, Variant, asked, load
from autograder.release.archive import write_zip
from autograder.release.reference import examples
from autograder.release.student import CACHES, LEFTOVERS
from autograder.repository import CORPUS, STUDENT, read_toml
from autograder.tasks import Course
from autograder.tasks import load as load_course

FOLDER = CORPUS / "submissions"
# The beginning of an AppleDouble file, which macOS adds for every file that it packs.
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


@dataclass(frozen=True)
class WholeSubmission:
    """One submission, and how it is packed.

    Attributes:
        name: unique; also of the folder in tests/corpus/submissions/ with files written by hand, if there are any.
        about: what is special.
        variant: which of the corpus' variants of a function is taken, counted from 0; after the last come the first.
        top: the folder that holds the files inside the zip, with a slash at its end; "" for none.
        with_starter: everything else of the student's folder (tests, README, provided modules) is packed too.
        tabs: Python files are indented by tabs.
        crlf: lines of Python files end as on Windows.
        byte_order_mark: Python files begin with one.
        macosx: a Mac packed it: every file has a companion in __MACOSX, and .DS_Store lies about.
        backslashes: names in the zip have backslashes, as some programs on Windows write them.
    """

    name: str
    about: str
    variant: int
    top: str = ""
    with_starter: bool = False
    tabs: bool = False
    crlf: bool = False
    byte_order_mark: bool = False
    macosx: bool = False
    backslashes: bool = False

    @property
    def id(self) -> str:
        """What `make audit` calls it."""
        return self.name


def whole_submissions() -> tuple[WholeSubmission, ...]:
    """All of submissions.toml, in its order; none without that file.

    Raises:
        CorpusError: it cannot be read, a table has a wrong field, or a folder has no table.
    """
    path = FOLDER / "submissions.toml"
    if not path.is_file():
        return ()
    try:
        found = tuple(WholeSubmission(**table) for table in read_toml(path)["submission"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: {error}") from None
    folders = {folder.name for folder in FOLDER.iterdir() if folder.is_dir()}
    unknown = sorted(folders - {submission.name for submission in found})
    if unknown:
        raise CorpusError(f"{path}: there is no table for the folder {', '.join(unknown)}")
    return found


def files_of(submission: WholeSubmission) -> dict[str, bytes]:
    """What the student packs: name to content, the trained model included, the zip's leftovers not."""
    starter = _contents(STUDENT)
    course = load_course()
    expected = {name for name in course.files if name.endswith(".py")}
    files = {name: content for name, content in starter.items() if submission.with_starter or name in expected}
    for variant in _variants(submission.variant, course):
        files[variant.file] = variant.apply(files[variant.file].decode("utf-8")).encode("utf-8")
    by_hand = _contents(FOLDER / submission.name)
    taken = {name.lower() for name in by_hand}
    files = {name: content for name, content in files.items() if name.lower() not in taken} | by_hand
    files = {name: _encoded(submission, text) if name.endswith(".py") else text for name, text in files.items()}
    return files | {name: path.read_bytes() for name, path in examples(course).items()}


def pack(submission: WholeSubmission, out: Path) -> Path:
    """Write a submission's zip to `out`, whose folder is made if it is missing; returns `out`."""
    entries = {f"{submission.top}{name}": content for name, content in files_of(submission).items()}
    if submission.macosx:
        for name in list(entries):
            folder, _, file = name.rpartition("/")
            entries[f"__MACOSX/{folder}/._{file}"] = APPLE_DOUBLE
        entries[f"{submission.top}.DS_Store"] = b"\x00\x00\x00\x01Bud1"
    if submission.backslashes:
        entries = {name.replace("/", "\\"): content for name, content in entries.items()}
    write_zip(entries, out)
    return out


def _variants(number: int, course: Course) -> list[Variant]:
    """One variant of every function that has any and that the course asks for; what a batch adds changes none of it."""
    of_function: dict[tuple[str, str], list[Variant]] = {}
    for variant in asked(load(), course).variants:
        if variant.batch:
            continue
        of_function.setdefault((variant.file, variant.function), []).append(variant)
    return [variants[number % len(variants)] for variants in of_function.values()]


def _encoded(submission: WholeSubmission, source: bytes) -> bytes:
    """A Python file as this student's editor saves it."""
    if submission.tabs:
        source = re.sub(rb"(?m)^(?: {4})+", lambda spaces: b"\t" * (len(spaces.group()) // 4), source)
    if submission.crlf:
        source = source.replace(b"\n", b"\r\n")
    return b"\xef\xbb\xbf" + source if submission.byte_order_mark else source


def _contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder except caches and what running the assignment leaves; none if there is no folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts) & CACHES and parts[0] not in LEFTOVERS:
            found["/".join(parts)] = path.read_bytes()
    return found
