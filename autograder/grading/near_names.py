"""Files that are called almost as asked: "Is it this one?" is asked of them, and they are never taken in silence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from autograder.door.library_use import LARGEST

IMPORT = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([^\n#]*)", re.MULTILINE)
ALIKE = 0.8  # of difflib's ratio: one letter in five or so
LONGEST = 80  # letters of a name; no name to hand in is longer


def near(name: str, expected: Collection[str], missing: Collection[str]) -> str | None:
    """The file to hand in that one of this name may be: "net.py" for "net (1).py", "Copy of net.py", "net_old.py",
    "net.py.txt"; of missing ones also "net.py" for "nett.py" and "net.ipynb". None if there is none."""
    words = _words(name)
    asked = [file for file in expected if set(_words(file)) <= set(words) or _notebook_of(file, name, missing)]
    path = PurePosixPath(name)
    stems = {PurePosixPath(file).stem: file for file in missing if PurePosixPath(file).suffix == path.suffix}
    alike = difflib.get_close_matches(path.stem, stems, n=1, cutoff=ALIKE) if len(name) <= LONGEST else []

    def likeness(file: str) -> tuple[bool, int]:
        return PurePosixPath(file).stem.lower() in name.lower(), len(file)

    return max(asked, key=likeness, default=None) or next((stems[stem] for stem in alike), None)


def imported(source: bytes) -> Iterable[str]:
    """The words after `import` and `from` in a source text, valid or not; of a large one, in its beginning."""
    return (
        word.decode("ascii", "ignore")
        for line in IMPORT.finditer(source[:LARGEST])
        for word in re.findall(rb"\w+", line[1])
    )


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name[:LONGEST].lower())


def _notebook_of(file: str, name: str, missing: Collection[str]) -> bool:
    return file in missing and _words(name)[-1:] == ["ipynb"] and {*_words(file)} <= {*_words(name), "py"}
