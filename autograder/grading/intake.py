"""Takes in a submission, a folder or a zip, without trusting it: copies what grading needs and nothing else.

It copies Python files, wherever they lie below the submission's folder, and the trained model. No copy can shadow
another module: a file with the name of a module of Python, of an installed package or of the grader is set aside.
Nothing is extracted by an archive tool: every file is listed and read by files.py, and written by us under a name that
we have checked. The copies belong to the grader; other users may read them.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from autograder import stamp, tasks
from autograder.grading.files import (
    MIB,
    RUBBISH,
    SUBMISSION,
    Entry,
    SizeLimits,
    UnreadableError,
    listed,
    read_tree,
    shown,
    without_environments,
    zip_tree,
)
from autograder.repository import STUDENT
from autograder.sandbox.interpreter import installed_packages

# The modules that students are given and do not hand in; see README.md, "What to hand in".
PROVIDED = STUDENT

MODEL_SUFFIX = ".safetensors"
# Folders that hold no code of the submission's own. Their content is not even looked at.
IGNORED_FOLDERS = RUBBISH | {"data", "results", "venv", "env"}
# Python imports these by itself, or pytest does.
SPECIAL_MODULES = {"__init__", "__main__", "conftest", "sitecustomize", "usercustomize", "tests", "test"}
# The kit, and the checks' helpers: in a student's folder the local `pytest` imports these.
OWN_PACKAGES = {"autograder", "support"}


@dataclass(frozen=True)
class Intake:
    """What became of a submission.

    Attributes:
        folder: where the copies are.
        files: names of the submission's files that were copied, relative to `folder`.
        missing: expected files that the submission does not have.
        left_out: files that students may miss: modules whose names are taken, links, devices, a notebook in place of an
            expected file. Not the folder tests/ and other notebooks, which students are given.
        notes: what the student should know, one sentence each.
        errors: why nothing can be graded at all; empty if something can.
        release: the release of the assignment from which it claims to come; nothing but a remark depends on it.
    """

    folder: Path
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    release: stamp.Stamp | None = None

    def file(self, name: str) -> Path | None:
        """Where a file of the submission was copied to; None if it has none of this name."""
        return self.folder / name if name in self.files else None


class IntakeError(Exception):
    """The submission cannot be taken in; the message is for the student."""


@dataclass
class _Selection:
    """Files to copy by their new name, and what to say about the others."""

    files: dict[str, Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    notebooks: list[str] = field(default_factory=list)
    release: Entry | None = None


def unpack(
    path: Path,
    into: Path,
    expected: Collection[str] | None = None,
    provided: Path | None = PROVIDED,
    limits: SizeLimits = SUBMISSION,
) -> Intake:
    """Copy what grading needs of the submission at `path`, a folder or a zip, to the empty folder `into`.

    Args:
        expected: names of the files to hand in; those of the default course if None.
        provided: a folder whose modules are added if the submission lacks them, or None.
    """
    if expected is None:
        expected = tasks.load().files
    try:
        selection = _select(read_tree(path, IGNORED_FOLDERS, limits).entries, expected, _modules_of(provided))
        for name, content in _contents(selection, limits):
            _write(into, name, content)
    except (IntakeError, UnreadableError) as error:
        return Intake(folder=into, missing=tuple(sorted(expected)), errors=(str(error),))
    missing = tuple(sorted(set(expected) - set(selection.files)))
    if provided is not None:
        _add_provided(provided, into, expected, selection.files)
    return Intake(
        folder=into,
        files=tuple(sorted(selection.files)),
        missing=missing,
        left_out=(
            *selection.odd,
            *(name for name in selection.set_aside if not name.startswith("tests/")),
            *(name for name in selection.notebooks if f"{PurePosixPath(name).stem}.py" in missing),
        ),
        notes=_all_notes(selection),
        release=_release(selection.release),
    )


def code_of(archive: bytes, expected: Collection[str], limits: SizeLimits = SUBMISSION) -> dict[str, bytes]:
    """The Python files of a submission, a zip, that would be graded; none if it would be refused."""
    try:
        selection = _select(zip_tree(archive, "", IGNORED_FOLDERS, limits).entries, expected, ())
        return {name: content for name, content in _contents(selection, limits) if name.endswith(".py")}
    except (IntakeError, UnreadableError):
        return {}


def matters(path: PurePosixPath, expected: Collection[str]) -> bool:
    """Whether something is done or said about a file: code, a notebook, or a file to hand in (lower case)."""
    suffix = path.suffix.lower()
    named = path.name.lower() in expected or path.name == stamp.HANDED_IN
    return not path.name.startswith(".") and (suffix in (".py", ".ipynb") or named)


@cache
def reserved_modules() -> frozenset[str]:
    """Names that no module of a submission may have: Python's, installed packages', the grader's."""
    folders = [str(folder) for folder in installed_packages()]
    installed = {module.name for module in pkgutil.iter_modules(folders)}
    # Packages without an __init__.py are found by their folder's name alone.
    for folder in folders:
        installed |= {name for name in os.listdir(folder) if name.isidentifier()}
    return frozenset(
        sys.stdlib_module_names | set(sys.builtin_module_names) | installed | SPECIAL_MODULES | OWN_PACKAGES
    )


def _release(entry: Entry | None) -> stamp.Stamp | None:
    """What a submission's release.json claims; None if that cannot be read."""
    try:
        return None if entry is None else stamp.parse(entry.read(stamp.LARGEST + 1))
    except UnreadableError:
        return None


