"""Whole submissions in different personal styles (tests/corpus/submissions/styles.toml), packed as students pack them.

A patched reference solution shares the reference's layout; these share nothing with it, nor with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.evidence.audit.corpus import CorpusError
from autograder.release.reference import WEIGHTS
from autograder.release.student import CACHES, LEFTOVERS, write_zip
from autograder.repository import CORPUS, STUDENT, read_toml
from autograder.tasks import load as load_points

FOLDER = CORPUS / "submissions"
STARTER = STUDENT
# The beginning of an AppleDouble file, which macOS adds for every file that it packs.
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


@dataclass(frozen=True)
class Style:
    """One submission, and how it is packed.

    Attributes:
        name: also of its folder in tests/corpus/submissions/.
        about: what is special.
        top: the folder that the files are in inside the zip, with a slash at its end; "" for none.
        with_starter: everything else of the student's folder (tests, README, provided modules) is packed too.
        macosx: a Mac packed it: every file has a companion in __MACOSX, and .DS_Store lies about.
        backslashes: names in the zip have backslashes, as some programs on Windows write them.
    """

    name: str
    about: str
    top: str = ""
    with_starter: bool = False
    macosx: bool = False
    backslashes: bool = False

    @property
    def id(self) -> str:
        """What `make audit` calls it."""
        return self.name

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


def styles() -> tuple[Style, ...]:
    """All of styles.toml, in its order.

    Raises:
        CorpusError: it cannot be read, a table has a wrong field, or folders and tables do not belong to each other.
    """
    path = FOLDER / "styles.toml"
    try:
        found = tuple(Style(**table) for table in read_toml(path)["style"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: {error}") from None
    folders = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
    if folders != sorted(style.name for style in found):
        raise CorpusError(f"{path}: there must be one table for each of the folders {', '.join(folders)}")
    return found


def files_of(style: Style) -> dict[str, bytes]:
    """What the student packs: name to content, the trained model included, the zip's leftovers not.

    Raises:
        CorpusError: a file that has to be handed in is missing.
    """
    files = _contents(STARTER) if style.with_starter else {}
    files |= _contents(style.folder)
    files[WEIGHTS.name] = WEIGHTS.read_bytes()
    present = {name.lower() for name in files}
    missing = sorted(file for file in load_points().files if file.lower() not in present)
    if missing:
        raise CorpusError(f"{style.name}: {', '.join(missing)} is missing")
    return files


def pack(style: Style, out: Path) -> Path:
    """Write a submission's zip to `out`, whose folder is made where it is missing; returns `out`.

    Raises:
        CorpusError: see `files_of`.
    """
    entries = {f"{style.top}{name}": content for name, content in files_of(style).items()}
    if style.macosx:
        for name in list(entries):
            folder, _, file = name.rpartition("/")
            entries[f"__MACOSX/{folder}/._{file}"] = APPLE_DOUBLE
        entries[f"{style.top}.DS_Store"] = b"\x00\x00\x00\x01Bud1"
    if style.backslashes:
        entries = {name.replace("/", "\\"): content for name, content in entries.items()}
    write_zip(entries, out, top="")
    return out


def _contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder but caches and what running the assignment leaves there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts) & CACHES and parts[0] not in LEFTOVERS:
            found["/".join(parts)] = path.read_bytes()
    return found
