"""One student taken out of a class: the results, the written part, the tables, the pages."""

from __future__ import annotations

import codecs
import contextlib
import html
import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.classroom import difference_page, written
from autograder.classroom.exports.counting import slug_of
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.named import is_called, texts
from autograder.grading.files import UnreadableError

SHORTEST = 3  # characters of what is searched for: two letters stand in every file


@dataclass(frozen=True)
class Deletion:
    """A class without a student.

    Attributes:
        before: with the student.
        export: what is left of it.
        folders: names of folders in students/, and of sheets in written/, that hold nobody else's work.
        renamed: slug of what others handed in too -> what is left of it; its own slug no longer names the student.
        known_by: everything that the student, and nobody else, is called.
    """

    before: Export
    export: Export
    folders: tuple[str, ...]
    renamed: Mapping[str, HandedIn]
    known_by: tuple[str, ...]

    @property
    def everybody(self) -> Export:
        """The class with the student, and with the slugs that submissions have without."""
        slugs = {slug: one.slug for slug, one in self.renamed.items()}
        called = [replace(one, slug=slugs.get(one.slug, one.slug)) for one in self.before.submissions]
        return replace(self.before, submissions=called)


def without(export: Export, name: str, folders: Collection[str]) -> Deletion:
    """The class without the student of this name, number, login or e-mail address, or folder in students/.

    Args:
        folders: the names of all folders in students/ and of all sheets in written/: some may be left of a student who
            is not in the export any more.

    Raises:
        UnreadableError: no student is called so, or several are.
    """
    everybody = [*(student for one in export.submissions for student in one.students), *export.absent]
    of_folder = [student for one in export.submissions if one.slug == name for student in one.students]
    found = {one.key: one for one in everybody if is_called(one, name)}
    found = found or {one.key: one for one in of_folder}
    if len(found) > 1:
        who = "; ".join(", ".join(texts(one)) for one in found.values())
        raise UnreadableError(f"--delete: {name!r} is not one student alone, but these: {who}; name a number")
    if not found:
        if name in folders:
            return Deletion(export, export, (name,), {}, (name,))
        raise UnreadableError(f"--delete: nobody in this class has the name, number, login or e-mail address {name!r}")
    ((key, student),) = found.items()
    others = {text for one in everybody if one.key != key for text in texts(one)}
    known_by = tuple(text for text in texts(student) if text not in others)
    kept, gone, renamed = [], [], dict[str, HandedIn]()
    taken = {*folders, *(one.slug for one in export.submissions)}
    for one in export.submissions:
        group = tuple(each for each in one.students if each.key != key)
        if len(group) == len(one.students):
            kept.append(one)
        elif group:
            left = replace(one, students=group)
            renamed[one.slug] = replace(left, slug=slug_of(left, taken - {one.slug}))
            kept.append(renamed[one.slug])
        else:
            gone.append(one.slug)
    others_left = replace(
        export,
        submissions=kept,
        absent=[one for one in export.absent if one.key != key],
        notes=[note for note in export.notes if not mentions(note, known_by)],
        unread=[note for note in export.unread if not mentions(note, known_by)],
    )
    old = (slug for slug, one in renamed.items() if one.slug != slug)
    return Deletion(export, others_left, tuple(gone), renamed, (*gone, *old, *known_by))


def remove(out: Path, deletion: Deletion) -> None:
    """Delete the folders, the answers, and what was written about another grading: `--against` writes it anew.

    What others of a group handed in goes to a folder that names only them.
    """
    written.forget(out, deletion.before.submissions, deletion.folders, deletion.renamed)
    students = out / "students"
    for name in deletion.folders:
        if (students / name).exists():
            shutil.rmtree(students / name)
    for name, left in deletion.renamed.items():
        if (students / name).exists():
            (students / name).rename(students / left.slug)
    shutil.rmtree(out / difference_page.LETTERS, ignore_errors=True)
    for name in (difference_page.PAGE, difference_page.TABLE):
        (out / name).unlink(missing_ok=True)


def remaining(out: Path, deletion: Deletion) -> list[Path]:
    """Files in the results' folder that still name the student."""
    return [path for path in _files(out) if any(mentions(text, deletion.known_by) for text in _readings(path))]


def packed(out: Path) -> list[Path]:
    """Workbooks and archives in the results' folder, which nobody has searched."""
    return [path for path in _files(out) if path.read_bytes()[:4] in (b"PK\3\4", b"\xd0\xcf\x11\xe0")]


def _files(out: Path) -> list[Path]:
    return [path for path in sorted(out.rglob("*")) if path.is_file()]


def _readings(path: Path) -> Iterator[str]:
    """The text of a file, as it stands there and without the marks that its kind puts into names."""
    content = path.read_bytes()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if wide else "utf-8", errors="replace")
    yield text
    if path.suffix == ".html":
        yield html.unescape(text)
    if path.suffix == ".json":
        with contextlib.suppress(ValueError, RecursionError):
            yield json.dumps(json.loads(text), ensure_ascii=False)


def mentions(text: str, names: Collection[str]) -> bool:
    """Whether one of the names stands in the text, as a word of its own."""
    words = "|".join(re.escape(name) for name in names if len(name) >= SHORTEST)
    return bool(words) and bool(re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE))