def _modules_of(provided: Path | None) -> set[str]:
    return {path.name for path in provided.glob("*.py")} if provided is not None else set()


def _select(found: Collection[Entry], expected: Collection[str], provided: Collection[str]) -> _Selection:
    """Which files are copied, and as what."""
    selection = _Selection()
    found = without_environments(found)
    selection.odd = [entry.name for entry in found if not entry.regular and not entry.path.name.startswith(".")]
    if selection.odd:
        selection.notes.append(f"Not used, because they are not ordinary files: {listed(selection.odd)}.")
    # Repair the case of names first: the folder to grade is found by them.
    canonical = {name.lower(): name for name in (*expected, *provided)}
    entries = [entry for entry in found if entry.regular and matters(entry.path, canonical)]
    present = {entry.path for entry in entries}
    top = _top_folder(entries, set(map(str.lower, expected)))
    if top.parts:
        selection.notes.append(f"The folder {shown(str(top))} of your submission was graded.")
    for entry in entries:
        if top not in entry.path.parents and top.parts:
            continue
        path = entry.path.relative_to(top)
        name = str(path)
        if name == stamp.HANDED_IN:
            selection.release = entry
            continue
        if path.suffix.lower() == ".ipynb":
            selection.notebooks.append(name)
            continue
        if len(path.parts) == 1 and name.lower() in canonical and name != canonical[name.lower()]:
            right = canonical[name.lower()]
            if top / right in present:
                selection.set_aside.append(name)
                continue
            selection.notes.append(f"{shown(name)} was taken as {right}: upper and lower case matter in file names.")
            path, name = PurePosixPath(right), right
        if path.suffix not in (".py", MODEL_SUFFIX) or (path.suffix == MODEL_SUFFIX and name not in expected):
            continue
        if name not in expected and name not in provided and not _may_be_helper(path):
            selection.set_aside.append(name)
            continue
        if name in selection.files:
            raise IntakeError(f"The submission has two files called {shown(name)}. Hand in only one of them.")
        selection.files[name] = entry
    return selection


def _top_folder(entries: list[Entry], expected: set[str]) -> PurePosixPath:
    """The folder whose files are meant: the top, unless the expected files lie in exactly one folder further down."""
    counts: dict[PurePosixPath, int] = {}
    for entry in entries:
        if entry.path.name.lower() in expected:
            counts[entry.path.parent] = counts.get(entry.path.parent, 0) + 1
    top = PurePosixPath(".")
    if not counts or top in counts:
        return top
    depth = min(len(folder.parts) for folder in counts)
    nearest = [folder for folder in counts if len(folder.parts) == depth]
    best = max(nearest, key=lambda folder: counts[folder])
    if sum(counts[folder] == counts[best] for folder in nearest) > 1:
        names = listed(sorted(map(str, nearest)))
        raise IntakeError(f"The files to grade lie in more than one folder: {names}. Hand in one of them.")
    return best


def _may_be_helper(path: PurePosixPath) -> bool:
    """Whether a file is a module of the student's own that shadows no other module."""
    modules = [*path.parts[:-1], path.stem]
    return (
        path.suffix == ".py" and all(name.isidentifier() for name in modules) and modules[0] not in reserved_modules()
    )


def _contents(selection: _Selection, limits: SizeLimits) -> Iterator[tuple[str, bytes]]:
    """The files to copy: new name, content.

    Raises:
        IntakeError, UnreadableError: they are too many, too large or damaged.
    """
    if len(selection.files) > limits.files:
        raise IntakeError(f"The submission has more than {limits.files} Python files.")
    total = 0
    for name, entry in selection.files.items():
        bound = limits.model_bytes if name.endswith(MODEL_SUFFIX) else limits.code_bytes
        content = entry.read(bound + 1)
        if len(content) > bound:
            raise IntakeError(f"{shown(name)} is larger than {bound // MIB} MiB.")
        total += len(content)
        if total > limits.total_bytes:
            raise IntakeError(f"Together, the submission's files are larger than {limits.total_bytes // MIB} MiB.")
        yield name, content


def _write(into: Path, name: str, content: bytes) -> None:
    """A new file below `into` that everybody may read and only we may write."""
    target = into / name
    for folder in reversed(target.relative_to(into).parents[:-1]):
        (into / folder).mkdir(exist_ok=True)
        (into / folder).chmod(0o755)
    with target.open("xb") as file:
        file.write(content)
    target.chmod(0o644)


def _add_provided(provided: Path, into: Path, expected: Collection[str], present: Collection[str]) -> None:
    """Copy the given modules that need not be handed in, unless they were."""
    for path in sorted(provided.glob("*.py")):
        if path.name not in expected and path.name not in present and path.stem not in reserved_modules():
            _write(into, path.name, path.read_bytes())


def _all_notes(selection: _Selection) -> tuple[str, ...]:
    notes = list(selection.notes)
    set_aside = [name for name in selection.set_aside if not name.startswith("tests/")]  # they came with the starter
    if set_aside:
        notes.append(
            f"Not used, because their names are taken (by Python, by a library, by the grader) or are not module "
            f"names: {listed(set_aside)}."
        )
    if selection.notebooks:
        notes.append(f"Notebooks are not graded, only Python files are: {listed(selection.notebooks)}.")
    return tuple(notes)
