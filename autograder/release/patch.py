"""What has changed since the last release, for students who have begun: a zip to unpack over their folder.

It never holds what students write into: the files that they hand in, their notebook, and modules that they may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.release.archive import zip_files
from autograder.release.contents import to_be_changed
from autograder.release.notebook import NOTEBOOK
from autograder.tasks import Course


@dataclass(frozen=True)
class Patch:
    """Differences between two releases.

    Attributes:
        files: what is new or different, name to content, but for students' own files.
        theirs: names of students' own files that differ.
        gone: names of files that are there no more.
    """

    files: dict[str, bytes]
    theirs: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.theirs or self.gone)


def files_of(archive: Path, top: str) -> dict[str, bytes]:
    """The files of an earlier student.zip, without the folder that they are in; none if there is no such zip."""
    return zip_files(archive, top) if archive.is_file() else {}


def difference(course: Course, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Patch:
    """What has changed from one release of a course to the next. A module is theirs if it was when they got it."""
    own = {*course.files, NOTEBOOK} | to_be_changed(before)
    changed = {name: content for name, content in after.items() if before.get(name) != content}
    return Patch(
        {name: content for name, content in changed.items() if name not in own},
        tuple(sorted(changed.keys() & own)),
        tuple(sorted(before.keys() - after.keys() - own)),
    )
